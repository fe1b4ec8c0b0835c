import { cosine, oneMinusExpOfMinus, sine } from '../../util/elementary.ts';
import { naturalLog } from '../../util/random.ts';

/**
 * What theory says of forks. x = λd: blocks of the whole network per one-way delay. Each formula names its source;
 * "derived" ones were worked out for this project and checked by independent small simulations, not published.
 */

/**
 * Share of heights with more than one block: 1 − e^(−λD̄), D̄ the mean delay weighted by hash power (not the median).
 * Decker and Wattenhofer, "Information Propagation in the Bitcoin Network", 2013.
 */
export function forkedHeights(lambdaD: number): number {
  return oneMinusExpOfMinus(lambdaD);
}

/** Share of blocks that end on nobody's branch: many tiny miners at one fixed delay. */
export function staleOfManyMiners(x: number): number {
  return x / (1 + x);
}

/** The same for miners of any shares (derived; at most 1.2 % off for x ≤ 1): a miner does not fork with itself. */
export function staleOfShares(x: number, hhi: number): number {
  return ((1 - hhi) * x) / (1 + x);
}

/**
 * Share of heights with more than one block among miners of any shares, one delay between all (derived). The blocks that
 * {@link staleOfShares} leaves over fall on heights; a miner adds at most one to a height, so among N = 1/HHI others'
 * chances it is 1 − (1 − m/(N−1))^(N−1), m stale blocks a height. Two equal miners give x/(2+x), many 1 − e^(−x).
 */
export function forkedOfShares(x: number, hhi: number): number {
  const stale = staleOfShares(x, hhi);
  const others = 1 / hhi - 1;
  if (!(others > 0)) return 0;
  const perHeight = stale / (1 - stale);
  if (perHeight >= others) return 1;
  return oneMinusExpOfMinus(-others * naturalLog(1 - perHeight / others));
}

/** Herfindahl–Hirschman index: Σ share². 1/n for n equal miners, 1 for a single one. `power`: any unit, none negative. */
export function concentration(power: readonly number[]): number {
  let sum = 0;
  for (const p of power) sum += p;
  if (!(sum > 0)) return 1;
  let hhi = 0;
  for (const p of power) hhi += (p / sum) * (p / sum);
  return hhi;
}

/** Two clusters of equal power, no delay within, d between, first-seen (all derived). */
export interface TwoClusters {
  readonly x: number;
  /** In (0, π/2), with θ·tanθ = x/2. */
  readonly theta: number;
  /** A fork survives one more level with this probability: sin²θ. */
  readonly rho: number;
  readonly stale: number;
  /** Share of heights with two blocks. */
  readonly forked: number;
  /** Growth of the branch in blocks, per block mined. */
  readonly growth: number;
  /** Stop all miners at any moment and let messages drain: the tips still differ with this probability. */
  readonly quiescenceFailure: number;
  /** D_k: share of the time in which the two clusters differ k blocks below their tips. */
  disagreement(k: number): number;
  /** V_k: tip changes that disconnect more than k blocks, per height, both clusters together. */
  violations(k: number): number;
}

/** Largest x for which {@link twoClusters} was checked. */
export const TWO_CLUSTERS_MAX_X = 1;

export function twoClusters(x: number): TwoClusters {
  const theta = thetaOf(x);
  const s = sine(theta);
  const rho = s * s;
  const forked = x / (2 + x);
  return {
    x,
    theta,
    rho,
    stale: x / (2 * (1 + x)),
    forked,
    growth: (1 + x / 2) / (1 + x),
    quiescenceFailure: oneMinusExpOfMinus(x / 2) / (1 + x),
    disagreement: (k) => factorOf(x) * power(rho, k + 1),
    // Every fork ends with one cluster's reorg, and lives for 1/(1 − ρ) heights on average.
    violations: (k) => (1 - rho) * power(rho, k) * forked,
  };
}

/** θ in (0, π/2) with θ·sinθ = (x/2)·cosθ, by bisection: the left side rises from 0, the right side falls to 0. */
function thetaOf(x: number): number {
  let low = 0;
  let high = 1.5707963267948966;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (middle * sine(middle) < (x / 2) * cosine(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** D_k / ρ^(k+1): a cubic through the values simulated at x = 0, .1, .5 and 1 (1, 1.0066, 1.0243, 1.0306). */
function factorOf(x: number): number {
  return 1 + x * (0.07078 + x * (-0.04856 + x * 0.00834));
}

function power(base: number, exponent: number): number {
  let product = 1;
  for (let i = 0; i < exponent; i++) product *= base;
  return product;
}
