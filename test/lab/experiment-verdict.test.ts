import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandLine } from '../app/command-line.ts';
import { boundOf, type PrintedRow, printedRows, scoreOf } from './experiment-recompute.ts';

/**
 * Whatever an experiment prints as its verdict follows from the rows that it prints. Each of the ten runs small; each score, the
 * bound, the count, the names and the exit code are worked out again from the rows, by other code.
 */

const planted = vi.hoisted(() => ({ factor: 1, cache: new Map<string, unknown>() }));

/** Every prediction of a module, times the planted factor; what says how wrong a prediction may be stays. */
const wrong = vi.hoisted(() => {
  const scaled = (value: unknown): unknown => {
    if (typeof value === 'number') return value * planted.factor;
    if (Array.isArray(value)) return value.map(scaled);
    if (typeof value === 'function') return (...args: unknown[]) => scaled(value(...args));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, scaled(one)]));
  };
  const kept = /Bias$|^confirmationsFor$|^selfishThreshold$/;
  return (module: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(module).map(([name, value]) => [
        name,
        typeof value !== 'function' || kept.test(name)
          ? value
          : (...args: unknown[]) => (planted.factor === 1 ? value(...args) : scaled(value(...args))),
      ]),
    );
});

vi.mock('../../src/observe/theory/predict.ts', async (original) => wrong(await original()));
vi.mock('../../src/observe/theory/attack.ts', async (original) => wrong(await original()));
vi.mock('../../src/observe/theory/clusters.ts', async (original) => wrong(await original()));
vi.mock('../../src/observe/theory/map.ts', async (original) => wrong(await original()));
vi.mock('../../src/observe/theory/network.ts', async (original) => wrong(await original()));
vi.mock('../../src/observe/theory/partition.ts', async (original) => wrong(await original()));
vi.mock('../../src/observe/theory/speed.ts', async (original) => wrong(await original()));

/** The work of a run does not depend on what is predicted: pieces that were done once are not done again. */
vi.mock('../../src/lab/bench/bench.ts', async (original) => {
  const real = await original<typeof import('../../src/lab/bench/bench.ts')>();
  return {
    ...real,
    openBench: () => {
      const bench = real.openBench({ threads: 0 });
      return {
        ...bench,
        close: () => bench.close(),
        do: async (task: never, input: object, cost: number) => {
          const key = JSON.stringify([task, { ...input, networks: undefined }]);
          if (!planted.cache.has(key)) planted.cache.set(key, await bench.do(task, input as never, cost));
          return planted.cache.get(key);
        },
      };
    },
  };
});

// Ten experiments on a busy machine: seconds of work can take minutes.
vi.setConfig({ testTimeout: 900_000 });

const cli = new CommandLine();

beforeEach(() => {
  planted.factor = 1;
});
afterAll(() => {
  planted.factor = 1;
  planted.cache.clear();
  vi.resetConfig();
});

interface Printed {
  readonly rows: readonly PrintedRow[];
  readonly bound: number;
  readonly beyond: number;
  readonly verdict: string;
  readonly ok: boolean;
}

/** Settings that take seconds, and a factor that so small a run must notice. */
const SMALL: readonly (readonly [name: string, settings: string, factor: number])[] = [
  ['disagreement', '--x 0.5 --blocks 20000', 1.15],
  ['forkrate', '--nodes 8 --interval 2', 1.1],
  ['partition', '--runs 400 --split 0.5', 1.25],
  ['doublespend', '--q 0.3 --z 1,4 --races 4000 --seed 2', 1.25],
  ['quiescence', '--x 0.5 --runs 4000', 1.25],
  ['selfish', '--alpha 0.4 --gamma 0.5 --blocks 20000', 1.1],
  ['speed', '--x 1 --beta 0.37,0.39', 1.05],
  ['flooding', '--nodes 100,1000', 1.05],
  ['difficulty', '--rule bitcoin --factor 3', 1.05],
  ['eclipse', '--share 0.8', 1.1],
];

async function json(line: string): Promise<{ readonly code: number; readonly printed: Printed }> {
  const code = await cli.run(`${line} --json`);
  return { code, printed: JSON.parse(cli.stdout) as Printed };
}

/** How many rows lie beyond, by a calculation of our own. */
function recount({ rows }: Printed): number {
  const bound = boundOf(rows.length, 0.01);
  return rows.filter((row) => Math.abs(scoreOf(row)) > bound).length;
}

describe.each(SMALL)('experiment %s', (name, settings, factor) => {
  const line = `experiment ${name} ${settings}`;

  it('prints a score for each row that follows from the row, and a verdict that follows from them', async () => {
    const { code, printed } = await json(line);
    for (const row of printed.rows) expect(row.score, JSON.stringify(row)).toBeCloseTo(scoreOf(row), 1);
    expect(printed.bound).toBeCloseTo(boundOf(printed.rows.length, 0.01), 1);
    for (const row of printed.rows) expect(row.ok).toBe(Math.abs(row.score) <= printed.bound);
    expect(printed.beyond).toBe(recount(printed));
    expect(printed.ok).toBe(recount(printed) === 0);
    expect(code).toBe(printed.ok ? 0 : 1);
    expect(printed.verdict).toBe(`all ${printed.rows.length} rows within ${printed.bound} standard errors`);
  });

  it('says the same in words', async () => {
    const { printed } = await json(line);
    const code = await cli.run(line);
    const rows = printedRows(cli.stdout);
    expect(rows).toHaveLength(printed.rows.length);
    for (const [i, row] of rows.entries()) {
      expect(Number(row['SCORE'])).toBeCloseTo(printed.rows[i]!.score, 2);
      expect(row['']).toBe(Math.abs(Number(row['SCORE'])) <= printed.bound ? '✓' : 'BEYOND');
    }
    expect(cli.stdout).toContain(printed.verdict);
    expect(code).toBe(0);
  });

  it(`notices predictions that are wrong by a factor of ${factor}, and names the rows`, async () => {
    planted.factor = factor;
    const { code, printed } = await json(line);
    const beyond = printed.rows.filter((row) => !row.ok);
    expect(beyond.length).toBeGreaterThan(0);
    expect(printed.beyond).toBe(recount(printed));
    expect([code, printed.ok]).toEqual([1, false]);
    expect(printed.verdict).toContain(
      `${beyond.length} of ${printed.rows.length} rows beyond ${printed.bound} standard errors: `,
    );
    const worst = beyond.reduce((a, b) => (Math.abs(b.score) > Math.abs(a.score) ? b : a));
    expect(printed.verdict).toContain(worst.score.toFixed(2));
    expect(await cli.run(line)).toBe(1);
    expect(cli.stdout).toContain(printed.verdict);
    const marked = printedRows(cli.stdout).filter((row) => row[''] === 'BEYOND');
    expect(marked).toHaveLength(beyond.length);
  });
});
