import { nearest } from '../../util/nearest.ts';
import { misuse } from '../../yard/problem.ts';
import { difficulty } from './difficulty.ts';
import { disagreement } from './disagreement.ts';
import { doublespend } from './doublespend.ts';
import { eclipse } from './eclipse.ts';
import { flooding } from './flooding.ts';
import { forkrate } from './forkrate.ts';
import { partition } from './partition.ts';
import { quiescence } from './quiescence.ts';
import { selfish } from './selfish.ts';
import { speed } from './speed.ts';
import type { Experiment } from './types.ts';

/** All experiments, in the order in which a lecture would show them. */
export const EXPERIMENTS: readonly Experiment[] = [
  disagreement,
  forkrate,
  partition,
  doublespend,
  quiescence,
  selfish,
  speed,
  flooding,
  difficulty,
  eclipse,
];

export function findExperiment(name: string): Experiment {
  const found = EXPERIMENTS.find((e) => e.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    EXPERIMENTS.map((e) => e.name),
  );
  throw misuse(
    `no experiment '${name}'`,
    near === undefined ? 'All of them: forkyard experiment' : `Did you mean ${near}?`,
  );
}
