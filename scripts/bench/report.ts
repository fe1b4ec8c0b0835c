import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import type { BenchRow, BenchTable } from './table.ts';

/** How figures are shown, kept and compared. */

/** What `--json` prints, one object a suite. */
export interface BenchJson {
  readonly suite: string;
  readonly machine: string;
  readonly node: string;
  readonly rows: readonly BenchRow[];
}

export function toJson({ suite, rows }: BenchTable): BenchJson {
  return { suite, machine: machineWords(), node: process.versions.node, rows };
}

function machineWords(): string {
  const cores = availableParallelism();
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${cpu}, ${cores} core${cores === 1 ? '' : 's'}, ${process.platform}-${process.arch}`;
}

/** The line below a suite's table; `load`: how busy the machine was with other things before. */
function conditions(load: number): string {
  return `${machineWords()}, Node ${process.versions.node}; load before: ${load.toFixed(1)}.`;
}

export function loadNow(): number {
  return loadavg()[0] ?? 0;
}

export function toMarkdown({ suite, says, rows }: BenchTable, load: number): string {
  const lines = [
    `### ${suite}`,
    '',
    says,
    '',
    '| what | median | unit | spread | beside |',
    '|---|---:|---|---|---|',
  ];
  for (const { name, value, unit, min, max, n, peer } of rows) {
    const spread = n === 1 ? 'once' : `${digits(min)} – ${digits(max)}, n = ${n}`;
    const beside =
      peer === undefined ? '' : `${digits(value / peer.value)} × ${peer.name} (${digits(peer.value)})`;
    lines.push(`| ${name} | ${digits(value)} | ${unit} | ${spread} | ${beside} |`);
  }
  lines.push('', conditions(load));
  return lines.join('\n');
}

/** Three significant digits, thousands apart. */
function digits(value: number): string {
  if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString('en');
  return value === 0 ? '0' : value.toPrecision(3);
}

/** Reads what `--json` printed: one object, or one a line. Throws a sentence about what is not such a file. */
export function readFigures(file: string): BenchJson[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`);
  }
  return text.split('\n').map((line, i) => {
    let read: Partial<BenchJson> | null;
    try {
      read = JSON.parse(line) as Partial<BenchJson> | null;
    } catch {
      read = null;
    }
    if (typeof read?.suite !== 'string' || !Array.isArray(read.rows))
      throw new Error(
        `${file}, line ${i + 1} is no figures; make such a file with: npm run bench -- --json > ${file}`,
      );
    return read as BenchJson;
  });
}

/** What moved since: a row beyond both spreads is marked. */
export function compare(before: readonly BenchJson[], now: readonly BenchTable[]): string {
  const lines = ['| what | before | now | change | |', '|---|---:|---:|---:|---|'];
  for (const { suite, rows } of now) {
    const old = before.find((one) => one.suite === suite);
    for (const row of rows) {
      const was = old?.rows.find(({ name }) => name === row.name);
      const name = `${suite}: ${row.name}, ${row.unit}`;
      if (was === undefined) lines.push(`| ${name} | | ${digits(row.value)} | | new |`);
      else {
        const change = was.value === 0 ? '' : `${signed((row.value / was.value - 1) * 100)} %`;
        const moved = row.value < was.min || row.value > was.max;
        const apart = moved && (was.value < row.min || was.value > row.max);
        lines.push(
          `| ${name} | ${digits(was.value)} | ${digits(row.value)} | ${change} | ${apart ? 'moved' : ''} |`,
        );
      }
    }
    for (const { name } of old?.rows ?? [])
      if (!rows.some((row) => row.name === name)) lines.push(`| ${suite}: ${name} | | | | gone |`);
  }
  const machines = new Set(before.map(({ machine, node }) => `${machine}, Node ${node}`));
  return [`Before: ${[...machines].join('; ')}. Moved: each beyond the other's spread.`, '', ...lines].join(
    '\n',
  );
}

function signed(percent: number): string {
  return `${percent < 0 ? '' : '+'}${percent.toFixed(Math.abs(percent) < 10 ? 1 : 0)}`;
}

/** Puts the tables in the place of those of the same suites in BENCHMARKS.md; new ones come to its end. */
export function updateFile(file: string, tables: ReadonlyMap<string, string>): void {
  let text = readFileSync(file, 'utf8');
  for (const [suite, table] of tables) {
    const [from, to] = [`<!-- ${suite} -->`, `<!-- /${suite} -->`];
    const start = text.indexOf(from);
    const end = text.indexOf(to);
    const section = `${from}\n${table}\n${to}`;
    text =
      start < 0 || end < start
        ? `${text.trimEnd()}\n\n${section}\n`
        : text.slice(0, start) + section + text.slice(end + to.length);
  }
  writeFileSync(file, text);
}
