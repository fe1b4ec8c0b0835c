import { exponentialOf, squareRoot } from '../../util/elementary.ts';
import { staleOfShares } from './predict.ts';

/** Speed against security: what a private attack can do against a network that is late. x = λd, β the attacker's share. */

/** Growth of the honest branch per block of the whole network: many tiny miners, one delay (recomputed). */
export function honestGrowth(x: number, beta: number): number {
  return (1 - beta) / (1 + (1 - beta) * x);
}

/** The same for a few miners of equal power, who build on their own blocks at once (derived, a little low). */
export function honestGrowthOfFew(x: number, beta: number, miners: number): number {
  return (1 - beta) * (1 - staleOfShares((1 - beta) * x, 1 / miners));
}

/** By how much of itself it may be too low: measured up to x = 8. */
export function growthOfFewBias(x: number): number {
  return x <= 1 ? 0.012 : 0.04;
}

/**
 * Least share β with which a private branch keeps up with the longest chain: β = (1−β)/(1+(1−β)x), of Dembo et al.,
 * "Everything is a race and Nakamoto always wins", 2020, and Gaži et al., "Tight consistency bounds for Bitcoin", 2020;
 * solved for β: [(2+x) − √(x²+4)]/(2x) (derived).
 */
export function criticalShare(x: number): number {
  return x === 0 ? 0.5 : (2 + x - squareRoot(x * x + 4)) / (2 * x);
}

/** Under GHOST all honest blocks weigh, stale ones too: half of the power is needed, whatever the delay. */
export const GHOST_CRITICAL_SHARE = 0.5;

/**
 * Chance that an attack that mines in secret for `horizon` block intervals has the strictly longer branch in the end
 * (derived, exact): honest level k comes after k exponential waits and k − 1 delays.
 */
export function privateAttack(x: number, beta: number, horizon: number): number {
  const secret = poissonTails(beta * horizon);
  let wins = 0;
  for (let k = 1; k < secret.length - 1; k++) {
    // Exactly k secret blocks, and fewer than k honest levels.
    const exactly = secret[k]! - secret[k + 1]!;
    const left = horizon - (k - 1) * x;
    wins += exactly * (left <= 0 ? 1 : 1 - poissonAtLeast((1 - beta) * left, k));
  }
  return wins;
}

/**
 * The same against GHOST (derived): the honest subtree weighs as many blocks as were found, but for those of the first delay
 * after its first block, which are rivals at the very fork.
 */
export function privateAttackOnGhost(x: number, beta: number, horizon: number): number {
  const secret = poissonTails(beta * horizon);
  const honest = poissonTails((1 - beta) * Math.max(0, horizon - x));
  let wins = 0;
  for (let k = 1; k < secret.length - 1; k++) wins += (secret[k]! - secret[k + 1]!) * (1 - (honest[k] ?? 0));
  return wins;
}

function poissonAtLeast(mean: number, k: number): number {
  let term = exponentialOf(-mean);
  let below = 0;
  for (let i = 0; i < k; i++) {
    below += term;
    term *= mean / (i + 1);
  }
  return Math.max(0, 1 - below);
}

/** P(N ≥ k) for k = 0, 1, … until it is negligible. Means up to 700: e^(−mean) must not vanish. */
function poissonTails(mean: number): number[] {
  const tails: number[] = [];
  let term = exponentialOf(-mean);
  let left = 1;
  for (let k = 0; k < mean + 12 * squareRoot(mean + 4) + 20; k++) {
    tails.push(Math.max(0, left));
    left -= term;
    term *= mean / (k + 1);
  }
  return tails;
}
