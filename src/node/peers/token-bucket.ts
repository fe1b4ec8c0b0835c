import type { Micros } from '../types.ts';

const SECOND = 1_000_000;

/** A token bucket on the node's clock: `burst` at once, `perSecond` in the long run. */
export class Bucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #at: Micros;

  constructor(burst: number, perSecond: number, now: Micros) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#at = now;
  }

  #refill(now: Micros): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.#perSecond) / SECOND);
    this.#at = now;
  }

  /** Takes `n` tokens, or none and answers false. */
  take(n: number, now: Micros): boolean {
    this.#refill(now);
    if (this.#tokens < n) return false;
    this.#tokens -= n;
    return true;
  }

  /** Takes `n` tokens whatever there is: the debt delays the next one. For work whose size is known only afterwards. */
  charge(n: number, now: Micros): void {
    this.#refill(now);
    this.#tokens -= n;
  }

  has(n: number, now: Micros): boolean {
    this.#refill(now);
    return this.#tokens >= n;
  }

  level(now: Micros): number {
    this.#refill(now);
    return this.#tokens;
  }

  /** When `n` tokens will be there; `n` above the burst never are. */
  readyAt(n: number, now: Micros): Micros {
    this.#refill(now);
    if (this.#tokens >= n) return now;
    return now + Math.ceil(((n - this.#tokens) * SECOND) / this.#perSecond);
  }
}
