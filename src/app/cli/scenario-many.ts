import { availableParallelism } from 'node:os';
import type { Scenario } from '../../lab/scenario/scenario.ts';
import { sweepScenario } from '../../lab/sweep.ts';
import type { Shared } from './common.ts';

export interface ManyOptions {
  readonly scenario: Scenario;
  readonly programPath: string;
  /** As typed, so that the line to repeat one run can be copied. */
  readonly given: string;
  readonly seed: number;
  readonly runs: number;
}

const MOST_THREADS = 8;

/** `run FILE --sim --runs 200`: how often each assertion holds over so many seeds, and the first seed at which one fails. */
export async function playMany(s: Shared, o: ManyOptions): Promise<number> {
  const { out } = s;
  const began = performance.now();
  const sweep = await sweepScenario({
    scenario: o.scenario,
    programPath: o.programPath,
    seed: o.seed,
    runs: o.runs,
    threads: Math.min(MOST_THREADS, availableParallelism()),
    signal: s.signal,
    progress: (done, failed) => {
      const left = (((performance.now() - began) / done) * (o.runs - done)) / 1_000;
      out.live(`${done} of ${o.runs} runs, ${failed} failed, ${left.toFixed(0)} s left`);
    },
  });
  out.endLive();
  const rows = sweep.rows.map((row) => [
    row.held === o.runs ? out.style('green', '✓') : out.style('red', '×'),
    `${row.held} of ${o.runs}`,
    row.text,
    row.failingSeed === undefined
      ? row.judged < o.runs
        ? `${o.runs - row.judged} runs did not come so far`
        : ''
      : `seed ${row.failingSeed}: ${row.found}`,
  ]);
  out.table(rows);
  out.line();
  const { firstFailure } = sweep;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const seeds = `seeds ${o.seed} to ${o.seed + o.runs - 1}`;
  const verdict = firstFailure === undefined ? out.style('green', 'PASSED') : out.style('red', 'FAILED');
  out.line(`${verdict} ${sweep.passed} of ${o.runs} runs pass, ${seeds}, in ${seconds} s`);
  if (firstFailure !== undefined) {
    out.error(`forkyard: seed ${firstFailure.seed}: ${firstFailure.why}`);
    out.line(`See it: forkyard run ${o.given} --sim --seed ${firstFailure.seed}`);
  }
  out.object({ seed: o.seed, ...sweep });
  return firstFailure === undefined ? 0 : 1;
}
