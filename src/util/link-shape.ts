import { type Random, seeded } from './random.ts';

/** What one direction of a link does to what is sent over it. */
export interface LinkShape {
  /** One way, in milliseconds. */
  readonly delayMs: number;
  /** The delay varies evenly by so much to either side; order is kept. At most `delayMs`. */
  readonly jitterMs: number;
  /** Share of segments that are lost at each try, 0 to `MAX_LOSS`. */
  readonly loss: number;
  /** Bits a second; 0 = as fast as it goes. */
  readonly bitsPerSecond: number;
  /** Share of messages that never arrive, 0 to `MAX_DROP`; absent = 0. Unlike `loss` nothing below sends them again. */
  readonly drop?: number;
}

export const SHAPE_FIELDS = ['delayMs', 'jitterMs', 'loss', 'bitsPerSecond', 'drop'] as const;

export const UNSHAPED: LinkShape = { delayMs: 0, jitterMs: 0, loss: 0, bitsPerSecond: 0 };

/** Beyond this a TCP connection is of no use, and neither is ours. */
const MAX_LOSS = 0.5;
/** Beyond this a link carries nothing that a protocol could build on. */
export const MAX_DROP = 0.9;
/** What TCP carries in one packet on an Ethernet: the unit of loss. */
export const SEGMENT_BYTES = 1_448;
/** Linux waits at least so long for an acknowledgement, on top of the round trip, before it sends again. */
export const RETRANSMIT_MS = 200;
/** A segment is sent at most so often; each wait is twice the one before (RFC 6298 §5.5). */
const MAX_TRIES = 7;

/**
 * When each piece that is given to a wire comes out at its other end. A stream cannot lose bytes, so a lost segment
 * costs what it costs under TCP: the wait for its retransmission, in which nothing behind it is handed on. Nothing
 * overtakes. Deterministic: the same seed, shapes, times and sizes give the same times. All times in milliseconds of
 * one clock that never goes back.
 */
export class Shaper {
  readonly #random: Random;
  #shape: LinkShape = UNSHAPED;
  /** When the last bit of what was given before has left our end. */
  #free = 0;
  #lastDue = 0;

  constructor(seed: string) {
    this.#random = seeded(seed);
  }

  get shape(): LinkShape {
    return this.#shape;
  }

  /** Applies to what is sent from now on; what is under way keeps its time. */
  set(shape: LinkShape): void {
    this.#shape = shape;
    // A faster wire does not wait until the slower one would have been done.
    if (shape.bitsPerSecond === 0) this.#free = 0;
  }

  get isPlain(): boolean {
    const { delayMs, jitterMs, loss, bitsPerSecond } = this.#shape;
    return delayMs === 0 && jitterMs === 0 && loss === 0 && bitsPerSecond === 0;
  }

  /** Is the next message lost for good? */
  drops(): boolean {
    const { drop = 0 } = this.#shape;
    return drop > 0 && this.#random.unit() < drop;
  }

  due(now: number, bytes: number): number {
    const { delayMs, jitterMs, loss, bitsPerSecond } = this.#shape;
    let left = now;
    if (bitsPerSecond > 0) {
      left = Math.max(now, this.#free) + (bytes * 8_000) / bitsPerSecond;
      this.#free = left;
    }
    const jitter = jitterMs === 0 ? 0 : (2 * this.#random.unit() - 1) * jitterMs;
    const late = loss === 0 ? 0 : this.#retransmission(Math.ceil(bytes / SEGMENT_BYTES), loss, delayMs);
    this.#lastDue = Math.max(this.#lastDue, left + Math.max(0, delayMs + jitter) + late);
    return this.#lastDue;
  }

  /** The segments of one piece are sent again side by side (selective acknowledgement): the unluckiest decides. */
  #retransmission(segments: number, loss: number, delayMs: number): number {
    let most = 0;
    for (let i = 0; i < segments; i++) {
      let lost = 0;
      while (lost < MAX_TRIES - 1 && this.#random.unit() < loss) lost++;
      most = Math.max(most, lost);
    }
    // 1 + 2 + 4 + … timeouts.
    return ((1 << most) - 1) * (2 * delayMs + RETRANSMIT_MS);
  }
}

/** What is wrong with the shares of a shape, in a sentence; undefined = nothing. */
export function shareProblem({ loss, drop = 0 }: LinkShape): string | undefined {
  if (!(loss >= 0 && loss <= MAX_LOSS)) return `a loss of ${loss}; it must be from 0 to ${MAX_LOSS}`;
  if (!(drop >= 0 && drop <= MAX_DROP)) return `a drop of ${drop}; it must be from 0 to ${MAX_DROP}`;
  return undefined;
}
