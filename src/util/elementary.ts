/**
 * Square root, e^x and the circular functions from + − × ÷ alone. IEEE 754 makes those four exact alike on every engine,
 * which it does not ask of Math's functions; pure code gives the same digits everywhere. The logarithm is in random.ts.
 */

/** √x for 0 ≤ x < ∞ by Newton's method; within 2 units in the last place. NaN for what has no root. */
export function squareRoot(x: number): number {
  if (x === 0) return 0;
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return Number.NaN;
  let m = x;
  let scale = 1;
  while (m >= 4) {
    m /= 4;
    scale *= 2;
  }
  while (m < 1) {
    m *= 4;
    scale /= 2;
  }
  // From [1, 4) the straight line below is at most 6 % off; the error squares with each turn.
  let root = (m + 2) / 3 + 0.02;
  for (let i = 0; i < 5; i++) root = (root + m / root) / 2;
  return root * scale;
}

/** ln 2 in two parts, so that the reduction below loses no digits (fdlibm's split). */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** e^x, relative error below 1e-15 for |x| ≤ 700; 0 and ∞ beyond. */
export function exponentialOf(x: number): number {
  if (x > 709) return Number.POSITIVE_INFINITY;
  if (x < -745) return 0;
  const k = Math.round(x / Math.LN2);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  // |r| ≤ 0.35: 17 terms of the series leave less than 1e-20.
  let sum = 1;
  for (let n = 17; n >= 1; n--) sum = 1 + (r * sum) / n;
  for (let i = 0; i < k; i++) sum *= 2;
  for (let i = 0; i > k; i--) sum /= 2;
  return sum;
}

/** 1 − e^(−x) for x ≥ 0 without the cancellation that small x would bring. */
export function oneMinusExpOfMinus(x: number): number {
  if (x > 0.5) return 1 - exponentialOf(-x);
  let sum = 1;
  for (let n = 18; n >= 2; n--) sum = 1 - (x * sum) / n;
  return x * sum;
}

/** sin x for |x| ≤ π/2; absolute error below 1e-15. */
export function sine(x: number): number {
  const square = x * x;
  let sum = 1;
  for (let n = 24; n >= 2; n -= 2) sum = 1 - (square * sum) / (n * (n + 1));
  return x * sum;
}

/** cos x for |x| ≤ π/2; absolute error below 1e-15. */
export function cosine(x: number): number {
  const square = x * x;
  let sum = 1;
  for (let n = 25; n >= 1; n -= 2) sum = 1 - (square * sum) / (n * (n + 1));
  return sum;
}

/** tan x for |x| < π/2; relative error below 1e-14 up to 1.5. */
export function tangent(x: number): number {
  return sine(x) / cosine(x);
}
