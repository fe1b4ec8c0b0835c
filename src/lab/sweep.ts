import { defined } from '../util/defined.ts';
import { Problem } from '../yard/problem.ts';
import { openBench } from './bench/bench.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { SeedPlayed } from './scenario/seed.ts';

/** One scenario on many seeds of the simulator: how often each assertion holds. */

export interface SweepOptions {
  readonly scenario: Scenario;
  readonly programPath: string;
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly runs: number;
  /** 0: all in this one. */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** After each run, in the order of the seeds. */
  readonly progress: (done: number, failed: number) => void;
}

interface SweepRow {
  readonly text: string;
  readonly line: number;
  readonly held: number;
  /** Runs that came so far as to judge it. */
  readonly judged: number;
  /** What was found at the first seed at which it did not hold. */
  readonly found?: string;
  readonly failingSeed?: number;
}

export interface Sweep {
  readonly runs: number;
  readonly passed: number;
  readonly rows: readonly SweepRow[];
  /** The first seed whose run did not pass, and why. */
  readonly firstFailure?: { readonly seed: number; readonly why: string };
}

/** How long a thread goes on before it says what it has: a run may take a hundredth of it, or many times as long. */
const LOOK_MS = 200;
const MOST_AT_ONCE = 100;

/** The answer does not depend on the number of threads: runs are counted in the order of their seeds. */
export async function sweepScenario(options: SweepOptions): Promise<Sweep> {
  const { scenario, programPath, seed, runs, threads, signal, progress } = options;
  const bench = openBench({ threads, signal });
  const lanes = Math.max(1, threads);
  const tally = new Tally(seed);
  /** Done before one of a lower seed. */
  const early = new Map<number, SeedPlayed>();
  let next = 0;
  // Each takes the next seeds when it has done some, so that a hundred thousand runs do not wait in a queue.
  const lane = async (): Promise<void> => {
    let count = 1;
    while (next < runs) {
      const from = next;
      count = Math.min(count, MOST_AT_ONCE, Math.ceil((runs - from) / lanes));
      next += count;
      const began = performance.now();
      const played = await bench.do('scenario', { scenario, programPath, seed: seed + from, count }, count);
      if ('refused' in played) {
        const { exit, message, hint } = played.refused;
        throw new Problem(exit, message, hint);
      }
      for (const [i, one] of played.entries()) early.set(from + i, one);
      for (let at = early.get(tally.done); at !== undefined; at = early.get(tally.done)) {
        early.delete(tally.done);
        tally.add(at);
        progress(tally.done, tally.done - tally.passed);
      }
      count = Math.max(1, Math.round((count * LOOK_MS) / Math.max(1, performance.now() - began)));
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    await bench.close();
  }
  return tally.sweep();
}

/** What is counted, seed by seed. */
class Tally {
  readonly #seed: number;
  readonly #rows = new Map<string, { -readonly [K in keyof SweepRow]: SweepRow[K] }>();
  #firstFailure: Sweep['firstFailure'];
  done = 0;
  passed = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add({ passed, verdicts, failure }: SeedPlayed): void {
    const at = this.#seed + this.done++;
    for (const { text, line, holds, found } of verdicts) {
      const key = `${line} ${text}`;
      const row = this.#rows.get(key) ?? { text, line, held: 0, judged: 0 };
      this.#rows.set(key, row);
      row.judged++;
      if (holds) row.held++;
      else if (row.failingSeed === undefined) {
        row.failingSeed = at;
        row.found = found;
      }
    }
    if (passed) this.passed++;
    else if (this.#firstFailure === undefined) {
      const bad = verdicts.find((verdict) => !verdict.holds);
      const why = failure ?? (bad === undefined ? 'it did not pass' : `${bad.text}: ${bad.found}`);
      this.#firstFailure = { seed: at, why };
    }
  }

  sweep(): Sweep {
    const rows = [...this.#rows.values()].sort((a, b) => a.line - b.line);
    const first = this.#firstFailure;
    return {
      ...{ runs: this.done, passed: this.passed, rows },
      ...defined({ firstFailure: first }),
    };
  }
}

/** A whole number as typed, or exit 2. */
export function readCount(text: string | undefined, usual: number, what: string, most: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < 1 || value > most)
    throw new Problem(2, `${what} must be a whole number from 1 to ${most}, not '${text}'`);
  return value;
}
