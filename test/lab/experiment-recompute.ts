/** The verdict of an experiment worked out from its printed rows alone, by other means than those of src/observe/figures/judge.ts. */

export interface PrintedRow {
  readonly measured: number;
  readonly predicted: number;
  readonly tolerance: { readonly below: number; readonly above: number };
  readonly se: number;
  readonly n: number;
  readonly distribution: { readonly kind: string; readonly df?: number; readonly events?: number };
  readonly score: number;
  readonly ok: boolean;
}

const MOST = 38;

/** P(Z > z). Numerical Recipes, erfcc; relative error 1.2e-7. */
function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ].reduceRight((sum, c) => sum * t + c, 0);
  const tail = (t * Math.exp(-x * x + series)) / 2;
  return z >= 0 ? tail : 1 - tail;
}

/** The z with this tail, by bisection. */
function quantile(tail: number): number {
  let [low, high] = [-MOST, MOST];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > tail) low = middle;
    else high = middle;
  }
  return low;
}

/** What one of so many checks exceeds with this probability, if all predictions are right. */
export function boundOf(checks: number, risk: number): number {
  return Math.ceil(quantile(risk / checks / 2) * 100) / 100;
}

export function scoreOf(row: PrintedRow): number {
  const { measured, predicted, tolerance, se, n, distribution } = row;
  const edge = Math.min(predicted + tolerance.above, Math.max(predicted - tolerance.below, measured));
  if (distribution.kind === 'binomial')
    return fromTails(binomialTails(Math.round(measured * n), n, Math.min(1, Math.max(0, edge))));
  if (distribution.kind === 'times')
    return fromTails(timesTails((measured / predicted) * distribution.events!, distribution.events!));
  if (measured === edge) return 0;
  const distance = (measured - edge) / se;
  if (distribution.kind === 'normal') return Math.min(MOST, Math.max(-MOST, distance));
  const z = quantile(Math.max(1e-300, studentTail(Math.abs(distance), distribution.df!)));
  return distance < 0 ? -z : z;
}

function fromTails([upTo, from]: readonly [number, number]): number {
  if (from < upTo) return from < 0.5 ? quantile(from) : 0;
  return upTo < 0.5 ? -quantile(upTo) : 0;
}

const logs: number[] = [0, 0];
function logFactorial(n: number): number {
  while (logs.length <= n) logs.push(logs.at(-1)! + Math.log(logs.length));
  return logs[n]!;
}

/** P(X ≤ events) and P(X ≥ events). */
function binomialTails(events: number, n: number, p: number): readonly [number, number] {
  if (p === 0) return [1, events === 0 ? 1 : 0];
  if (p === 1) return [events === n ? 1 : 0, 1];
  let [upTo, from] = [0, 0];
  for (let k = 0; k <= n; k++) {
    const log = logFactorial(n) - logFactorial(k) - logFactorial(n - k);
    const chance = Math.exp(log + k * Math.log(p) + (n - k) * Math.log(1 - p));
    if (k <= events) upTo += chance;
    if (k >= events) from += chance;
  }
  return [upTo, from];
}

/** P(total ≤ t) and P(total ≥ t) of a Poisson number of exponential times with mean 1. */
function timesTails(t: number, events: number): readonly [number, number] {
  const poisson = (k: number, mean: number) =>
    mean === 0 ? (k === 0 ? 1 : 0) : Math.exp(k * Math.log(mean) - mean - logFactorial(k));
  let [below, above] = [poisson(0, events), 0];
  for (let j = 1; j < 400; j++) {
    // The sum of j times is above t if a Poisson process has fewer than j events until then.
    let fewer = 0;
    for (let k = 0; k < j; k++) fewer += poisson(k, t);
    above += poisson(j, events) * fewer;
    below += poisson(j, events) * (1 - fewer);
  }
  return [below, above];
}

/** P(T > t) by Simpson's rule on the density, with t = √df·tan φ: the integral of cos^(df−1). */
function studentTail(t: number, df: number): number {
  const integral = (from: number, to: number) => {
    const steps = 20_000;
    const h = (to - from) / steps;
    let sum = 0;
    for (let i = 0; i <= steps; i++) {
      const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
      sum += weight * Math.cos(from + i * h) ** (df - 1);
    }
    return (sum * h) / 3;
  };
  const half = Math.PI / 2;
  return integral(Math.atan(t / Math.sqrt(df)), half) / integral(-half, half);
}

/** The table of an experiment, by the names above its columns. */
export function printedRows(text: string): Record<string, string>[] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /\bMODEL\b.*\bMEASURED\b.*\bSCORE\b/.test(line));
  const head = lines[at]!;
  const named = [...head.matchAll(/\S+(?: \S+)*/g)].map((m) => ({ name: m[0], from: m.index }));
  const by = named.findIndex(({ name }) => name === 'BY');
  const score = named.findIndex(({ name }) => name === 'SCORE');
  const rows: Record<string, string>[] = [];
  for (const line of lines.slice(at + 1)) {
    if (!/(?:✓|BEYOND)/.test(line)) break;
    const row: Record<string, string> = {};
    for (const [i, { name, from }] of named.entries())
      row[name] = line.slice(from, named[i + 1]?.from).trim();
    // The mark has no heading: it is behind the score.
    const [value, mark] = line.slice(named[score]!.from, named[by]!.from).trim().split(/\s+/);
    rows.push({ ...row, SCORE: value!, '': mark! });
  }
  return rows;
}
