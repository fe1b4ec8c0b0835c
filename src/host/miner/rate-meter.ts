/** Rates are told over the last seconds. */
const WINDOW_MS = 3000;
const MAX_SAMPLES = 64;

/** Turns counters that only grow into rates. Times in milliseconds, monotonic. */
export class RateMeter {
  readonly #workers: number;
  readonly #samples: { readonly at: number; readonly counts: readonly number[] }[] = [];

  constructor(workers: number) {
    this.#workers = workers;
  }

  sample(at: number, counts: readonly number[]): void {
    // Asked for many times a second, the window must not shrink to the last few milliseconds.
    const last = this.#samples.at(-1);
    const before = this.#samples.at(-2);
    if (last !== undefined && before !== undefined && at - before.at < WINDOW_MS / MAX_SAMPLES)
      this.#samples.pop();
    this.#samples.push({ at, counts });
    while (this.#samples.length > 2 && at - this.#samples[1]!.at >= WINDOW_MS) this.#samples.shift();
  }

  /** Hashes a second of each worker. */
  rates(): readonly number[] {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    const ms = first === undefined || last === undefined ? 0 : last.at - first.at;
    return Array.from({ length: this.#workers }, (_, i) =>
      ms === 0 ? 0 : ((last!.counts[i]! - first!.counts[i]!) / ms) * 1000,
    );
  }
}
