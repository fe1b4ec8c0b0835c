/**
 * Memory that miners and their workers share. A worker grinds without ever returning to its event loop, so it is told
 * what to do here and not by messages: one atomic load between batches shows that something changed.
 */

const BELL = { rung: 0, closed: 1 } as const;

/** Rung whenever there is news for a worker, in the memory of a seat or in its mail; without work it sleeps on it. */
export class Bell {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** How often it was rung. */
  get rung(): number {
    return Atomics.load(this.#words, BELL.rung);
  }

  ring(): void {
    Atomics.add(this.#words, BELL.rung, 1);
    Atomics.notify(this.#words, BELL.rung);
  }

  /** Worker only: sleeps until it was rung more often than `seen`, or so many milliseconds. */
  wait(seen: number, ms: number): void {
    Atomics.wait(this.#words, BELL.rung, seen, ms);
  }

  /** Workers that hear this end. */
  close(): void {
    Atomics.store(this.#words, BELL.closed, 1);
    this.ring();
  }

  get closed(): boolean {
    return Atomics.load(this.#words, BELL.closed) !== 0;
  }
}

/** Int32 words. */
const WORD = {
  /** Grows with every order; odd while one is being written. */
  version: 0,
  /** Grows whenever the miner takes its seats elsewhere: who was seated under another number leaves. */
  place: 1,
  /** The first of `SOLVED_WORDS`, which hold the serials of the newest orders that were solved, each at its remainder. */
  solved: 2,
} as const;
/** A worker on a busy machine may come with a solution so many orders late, and is still told whether it is the first. */
const SOLVED_WORDS = 8;
const ORDER_AT = 48;
const ORDER_BYTES = 144;
const COUNTERS_AT = ORDER_AT + ORDER_BYTES;
/** Two int64 a worker: hashes ever, and hashes on the order whose serial is in the third. */
const COUNTERS = 3;

/** What workers are told. */
export interface Order {
  /** Grows with every new job. */
  readonly serial: number;
  readonly hasJob: boolean;
  readonly held: boolean;
  /** The job's own id. */
  readonly job: number;
  /** Hashes a second for each worker, 0 = no cap. */
  readonly rate: number;
  /** 76 bytes. */
  readonly header: Uint8Array;
  /** 32 bytes, big endian. */
  readonly target: Uint8Array;
}

/** One miner's part of the shared memory. */
export class Control {
  readonly buffer: SharedArrayBuffer;
  #bell: Bell | undefined;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #counters: BigInt64Array;

  constructor(buffer: SharedArrayBuffer, bell?: Bell) {
    this.buffer = buffer;
    this.#bell = bell;
    this.#words = new Int32Array(buffer, 0, ORDER_AT / 4);
    this.#bytes = new Uint8Array(buffer, ORDER_AT, ORDER_BYTES);
    this.#view = new DataView(buffer, ORDER_AT, ORDER_BYTES);
    this.#counters = new BigInt64Array(buffer, COUNTERS_AT);
  }

  static forWorkers(count: number): Control {
    return new Control(new SharedArrayBuffer(COUNTERS_AT + count * COUNTERS * 8));
  }

  /** Miner only: there is one writer. */
  publish(order: Order): void {
    Atomics.add(this.#words, WORD.version, 1);
    this.#view.setFloat64(0, order.serial);
    this.#view.setFloat64(8, order.job);
    this.#view.setFloat64(16, order.rate);
    this.#view.setUint8(24, order.hasJob ? 1 : 0);
    this.#view.setUint8(25, order.held ? 1 : 0);
    this.#bytes.set(order.header, 32);
    this.#bytes.set(order.target, 108);
    Atomics.add(this.#words, WORD.version, 1);
    this.#bell?.ring();
  }

  /** Reads the whole order as it was at one moment. */
  read(): Order {
    for (;;) {
      const before = Atomics.load(this.#words, WORD.version);
      const order: Order = {
        serial: this.#view.getFloat64(0),
        job: this.#view.getFloat64(8),
        rate: this.#view.getFloat64(16),
        hasJob: this.#view.getUint8(24) === 1,
        held: this.#view.getUint8(25) === 1,
        header: this.#bytes.slice(32, 108),
        target: this.#bytes.slice(108, 140),
      };
      if (before % 2 === 0 && before === Atomics.load(this.#words, WORD.version)) return order;
    }
  }

  /** Grows with every order. */
  get version(): number {
    return Atomics.load(this.#words, WORD.version);
  }

  /** Miner only: sends away who sits here, and answers the number for those who come now, to be woken by `bell`. */
  settle(bell: Bell | undefined): number {
    const place = Atomics.add(this.#words, WORD.place, 1) + 1;
    this.#bell?.ring();
    this.#bell = bell;
    return place;
  }

  /** The number that was given out last. */
  get place(): number {
    return Atomics.load(this.#words, WORD.place);
  }

  isSolved(serial: number): boolean {
    return Atomics.load(this.#words, WORD.solved + (serial % SOLVED_WORDS)) === serial;
  }

  /** False if another worker has solved this order before, even if there are newer orders now, or if nobody can tell. */
  claim(serial: number): boolean {
    const at = WORD.solved + (serial % SOLVED_WORDS);
    for (;;) {
      const solved = Atomics.load(this.#words, at);
      if (solved >= serial) return false;
      if (Atomics.compareExchange(this.#words, at, solved, serial) === solved) {
        this.#bell?.ring();
        return true;
      }
    }
  }

  /** Worker only: adds to its counters. */
  count(worker: number, serial: number, hashes: number): void {
    const at = worker * COUNTERS;
    Atomics.add(this.#counters, at, BigInt(hashes));
    if (Atomics.load(this.#counters, at + 2) !== BigInt(serial)) {
      Atomics.store(this.#counters, at + 1, 0n);
      Atomics.store(this.#counters, at + 2, BigInt(serial));
    }
    Atomics.add(this.#counters, at + 1, BigInt(hashes));
  }

  /** Hashes that this worker ever made. */
  hashes(worker: number): number {
    return Number(Atomics.load(this.#counters, worker * COUNTERS));
  }

  /** Hashes that this worker made on this order. */
  hashesOn(worker: number, serial: number): number {
    const at = worker * COUNTERS;
    return Atomics.load(this.#counters, at + 2) === BigInt(serial)
      ? Number(Atomics.load(this.#counters, at + 1))
      : 0;
  }
}

/** One miner's part of a worker. */
export interface SeatStart {
  /** Its number in the worker's messages. */
  readonly id: number;
  readonly control: SharedArrayBuffer;
  /** See `Control.settle`. */
  readonly place: number;
  /** Which of the miner's workers this is: the counters to use. */
  readonly index: number;
  /** Nonces from `from` to `to` − 1 are its. */
  readonly from: number;
  readonly to: number;
}

/** What a worker is started with; later seats come as messages of their own. */
export interface WorkerStart {
  readonly bell: SharedArrayBuffer;
  readonly seats: readonly SeatStart[];
  readonly kernel: string;
  /** Hashes a second beyond which no faster kernel is looked for; 0 = the fastest. */
  readonly enough: number;
  /** See `SelectionOptions`. */
  readonly exact: boolean;
  readonly niceness: number;
  /** How many workers held this place before, and died. */
  readonly attempt: number;
}

export interface ReadyMessage {
  readonly kind: 'ready';
  readonly kernel: string;
  /** Hashes a second in the calibration; 0 if there was none. */
  readonly rate: number;
  readonly notes: readonly string[];
}

export type SeatMessage =
  | {
      readonly kind: 'solved';
      readonly seat: number;
      readonly serial: number;
      readonly job: number;
      readonly nonce: number;
      /** This worker's own, on this order. */
      readonly tries: number;
      readonly ms: number;
    }
  | { readonly kind: 'exhausted'; readonly seat: number; readonly serial: number }
  /** It does nothing more for this seat. */
  | { readonly kind: 'left'; readonly seat: number };

export type WorkerMessage = ReadyMessage | SeatMessage;
