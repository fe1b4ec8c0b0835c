/** A token bucket; `now`: milliseconds of a clock that never goes back. */
export class Allotment {
  readonly #now: () => number;
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #at: number;

  constructor(burst: number, perSecond: number, now: () => number) {
    this.#now = now;
    this.#at = now();
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  take(): boolean {
    if (this.level() < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Takes what there is not, too: the debt is paid first. */
  charge(cost: number): void {
    this.level();
    this.#tokens -= cost;
  }

  level(): number {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    return this.#tokens;
  }

  /** Milliseconds until the debt is paid; 0 without one. */
  get debtMs(): number {
    const level = this.level();
    return level >= 0 ? 0 : (-level / this.#perSecond) * 1_000;
  }
}
