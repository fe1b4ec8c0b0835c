/** A slice's length: short beside a block interval, so that capped mining still finds blocks at random times. */
const SLICE_MS = 10;
/** Time lost to a busy machine is made up for, but no more than this, so that no burst follows a long pause. */
const MAX_DEBT_MS = 100;

/**
 * Holds a hash rate: hands out nonces in slices as time passes. Time is an argument (milliseconds, monotonic), so that
 * a test can bend it.
 */
export class Pace {
  #perMs = 0;
  #last = 0;
  #due = 0;
  #slice = 1;

  /** Hashes a second, 0 = no cap. What is due at the old rate stays due. */
  setRate(perSecond: number, now: number): void {
    if (this.capped) this.#pass(now);
    this.#perMs = perSecond / 1000;
    this.#slice = Math.max(1, Math.floor(this.#perMs * SLICE_MS));
    this.#due = Math.min(this.#due, this.#most());
    this.#last = now;
  }

  get capped(): boolean {
    return this.#perMs > 0;
  }

  /** Forgets what is due: after a pause on purpose nothing is owed. */
  restart(now: number): void {
    this.#due = 0;
    this.#last = now;
  }

  /** Nonces to try at once, or 0: then it is `waitMs` early. */
  grant(now: number): number {
    this.#pass(now);
    if (this.#due < this.#slice) return 0;
    this.#due -= this.#slice;
    return this.#slice;
  }

  /** Milliseconds until the next slice is due, as of the last grant. */
  get waitMs(): number {
    return Math.max(0, (this.#slice - this.#due) / this.#perMs);
  }

  #pass(now: number): void {
    this.#due = Math.min(this.#most(), this.#due + (now - this.#last) * this.#perMs);
    this.#last = now;
  }

  #most(): number {
    return Math.max(this.#slice, this.#perMs * MAX_DEBT_MS);
  }
}
