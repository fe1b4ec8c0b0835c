import { squareRoot } from '../../util/elementary.ts';

/** Values kept one by one before they are folded into classes. */
const EXACT_VALUES = 4_096;
/** Classes per doubling once folded: a quantile is then at most 0.8 % off. */
const CLASSES = 64;

/** What is said of many durations. All undefined-free: with `n` = 0 everything is 0. */
export interface Spread {
  readonly n: number;
  readonly mean: number;
  /** Standard error of the mean; 0 for fewer than two values. */
  readonly se: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Durations (≥ 0) by the thousand in bounded memory: exact up to 4,096 values, then counted in classes 1.6 % wide, of
 * which 45 doublings (a microsecond to a year, in milliseconds) make at most 2,900.
 */
export class Quantiles {
  #n = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #max = 0;
  #values: number[] | undefined = [];
  readonly #classes = new Map<number, number>();

  get n(): number {
    return this.#n;
  }

  add(value: number): void {
    this.#n++;
    this.#sum += value;
    this.#sumOfSquares += value * value;
    this.#max = Math.max(this.#max, value);
    if (this.#values === undefined) this.#count(value);
    else if (this.#values.push(value) > EXACT_VALUES) this.fold();
  }

  /** Gives up the single values: for figures that are kept but no longer grow. */
  fold(): void {
    for (const value of this.#values ?? []) this.#count(value);
    this.#values = undefined;
  }

  #count(value: number): void {
    const at = classOf(value);
    this.#classes.set(at, (this.#classes.get(at) ?? 0) + 1);
  }

  /** The smallest value that at least this share (0…1) of all do not exceed (the nearest-rank definition). */
  quantile(share: number): number {
    return this.#atRank(share, this.#sorted());
  }

  /** The single values in their order, while they are kept. */
  #sorted(): readonly number[] | undefined {
    return this.#values?.toSorted((a, b) => a - b);
  }

  #atRank(share: number, sorted: readonly number[] | undefined): number {
    if (this.#n === 0) return 0;
    // The product may come out a hair above a whole number: 0.9 × 10 must stay 9.
    const rank = Math.max(1, Math.ceil(share * this.#n - 1e-9));
    if (sorted !== undefined) return sorted[rank - 1]!;
    let before = 0;
    for (const [at, count] of [...this.#classes].sort((a, b) => a[0] - b[0])) {
      before += count;
      if (before >= rank) return Math.min(middleOf(at), this.#max);
    }
    return this.#max;
  }

  spread(): Spread {
    const n = this.#n;
    const mean = n === 0 ? 0 : this.#sum / n;
    const sorted = this.#sorted();
    const variance = n < 2 ? 0 : Math.max(0, (this.#sumOfSquares - n * mean * mean) / (n - 1));
    return {
      n,
      mean,
      se: n < 2 ? 0 : squareRoot(variance / n),
      p50: this.#atRank(0.5, sorted),
      p90: this.#atRank(0.9, sorted),
      p99: this.#atRank(0.99, sorted),
      max: this.#max,
    };
  }
}

/** Below a microsecond (in milliseconds) everything is one class. */
const LEAST = 0.001;

function classOf(value: number): number {
  if (value < LEAST) return -1;
  let doublings = 0;
  let m = value / LEAST;
  while (m >= 2) {
    m /= 2;
    doublings++;
  }
  return doublings * CLASSES + Math.floor((m - 1) * CLASSES);
}

function middleOf(at: number): number {
  if (at < 0) return 0;
  let value = LEAST * (1 + ((at % CLASSES) + 0.5) / CLASSES);
  for (let i = Math.floor(at / CLASSES); i > 0; i--) value *= 2;
  return value;
}
