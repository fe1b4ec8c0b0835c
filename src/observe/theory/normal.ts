import { squareRoot } from '../../util/elementary.ts';
import { naturalLog } from '../../util/random.ts';

/** Beyond this many standard deviations a tail is smaller than any number that a double holds. */
export const MOST_Z = 38;

type Coefficients = readonly number[];

const CENTRE_TOP: Coefficients = [3.3871327179, 50.434271938, 159.29113202, 59.10937472];
const CENTRE_BOTTOM: Coefficients = [1, 17.895169469, 78.757757664, 67.1875636];
const TAIL_TOP: Coefficients = [1.4234372777, 2.75681539, 1.3067284816, 0.17023821103];
const TAIL_BOTTOM: Coefficients = [1, 0.7370016425, 0.12021132975];
const FAR_TOP: Coefficients = [6.657905115, 3.081226386, 0.42868294337, 0.017337203997];
const FAR_BOTTOM: Coefficients = [1, 0.24197894225, 0.012258202635];

/**
 * The z above which a standard normal variable lies with probability `tail` in (0, 1); relative error about 1e-7.
 * Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", 1988 (PPND7).
 */
export function normalQuantile(tail: number): number {
  if (tail <= 0) return MOST_Z;
  if (tail >= 1) return -MOST_Z;
  const q = 0.5 - tail;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_TOP, r)) / polynomial(CENTRE_BOTTOM, r);
  }
  const r = squareRoot(-naturalLog(q < 0 ? 1 - tail : tail));
  const z =
    r <= 5
      ? polynomial(TAIL_TOP, r - 1.6) / polynomial(TAIL_BOTTOM, r - 1.6)
      : polynomial(FAR_TOP, r - 5) / polynomial(FAR_BOTTOM, r - 5);
  return q < 0 ? -z : z;
}

function polynomial(coefficients: Coefficients, x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]!;
  return sum;
}

/**
 * The z of the normal distribution whose tail is that of Student's t with `df` degrees of freedom. Wallace, "Bounds on
 * normal approximations to Student's and the chi-square distributions", 1959; within 0.01 for df ≥ 10.
 */
export function normalOfStudent(t: number, df: number): number {
  const size = squareRoot(df * naturalLog(1 + (t * t) / df)) * ((8 * df + 1) / (8 * df + 3));
  return t < 0 ? -size : size;
}
