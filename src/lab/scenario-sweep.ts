import { Problem } from './problem.ts';
import type { Scenario } from './scenario.ts';
import { runScenario } from './scenario-run.ts';

/** One scenario on many seeds of the simulator: how often each assertion holds. */

export interface SweepOptions {
  readonly scenario: Scenario;
  readonly programPath: string;
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly runs: number;
  readonly signal: AbortSignal;
  /** After each run. */
  readonly progress: (done: number, failed: number) => void;
}

export interface SweepRow {
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

export async function sweepScenario(options: SweepOptions): Promise<Sweep> {
  const { scenario, programPath, seed, runs, signal, progress } = options;
  const rows = new Map<string, { -readonly [K in keyof SweepRow]: SweepRow[K] }>();
  let passed = 0;
  let firstFailure: Sweep['firstFailure'];
  for (let i = 0; i < runs; i++) {
    const at = seed + i;
    const simulate = { seed: at };
    const { result } = await runScenario({
      scenario,
      programPath,
      speed: 1,
      signal,
      simulate,
      say: () => undefined,
    });
    for (const { text, line, holds, found } of result.verdicts) {
      const key = `${line} ${text}`;
      const row = rows.get(key) ?? { text, line, held: 0, judged: 0 };
      rows.set(key, row);
      row.judged++;
      if (holds) row.held++;
      else if (row.failingSeed === undefined) {
        row.failingSeed = at;
        row.found = found;
      }
    }
    if (result.passed) passed++;
    else if (firstFailure === undefined) {
      const bad = result.verdicts.find((verdict) => !verdict.holds);
      const why = result.failure ?? (bad === undefined ? 'it did not pass' : `${bad.text}: ${bad.found}`);
      firstFailure = { seed: at, why };
    }
    progress(i + 1, i + 1 - passed);
  }
  const done = [...rows.values()].sort((a, b) => a.line - b.line);
  return { runs, passed, rows: done, ...(firstFailure === undefined ? {} : { firstFailure }) };
}

/** A whole number as typed, or exit 2. */
export function readCount(text: string | undefined, usual: number, what: string, most: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < 1 || value > most)
    throw new Problem(2, `${what} must be a whole number from 1 to ${most}, not '${text}'`);
  return value;
}
