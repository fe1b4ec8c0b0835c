import { LARGE_TABLE, LARGE_TABLE_SIGMAS, SIGMAS } from '../../observe/judge.ts';
import { type BenchOptions, openBench } from '../bench/bench.ts';
import type { Experiment, ExperimentBench, ExperimentResult, LiveRun, Values } from './types.ts';

export interface ExperimentOptions extends BenchOptions {
  readonly networks: unknown;
  readonly live?: LiveRun;
}

/** Does an experiment, on as many threads as are allowed, and judges it. */
export async function runExperiment(
  experiment: Experiment,
  values: Values,
  seed: number,
  options: ExperimentOptions,
): Promise<ExperimentResult> {
  const began = performance.now();
  const bench = openBench(options);
  try {
    const { networks, live } = options;
    const at: ExperimentBench = { do: (task, input, cost) => bench.do(task, input, cost), networks, live };
    const conclude = await experiment.run(values, seed, at);
    const first = conclude(SIGMAS);
    const cells = first.rows.filter((r) => r.model === 'reduced').length;
    const sigmas = cells < LARGE_TABLE ? SIGMAS : LARGE_TABLE_SIGMAS;
    const outcome = sigmas === SIGMAS ? first : conclude(sigmas);
    const ok = outcome.rows.every((r) => r.ok);
    return { ...outcome, experiment, values, seed, sigmas, ms: performance.now() - began, ok };
  } finally {
    await bench.close();
  }
}

/** The object of `--json`. */
export function resultJson({ experiment, values, seed, rows, ok }: ExperimentResult) {
  const parameters = Object.fromEntries(
    experiment.parameters.map(({ name, many }) => [name, many ? values[name] : values[name]![0]]),
  );
  return {
    name: experiment.name,
    parameters,
    seed,
    rows: rows.map(({ keys, measured, predicted, se, n, ok: good, model, origin }) => ({
      ...keys,
      model,
      measured,
      predicted,
      se,
      n,
      ok: good,
      origin,
    })),
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
