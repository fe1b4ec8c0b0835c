import { cpus } from 'node:os';

export interface BenchRow {
  readonly what: string;
  readonly median: number;
  readonly unit: string;
  /** What it is set beside, measured in the same run; for rates, how many times as fast. */
  readonly beside?: { readonly what: string; readonly times: number };
}

export interface BenchTable {
  readonly suite: string;
  /** What was done, how often, and what the figures mean. */
  readonly says: string;
  readonly rows: readonly BenchRow[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly platform: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown processor',
    cores: all.length,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Nearest rank; `q` in 0…1. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('a quantile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

/** Medians of several rates that are measured by turns, so that a slow moment of the machine strikes all alike. */
export function byTurns<T extends string>(
  rounds: number,
  contenders: Readonly<Record<T, () => number>>,
): Record<T, number> {
  const names = Object.keys(contenders) as T[];
  const measured = new Map<T, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured.get(name)!.push(contenders[name]());
  }
  return Object.fromEntries(names.map((name) => [name, median(measured.get(name)!)])) as Record<T, number>;
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

export function toMarkdown(tables: readonly BenchTable[], on: Machine): string {
  const lines = [`${on.cpu}, ${on.cores} cores, Node ${on.node}, ${on.platform}. Medians.`];
  for (const { suite, says, rows } of tables) {
    lines.push('', `### ${suite}`, '', says, '', '| what | median | unit | beside |', '|---|---:|---|---|');
    for (const { what, median: value, unit, beside } of rows) {
      const other = beside === undefined ? '' : `${digits(beside.times)} × ${beside.what}`;
      lines.push(`| ${what} | ${digits(value)} | ${unit} | ${other} |`);
    }
  }
  return lines.join('\n');
}

/** Three significant digits, thousands apart. */
function digits(value: number): string {
  if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString('en');
  return value === 0 ? '0' : value.toPrecision(3);
}
