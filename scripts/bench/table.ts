/** One figure. For what is measured once a round, `value` is the median of `n` rounds and min and max their spread. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly n: number;
  /** What a user would take instead for the same work, measured in the same run; or the setting that the figure should meet. */
  readonly peer?: { readonly name: string; readonly value: number };
}

export interface BenchTable {
  readonly suite: string;
  /** What was done, how often, and what the figures mean. */
  readonly says: string;
  readonly rows: readonly BenchRow[];
}

export function rowOf(
  name: string,
  samples: readonly number[],
  unit: string,
  peer?: { readonly name: string; readonly value: number },
): BenchRow {
  return {
    name,
    value: median(samples),
    unit,
    min: Math.min(...samples),
    max: Math.max(...samples),
    n: samples.length,
    ...(peer === undefined ? {} : { peer }),
  };
}

/** A quantile of many samples (of a delay): its spread is theirs. */
export function quantileRow(name: string, samples: readonly number[], q: number, unit: string): BenchRow {
  return { ...rowOf(name, samples, unit), value: quantile(samples, q) };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Nearest rank; `q` in 0…1. */
function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('a quantile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)]!;
}

/** Samples of several rates that are measured by turns, so that a slow moment of the machine strikes all alike. */
export function byTurns<T extends string>(
  rounds: number,
  contenders: Readonly<Record<T, () => number>>,
): Record<T, number[]> {
  const names = Object.keys(contenders) as T[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<T, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured[name].push(contenders[name]());
  }
  return measured;
}

/** Calls a second, for about so long. `batch` calls between two looks at the clock. */
export function perSecond(work: () => unknown, ms: number, batch = 1): number {
  const start = performance.now();
  let calls = 0;
  let took = 0;
  do {
    for (let i = 0; i < batch; i++) work();
    calls += batch;
    took = performance.now() - start;
  } while (took < ms);
  return (calls / took) * 1000;
}
