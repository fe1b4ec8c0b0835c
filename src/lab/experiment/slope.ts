import { type Check, checkMean, checkShare, shareOf } from '../../observe/figures/judge.ts';
import type { ClusterRace } from '../../observe/theory/clusters.ts';
import type { ClusterFigures } from '../../sim/models/reduced/clusters.ts';
import { squareRoot } from '../../util/elementary.ts';

/**
 * How fast disagreement fades from depth to depth: of all levels that forks reached, the share that had another one above.
 * Depths of forks are nearly geometric, so this is nearly ρ; what is predicted is the share itself.
 */
export interface Slope {
  readonly predicted: number;
  /** Standard error of a share of `n` levels: of forks that come independently, each as deep as theory has it. */
  theorySe(n: number): number;
}

/** Deeper than any fork of a run that fits into memory. */
const DEEPEST = 60;
/** Deeper levels expected: with fewer, the scatter of the stretches is itself too uncertain, and theory's is taken. */
const ENOUGH = 100;
/** With fewer their number is not normally distributed. */
const FEW = 10;

export function slopeOf(theory: ClusterRace): Slope {
  const forks = theory.violations(0);
  let levels = 0;
  let squares = 0;
  for (let k = 0; k < DEEPEST; k++) {
    levels += theory.violations(k);
    squares += (2 * k + 1) * theory.violations(k);
  }
  const mean = levels / forks;
  const variance = squares / forks - mean * mean;
  const predicted = 1 - 1 / mean;
  return {
    predicted,
    // n levels are n/mean forks, and each adds (depth − 1) − predicted·depth = depth/mean − 1.
    theorySe: (n) => squareRoot(variance / mean / n) / mean,
  };
}

export function checkSlope(slope: Slope, { stretches }: Pick<ClusterFigures, 'stretches'>): Check {
  let levels = 0;
  let deeper = 0;
  for (const { cases, hits } of stretches) {
    levels += cases;
    deeper += hits;
  }
  const { mean, se } = shareOf(stretches);
  const expected = slope.predicted * levels;
  if (expected >= ENOUGH) return checkMean(mean, se, levels, slope.predicted, { df: stretches.length - 1 });
  if (expected < FEW) return checkShare(deeper, levels, slope.predicted);
  return checkMean(mean, slope.theorySe(levels), levels, slope.predicted);
}
