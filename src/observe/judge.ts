import { squareRoot } from '../util/elementary.ts';
import { binomialSe } from './figures-tally.ts';

/** Is what was measured what was predicted? One check in a thousand fails by chance. */

export const SIGMAS = 3.3;
/** For tables of so many checks, where one in a thousand would be too many. */
export const LARGE_TABLE = 60;
export const LARGE_TABLE_SIGMAS = 4;
/** Below so many expected events their number is not normally distributed: exact tails instead. */
const LEAST_EXPECTED = 10;

export interface Judged {
  readonly measured: number;
  readonly predicted: number;
  /** Standard error of `measured`. */
  readonly se: number;
  /** Independent trials. */
  readonly n: number;
  readonly ok: boolean;
}

/** A share of independent trials; the standard error is the one that theory would have. */
export function judgeShare(events: number, n: number, predicted: number, sigmas = SIGMAS): Judged {
  const measured = n === 0 ? 0 : events / n;
  const se = binomialSe(predicted, n);
  const few = Math.min(predicted, 1 - predicted) * n < LEAST_EXPECTED;
  const ok = few
    ? inBinomialInterval(events, n, predicted, sigmas)
    : distance(measured, predicted) <= sigmas * se;
  return { measured, predicted, se, n, ok };
}

/**
 * A mean with its measured standard error. `low` and `high`: by how much of itself the prediction may be too low or too
 * high, where theory is only approximate.
 */
export function judgeMean(
  measured: number,
  se: number,
  n: number,
  predicted: number,
  bias: { readonly low?: number; readonly high?: number } = {},
  sigmas = SIGMAS,
): Judged {
  const least = predicted * (1 - (bias.high ?? 0)) - sigmas * se;
  const most = predicted * (1 + (bias.low ?? 0)) + sigmas * se;
  return { measured, predicted, se, n, ok: measured >= least && measured <= most };
}

/** Two estimates of one quantity. */
export function agree(
  a: { readonly measured: number; readonly se: number },
  b: { readonly measured: number; readonly se: number },
  sigmas = SIGMAS,
): boolean {
  return distance(a.measured, b.measured) <= sigmas * squareRoot(a.se * a.se + b.se * b.se);
}

/** Mean and its standard error from independent values. */
export function meanOf(values: readonly number[]): { readonly mean: number; readonly se: number } {
  const n = values.length;
  let mean = 0;
  for (const value of values) mean += value / n;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  return { mean, se: n < 2 ? 0 : squareRoot(squares / (n - 1) / n) };
}

/** One of many stretches of a run: so many cases, and so many of them that count. */
export interface Stretch {
  readonly cases: number;
  readonly hits: number;
}

/**
 * Share of hits among all cases, and its standard error from the scatter of the stretches: how many cases there are is left to
 * chance too, so each stretch is measured against what the common share says of its own cases.
 */
export function shareOf(stretches: readonly Stretch[]): { readonly mean: number; readonly se: number } {
  const n = stretches.length;
  let cases = 0;
  let hits = 0;
  for (const stretch of stretches) {
    cases += stretch.cases;
    hits += stretch.hits;
  }
  if (cases === 0) return { mean: 0, se: 0 };
  const mean = hits / cases;
  let squares = 0;
  for (const stretch of stretches) {
    const off = stretch.hits - mean * stretch.cases;
    squares += off * off;
  }
  return { mean, se: n < 2 ? 0 : squareRoot((squares * n) / (n - 1)) / cases };
}

/** Both tails of the exact distribution hold at least what so many sigmas leave outside of a normal one. */
function inBinomialInterval(events: number, n: number, p: number, sigmas: number): boolean {
  const outside = sigmas >= LARGE_TABLE_SIGMAS ? 3.17e-5 : 4.83e-4;
  if (p <= 0) return events === 0;
  if (p >= 1) return events === n;
  // Upward from the rarer side, where terms are few: P(X = k+1) = P(X = k) · (n−k)/(k+1) · p/(1−p).
  const rare = Math.min(p, 1 - p);
  const k = p === rare ? events : n - events;
  let term = 1;
  for (let i = 0; i < n; i++) term *= 1 - rare;
  let upTo = 0;
  let before = 0;
  for (let i = 0; i <= k; i++) {
    before = upTo;
    upTo += term;
    term *= ((n - i) / (i + 1)) * (rare / (1 - rare));
  }
  return upTo >= outside && 1 - before >= outside;
}

function distance(a: number, b: number): number {
  return a > b ? a - b : b - a;
}

/** Where a formula is known to be off by up to `tolerance` of itself: the larger of that and the standard errors. */
export function judgeApproximate(
  measured: number,
  se: number,
  n: number,
  predicted: number,
  tolerance: number,
  sigmas = SIGMAS,
): Judged {
  const allowed = Math.max(sigmas * se, tolerance * predicted);
  return { measured, predicted, se, n, ok: distance(measured, predicted) <= allowed };
}
