import { type Bell, Control, type Order, type SeatMessage, type SeatStart } from './control.ts';
import type { Kernel } from './kernels/types.ts';
import { Pace } from './rate-limit.ts';

/** Nonces between two looks at the bell: about a millisecond with a fast kernel, without loss of throughput. */
const BATCH = 8192;
const SMALLEST_BATCH = 16;
/** A slower kernel gets smaller batches: a new tip must reach every worker within 5 ms. */
const LONGEST_BATCH_MS = 2;

type Tell = (message: SeatMessage) => void;

/**
 * What a worker grinds: one seat for each miner that has it. They take turns by batches, so that none waits for another
 * longer than a batch of each. The clock (milliseconds, monotonic) is an argument, so that a test can bend it.
 */
export class Seats {
  readonly #kernel: Kernel;
  readonly #bell: Bell;
  readonly #tell: Tell;
  readonly #clock: () => number;
  #seats: readonly Seat[] = [];
  #turn = 0;
  /** How long a batch takes is the kernel's affair, so it is learnt for all at once. */
  #batch = SMALLEST_BATCH;

  constructor(kernel: Kernel, bell: Bell, tell: Tell, clock: () => number) {
    this.#kernel = kernel;
    this.#bell = bell;
    this.#tell = tell;
    this.#clock = clock;
  }

  add(start: SeatStart): void {
    this.#seats = [...this.#seats, new Seat(start, this.#kernel.another(), this.#bell, this.#tell)];
  }

  /** To be called when the bell was rung. */
  heed(): void {
    const now = this.#clock();
    if (this.#seats.some((seat) => seat.hasLeft)) {
      for (const seat of this.#seats) if (seat.hasLeft) this.#tell({ kind: 'left', seat: seat.id });
      this.#seats = this.#seats.filter((seat) => !seat.hasLeft);
    }
    for (const seat of this.#seats) seat.heed(now);
  }

  /** Grinds a batch of the next seat that has something to do, and answers 0; or the milliseconds until one has. */
  turn(): number {
    const { length } = this.#seats;
    const now = this.#clock();
    let wait = Number.POSITIVE_INFINITY;
    for (let i = 0; i < length; i++) {
      const at = (this.#turn + i) % length;
      const due = this.#seats[at]!.due(now);
      if (due === 0) {
        this.#turn = at + 1;
        this.#grind(this.#seats[at]!, now);
        return 0;
      }
      wait = Math.min(wait, due);
    }
    return wait;
  }

  #grind(seat: Seat, before: number): void {
    const tried = seat.grind(this.#batch, before);
    const took = this.#clock() - before;
    if (took > LONGEST_BATCH_MS) this.#batch = Math.max(SMALLEST_BATCH, this.#batch >> 1);
    // Only a whole batch shows that more would do: a slice may be much less.
    else if (took < LONGEST_BATCH_MS / 2 && tried === this.#batch)
      this.#batch = Math.min(BATCH, this.#batch << 1);
  }
}

/** One miner's part of a worker. */
class Seat {
  readonly id: number;
  readonly #start: SeatStart;
  readonly #kernel: Kernel;
  readonly #control: Control;
  readonly #tell: Tell;
  readonly #pace = new Pace();
  #version = 0;
  #shift: Shift | undefined;
  #held = false;
  /** Nothing to do the last time it was asked: then nothing is owed either. */
  #idle = true;
  #granted = 0;

  constructor(start: SeatStart, kernel: Kernel, bell: Bell, tell: Tell) {
    this.id = start.id;
    this.#start = start;
    this.#kernel = kernel;
    this.#control = new Control(start.control, bell);
    this.#tell = tell;
  }

  get hasLeft(): boolean {
    return this.#control.place !== this.#start.place;
  }

  heed(now: number): void {
    const { version } = this.#control;
    if (version === this.#version) return;
    this.#version = version;
    const order = this.#control.read();
    this.#pace.setRate(order.rate, now);
    if (!order.hasJob) this.#shift = undefined;
    else if (this.#shift?.order.serial !== order.serial) {
      // Somebody may have worked on it before, here or elsewhere: a worker that died, or whose seat was moved.
      const tried = this.#control.hashesOn(this.#start.index, order.serial);
      this.#shift = newShift(order, this.#start.from + tried, tried, now);
      this.#kernel.prepare(order.header, order.target);
    }
    this.#held = order.held;
  }

  /** Milliseconds until there is something to grind: 0 = now, infinite = not before the bell rings. */
  due(now: number): number {
    const shift = this.#shift;
    if (shift === undefined || this.#held || shift.exhausted || this.#control.isSolved(shift.order.serial)) {
      this.#idle = true;
      return Number.POSITIVE_INFINITY;
    }
    if (this.#idle) {
      this.#idle = false;
      this.#pace.restart(now);
      this.#granted = 0;
    }
    if (!this.#pace.capped || this.#granted > 0) return 0;
    this.#granted = this.#pace.grant(now);
    return this.#granted > 0 ? 0 : this.#pace.waitMs;
  }

  /** Only when it is due. Tries up to `most` nonces, answers how many. */
  grind(most: number, now: number): number {
    const shift = this.#shift!;
    const { to, index } = this.#start;
    const { serial, job } = shift.order;
    const granted = this.#pace.capped ? this.#granted : most;
    const count = Math.min(most, granted, shift.usefulBatch, to - shift.next);
    const [nonce] = this.#kernel.scan(shift.next, count);
    const tried = nonce === undefined ? count : nonce - shift.next + 1;
    shift.next += tried;
    shift.tries += tried;
    this.#granted -= tried;
    this.#control.count(index, serial, tried);
    if (nonce !== undefined && this.#control.claim(serial)) {
      this.#tell({
        kind: 'solved',
        seat: this.id,
        serial,
        job,
        nonce,
        tries: shift.tries,
        ms: now - shift.started,
      });
    } else if (nonce === undefined && shift.next >= to) {
      shift.exhausted = true;
      this.#tell({ kind: 'exhausted', seat: this.id, serial });
    }
    return tried;
  }
}

/** A seat's work on one order. */
interface Shift {
  readonly order: Order;
  readonly started: number;
  /** On easy targets a whole batch would hide how few tries it took, and delay the block. */
  readonly usefulBatch: number;
  next: number;
  tries: number;
  exhausted: boolean;
}

function newShift(order: Order, next: number, tries: number, started: number): Shift {
  const top = new DataView(order.target.buffer, order.target.byteOffset).getUint32(0);
  const usefulBatch = Math.max(SMALLEST_BATCH, Math.floor(2 ** 33 / (top + 1)));
  return { order, started, usefulBatch, next, tries, exhausted: false };
}
