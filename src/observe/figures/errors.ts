import { squareRoot } from '../../util/elementary.ts';

/** What a count says of the truth behind it, for few events too. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Standard deviations that leave one in twenty outside. */
export const Z95 = 1.96;

/** E. B. Wilson's interval of a share, "Probable inference, the law of succession, and statistical inference", 1927. */
export function wilson(events: number, n: number, z = Z95): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const p = events / n;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * squareRoot((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return {
    low: events === 0 ? 0 : Math.max(0, middle - half),
    high: events === n ? 1 : Math.min(1, middle + half),
  };
}

/** Standard error of a share: half of Wilson's interval of one deviation. Binomial for many events, never 0 for few. */
export function shareSe(events: number, n: number): number {
  const { low, high } = wilson(events, n, 1);
  return n === 0 ? 0 : (high - low) / 2;
}

export interface SumError extends Interval {
  readonly se: number;
}

/** Sizes of episodes at a depth count for so many of the depth below: a few say little of their own scatter. */
const PRIOR = 10;

/**
 * Sums over episodes that come as a Poisson process, each with an amount for every depth: time in conflict, reads undone.
 * What belongs to one episode is one event, however much it is, so a sum of S in episodes of mean square q is worth
 * S·(S/w)/q events. Where a depth has few episodes, q leans on the depths above it; without any, on a usual size.
 */
export class Episodes {
  readonly #counts: number[] = [];
  readonly #squares: number[] = [];
  #open: number[] = [];

  add(k: number, amount: number): void {
    this.#open[k] = (this.#open[k] ?? 0) + amount;
  }

  /** The present episode is over. */
  end(): void {
    for (const [k, amount] of this.#open.entries()) {
      if (!(amount > 0)) continue;
      this.#counts[k] = (this.#counts[k] ?? 0) + 1;
      this.#squares[k] = (this.#squares[k] ?? 0) + amount * amount;
    }
    this.#open = [];
  }

  /** Episodes that reached depth k, with the one that goes on. */
  count(k: number): number {
    return (this.#counts[k] ?? 0) + Number((this.#open[k] ?? 0) > 0);
  }

  /** Standard error and 95 % interval of the sum over all episodes at depth k; `usual`: the size of one if there is none. */
  error(k: number, sum: number, usual: number): SumError {
    let square = usual * usual;
    for (let j = 0; j <= k; j++) {
      const open = this.#open[j] ?? 0;
      const squares = (this.#squares[j] ?? 0) + open * open;
      square = (squares + PRIOR * square) / (this.count(j) + PRIOR);
    }
    const episodes = this.count(k);
    // The size of an effective event, and how many of them the sum is.
    const size = sum > 0 && episodes > 0 ? (square * episodes) / sum : squareRoot(square);
    const events = size > 0 ? sum / size : 0;
    const half = Z95 * squareRoot(events + (Z95 * Z95) / 4);
    const middle = events + (Z95 * Z95) / 2;
    return {
      se: size * squareRoot(events + 1),
      low: size * Math.max(0, middle - half),
      high: size * (middle + half),
    };
  }
}
