import { nearest } from '../../host/http-methods.ts';
import { misuse } from '../problem.ts';
import { disagreement } from './disagreement.ts';
import { doublespend } from './doublespend.ts';
import { partition } from './partition.ts';
import type { Experiment } from './types.ts';

/** All experiments, in the order in which a lecture would show them. */
export const EXPERIMENTS: readonly Experiment[] = [disagreement, partition, doublespend];

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
