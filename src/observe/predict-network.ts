import { exponentialOf, squareRoot } from '../util/elementary.ts';
import { naturalLog } from '../util/random.ts';

/** What theory says of floods, of difficulty that follows the hash rate, and of victims who are surrounded. */

const EULER_GAMMA = 0.5772156649015329;

/** Mean number of hops from a node to another in a random graph of `degree` links each (derived). */
export function meanHops(nodes: number, degree: number): number {
  const base = naturalLog(degree - 1);
  return naturalLog((nodes * (degree - 2)) / degree) / base + 0.5 - EULER_GAMMA / base;
}

/** Under `ema` a solve time counts at most so many intervals. */
export const EMA_CLAMP = 30;
const STEPS = 2_000;

/**
 * Blocks per intended interval, t intervals after the hash rate became `factor` times what the target was right for, under
 * `asert` and `ema` (derived, without chance): 1/(1 − (1 − 1/k)·e^(−t/τ)), τ = half-life/ln 2. It solves y' = (y − y²)/τ;
 * with a clamp c on solve times, exponential ones count 1 − e^(−cy) of their length: y' = (y·(1 − e^(−cy)) − y²)/τ.
 */
export function overspeed(factor: number, t: number, halflife: number, clamp?: number): number {
  const tau = halflife / Math.LN2;
  if (clamp === undefined) return 1 / (1 - (1 - 1 / factor) * exponentialOf(-t / tau));
  // By the midpoint rule: the error is far below what is measured.
  const slope = (y: number) => (y * (1 - exponentialOf(-clamp * y)) - y * y) / tau;
  const step = t / STEPS;
  let y = factor;
  for (let i = 0; i < STEPS; i++) y += step * slope(y + (step / 2) * slope(y));
  return y;
}

/** Standard deviation of log2 of the target under a steady hash rate, half-life in intervals (derived). */
export function targetDeviation(halflife: number): number {
  return squareRoot(1 / (2 * halflife * Math.LN2));
}

/** Mean interval under Bitcoin's rule over a window of W blocks, in intended intervals: W/(W − 2) (derived). */
export function windowInterval(window: number): number {
  return window / (window - 2);
}

/** All outbound connections lead to an attacker who has this share of a table of addresses. */
export function allOutbound(degree: number, share: number): number {
  let chance = 1;
  for (let i = 0; i < degree; i++) chance *= share;
  return chance;
}

/** And no honest node of the others, who choose alike, connects to the victim (derived). */
export function isolated(degree: number, share: number): number {
  return allOutbound(degree, share) * exponentialOf(-degree * (1 - share));
}

/** No block for m intervals, by chance alone. */
export function falseAlarm(intervals: number): number {
  return exponentialOf(-intervals);
}

/** The speeds one window after the other under Bitcoin's rule after a jump of the hash rate (derived, without chance). */
export function windowSpeeds(factor: number, windows: number): number[] {
  const speeds = [factor];
  for (let i = 1; i < windows; i++) {
    const last = speeds.at(-1)!;
    speeds.push(last / Math.min(4, Math.max(0.25, last)));
  }
  return speeds;
}
