import { type BenchOptions, openBench } from '../bench/bench.ts';
import type { Experiment, ExperimentBench, ExperimentResult, LiveRun, Values } from './types.ts';
import { judgeRows, RISK, verdictOf } from './verdict.ts';

export interface ExperimentOptions extends BenchOptions {
  readonly networks: unknown;
  readonly live?: LiveRun;
  /** Chance of a false alarm; for one of several experiments its part of {@link RISK}. */
  readonly risk?: number;
}

/** Does an experiment, on as many threads as are allowed, and compares each row with its prediction. */
export async function runExperiment(
  experiment: Experiment,
  values: Values,
  seed: number,
  options: ExperimentOptions,
): Promise<ExperimentResult> {
  const began = performance.now();
  const bench = openBench(options);
  try {
    const { networks, live, risk = RISK } = options;
    const at: ExperimentBench = { do: (task, input, cost) => bench.do(task, input, cost), networks, live };
    const outcome = await experiment.run(values, seed, at);
    const verdict = judgeRows(outcome.rows, risk);
    return { ...outcome, ...verdict, experiment, values, seed, risk, ms: performance.now() - began };
  } finally {
    await bench.close();
  }
}

/** The object of `--json`. */
export function resultJson(result: ExperimentResult) {
  const { experiment, values, seed, rows, ok, bound } = result;
  const parameters = Object.fromEntries(
    experiment.parameters.map(({ name, many }) => [name, many ? values[name] : values[name]![0]]),
  );
  return {
    name: experiment.name,
    parameters,
    seed,
    rows: rows.map(({ keys, measured, predicted, tolerance, se, n, z, distribution, ok: good, ...r }) => ({
      ...keys,
      model: r.model,
      measured,
      predicted,
      tolerance,
      se,
      n,
      distribution,
      score: z,
      ok: good,
      origin: r.origin,
    })),
    bound,
    beyond: rows.filter((r) => !r.ok).length,
    verdict: verdictOf(result),
    ok,
  };
}

/** The command that does it again. */
export function commandOf({ experiment, values, seed }: ExperimentResult): string {
  const changed = experiment.parameters
    .filter((p) => p.default.join() !== values[p.name]!.join())
    .map((p) => ` --${p.name} ${values[p.name]!.join(',')}`);
  return `forkyard experiment ${experiment.name}${changed.join('')} --seed ${seed}`;
}
