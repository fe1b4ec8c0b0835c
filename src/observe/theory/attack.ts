import { exponentialOf } from '../../util/elementary.ts';

/** What theory says of attackers with a share q of the hash power, against honest nodes that hear of blocks at once. */

/**
 * How a double spend is counted. `strict`: the attacker must get ahead, as nodes keep what they saw first (the race on a
 * real network). `tie`: a tie is enough. `nakamoto`: a tie is enough, and honest blocks come as if by a clock. `premined`: as strict,
 * but the attacker mines in secret before it pays, and starts anew on the public tip whenever it falls behind that.
 */
export const DOUBLE_SPEND_MODELS = ['strict', 'tie', 'nakamoto', 'premined'] as const;
export type DoubleSpendModel = (typeof DOUBLE_SPEND_MODELS)[number];

/**
 * Chance that a payment z blocks deep is undone. The block with the payment counts 1; the attacker starts at its parent,
 * with no block mined before, unless the model is `premined`. `nakamoto`: "Bitcoin", 2008, section 11. `tie`: Rosenfeld, "Analysis of hashrate-based
 * double-spending", 2012; Grunspan and Pérez-Marco, "Double spend races", 2017. `strict`: the same sum, with success only
 * beyond a tie (derived). `premined`: the strict race from each lead that the attacker may have when it pays (derived).
 */
export function doubleSpend(q: number, z: number, model: DoubleSpendModel): number {
  if (q >= 0.5) return 1;
  const p = 1 - q;
  const ratio = q / p;
  // Sum over the attacker's blocks m at the moment of the z-th honest one, of the chance that it never gets there.
  let lost = 0;
  let weight = model === 'nakamoto' ? exponentialOf(-z * ratio) : power(p, z);
  for (let m = 0; m <= z; m++) {
    lost += weight * neverAhead(ratio, z - m, model);
    // To the next term of Poisson(zq/p), or of the negative binomial.
    weight *= model === 'nakamoto' ? (z * ratio) / (m + 1) : (q * (m + z)) / (m + 1);
  }
  return 1 - lost;
}

/** Chance that an attacker never succeeds who has found `behind` blocks fewer than the honest ones since the payment. */
function neverAhead(ratio: number, behind: number, model: DoubleSpendModel): number {
  if (model === 'strict') return 1 - power(ratio, behind + 1);
  if (model !== 'premined') return 1 - power(ratio, behind);
  // A lead grows with chance q, shrinks with chance p, and is never below 0: it is k with chance (1 − r)·r^k. The sum over k.
  const missing = behind + 1;
  return 1 - power(ratio, missing + 1) - (1 - ratio) * (missing + 1) * power(ratio, missing);
}

/** Least z with a chance below `risk`; undefined when no z up to `most` is enough. */
export function confirmationsFor(
  q: number,
  risk: number,
  model: DoubleSpendModel,
  most = 1_000,
): number | undefined {
  for (let z = 1; z <= most; z++) if (doubleSpend(q, z, model) < risk) return z;
  return undefined;
}

/**
 * Share of main-chain blocks of a selfish miner with share α when a part γ of the honest power mines on its branch in a
 * tie. Eyal and Sirer, "Majority is not enough", 2013, equation 8.
 */
export function selfishRevenue(alpha: number, gamma: number): number {
  const rest = 1 - alpha;
  const won = alpha * rest * rest * (4 * alpha + gamma * (1 - 2 * alpha)) - alpha * alpha * alpha;
  return won / (1 - alpha * (1 + (2 - alpha) * alpha));
}

/** Least α for which selfish mining pays. Eyal and Sirer, observation 1. */
export function selfishThreshold(gamma: number): number {
  return (1 - gamma) / (3 - 2 * gamma);
}

function power(base: number, exponent: number): number {
  let product = 1;
  for (let i = 0; i < exponent; i++) product *= base;
  return product;
}
