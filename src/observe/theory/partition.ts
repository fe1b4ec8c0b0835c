import { exponentialOf } from '../../util/elementary.ts';

/** A network cut in two for a time in which n blocks are expected: both branches grow as Poisson processes. */
export interface Partition {
  /** Both branches are equally long: e^(−n)·I₀(2n√(p1p2)). */
  readonly tie: number;
  /** The second branch is the longer one. */
  readonly secondWins: number;
  /** Mean of the shorter branch's length: what the losers disconnect. */
  readonly meanReorg: number;
  /** Chance that the shorter branch has 0, 1, 2 … blocks, up to where it is negligible. */
  readonly depths: readonly number[];
}

const NEGLIGIBLE = 1e-4;

/** Derived, by adding up both Poisson distributions. `n` in (0, 300], `share` of the first side in (0, 1). */
export function partition(n: number, share: number): Partition {
  const most = Math.ceil(n + 30 * (1 + n / 8));
  const first = poisson(n * share, most);
  const second = poisson(n * (1 - share), most);
  let tie = 0;
  let secondWins = 0;
  let meanReorg = 0;
  // P(A < k) as k goes on; P(A > k) and P(B > k) are what is left.
  let below = 0;
  const depths: number[] = [];
  let firstLeft = 1;
  let secondLeft = 1;
  for (let k = 0; k <= most; k++) {
    const a = first[k]!;
    const b = second[k]!;
    tie += a * b;
    secondWins += below * b;
    below += a;
    const chance = firstLeft * secondLeft - (firstLeft - a) * (secondLeft - b);
    if (chance > NEGLIGIBLE || k <= meanReorg) depths.push(chance);
    firstLeft -= a;
    secondLeft -= b;
    // E[min] = sum over k of P(both exceed k).
    meanReorg += Math.max(0, firstLeft) * Math.max(0, secondLeft);
  }
  return { tie, secondWins, meanReorg, depths };
}

/**
 * Mean number of blocks that the losers disconnect after a heal, for a delay of δ intervals: those of the shorter branch, and
 * what the losers find in the δ until the other branch is there (derived, to first order in δ).
 */
export function reorgAfterHeal(
  { tie, secondWins, meanReorg }: Partition,
  share: number,
  delay: number,
): number {
  const firstWins = 1 - tie - secondWins;
  // After a tie the next block decides, and the other side loses.
  const losers = firstWins * (1 - share) + secondWins * share + tie * 2 * share * (1 - share);
  return meanReorg + delay * losers;
}

/**
 * Mean time from healing to agreement, in block intervals, for a delay of δ intervals: δ + P(tie)·(1 + δ) (derived). Blocks
 * found while the news travel can make a tie of a lead of one, or a lead of a tie.
 */
export function agreementAfterHeal(tie: number, delay: number): number {
  return delay + tie * (1 + delay);
}

/** By how much of itself {@link agreementAfterHeal} may be off, either way, for a delay of 0.02 intervals: measured. */
export const AGREEMENT_BIAS = 0.012;

function poisson(mean: number, most: number): number[] {
  const chances: number[] = [];
  let chance = exponentialOf(-mean);
  for (let k = 0; k <= most; k++) {
    chances.push(chance);
    chance *= mean / (k + 1);
  }
  return chances;
}
