import { exponentialOf, squareRoot } from '../../util/elementary.ts';
import { MOST_Z, normalOfStudent, normalQuantile } from '../theory/normal.ts';
import { binomialSe } from './tally.ts';

/**
 * How far is what was measured from what was predicted? Each check ends in one figure, z, in standard errors. How large a z
 * may be depends on how many checks there are: {@link boundFor}.
 */

/** Below so many expected events their number is not normally distributed: exact tails instead. */
const LEAST_EXPECTED = 10;

/** A prediction that is only approximate: the true figure lies at most so far below and above it, in its own unit. */
export interface Tolerance {
  readonly below: number;
  readonly above: number;
}

/**
 * Which distribution makes z: the normal one, with an SE that is known; Student's t, with an SE estimated from `df` + 1
 * values; the binomial one of `n` trials; or that of a sum of exponential times, as many as a Poisson variable with mean
 * `events`.
 */
type Distribution =
  | { readonly kind: 'normal' }
  | { readonly kind: 'student'; readonly df: number }
  | { readonly kind: 'binomial' }
  | { readonly kind: 'times'; readonly events: number };

export interface Check {
  readonly measured: number;
  readonly predicted: number;
  /** Standard error of `measured`. */
  readonly se: number;
  /** Independent trials. */
  readonly n: number;
  readonly tolerance: Tolerance;
  readonly distribution: Distribution;
  /**
   * Distance of `measured` from the nearest value that the tolerance allows, in standard errors. Where the distribution is
   * not the normal one: the z with the same tail under the normal one. From −{@link MOST_Z} to {@link MOST_Z}.
   */
  readonly z: number;
}

const EXACT: Tolerance = { below: 0, above: 0 };

/** Shares of `predicted` as a tolerance. */
export function within(predicted: number, below: number, above = below): Tolerance {
  return { below: predicted * below, above: predicted * above };
}

/**
 * The |z| that at most one of so many independent checks exceeds, with probability `risk` (Bonferroni), if all predictions
 * are right. Rounded up to the two digits that are printed.
 */
export function boundFor(checks: number, risk: number): number {
  return Math.ceil(100 * normalQuantile(risk / 2 / Math.max(1, checks))) / 100;
}

/** A share of independent trials; the standard error is the one that theory has. */
export function checkShare(
  events: number,
  n: number,
  predicted: number,
  tolerance: Tolerance = EXACT,
): Check {
  const measured = n === 0 ? 0 : events / n;
  const se = binomialSe(predicted, n);
  const base = { measured, predicted, se, n, tolerance };
  const nearest = Math.min(1, Math.max(0, nearestTo(base)));
  const few = Math.min(nearest, 1 - nearest) * n < LEAST_EXPECTED;
  if (!few) return { ...base, distribution: { kind: 'normal' }, z: distanceOf(base) };
  return { ...base, distribution: { kind: 'binomial' }, z: zOfEvents(events, n, nearest) };
}

/** A mean with its standard error; `df`: degrees of freedom, where the SE was estimated from few values. */
export function checkMean(
  measured: number,
  se: number,
  n: number,
  predicted: number,
  { tolerance = EXACT, df }: { readonly tolerance?: Tolerance; readonly df?: number } = {},
): Check {
  const base = { measured, predicted, se, n, tolerance };
  const z = distanceOf(base);
  if (df === undefined) return { ...base, distribution: { kind: 'normal' }, z };
  return { ...base, distribution: { kind: 'student', df }, z: capped(normalOfStudent(z, df)) };
}

/** A share of time that consists of rare stays, `events` of them expected, each about exponentially long. */
export function checkTimes(measured: number, events: number, n: number, predicted: number): Check {
  const z = zOfTimes(predicted > 0 ? (measured / predicted) * events : 0, events);
  const se = predicted * squareRoot(2 / events);
  return { measured, predicted, se, n, tolerance: EXACT, distribution: { kind: 'times', events }, z };
}

/** Two estimates of one quantity. */
export function agree(
  a: { readonly measured: number; readonly se: number },
  b: { readonly measured: number; readonly se: number },
  sigmas: number,
): boolean {
  return Math.abs(a.measured - b.measured) <= sigmas * squareRoot(a.se * a.se + b.se * b.se);
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

type Compared = Pick<Check, 'measured' | 'predicted' | 'se' | 'tolerance'>;

/** The value nearest to what was measured that the tolerance allows. */
function nearestTo({ measured, predicted, tolerance }: Compared): number {
  return Math.min(predicted + tolerance.above, Math.max(predicted - tolerance.below, measured));
}

function distanceOf(of: Compared): number {
  const off = of.measured - nearestTo(of);
  return off === 0 ? 0 : capped(off / of.se);
}

function capped(z: number): number {
  return Math.min(MOST_Z, Math.max(-MOST_Z, z));
}

/** From the smaller tail of the binomial distribution, the measured number of events included. */
function zOfEvents(events: number, n: number, p: number): number {
  if (p <= 0 || p >= 1) {
    const off = p <= 0 ? events : events - n;
    return off === 0 ? 0 : off > 0 ? MOST_Z : -MOST_Z;
  }
  // Upward from the rarer side, where terms are few: P(X = k+1) = P(X = k) · (n−k)/(k+1) · p/(1−p).
  const rare = Math.min(p, 1 - p);
  const k = p === rare ? events : n - events;
  let term = 1;
  for (let i = 0; i < n; i++) term *= 1 - rare;
  let upTo = 0;
  let from = 0;
  for (let i = 0; i <= n && (i <= k || term > from * 1e-17); i++) {
    if (i <= k) upTo += term;
    if (i >= k) from += term;
    term *= ((n - i) / (i + 1)) * (rare / (1 - rare));
  }
  const z = zOfTails(upTo, from);
  return p === rare ? z : -z;
}

/** `total`: the sum of the times, in units of their mean. */
function zOfTimes(total: number, events: number): number {
  // The sum exceeds `total` if more times are drawn than a Poisson process of rate 1 has events until `total`.
  let drawn = exponentialOf(-events);
  let process = exponentialOf(-total);
  let processUpTo = 0;
  let above = 0;
  let below = drawn;
  for (let j = 1; j < 2 * (events + total) + 100; j++) {
    drawn *= events / j;
    processUpTo += process;
    process *= total / j;
    above += drawn * Math.min(1, processUpTo);
    below += drawn * Math.max(0, 1 - processUpTo);
  }
  return zOfTails(below, above);
}

function zOfTails(below: number, above: number): number {
  if (above < below) return above < 0.5 ? normalQuantile(above) : 0;
  return below < 0.5 ? -normalQuantile(below) : 0;
}
