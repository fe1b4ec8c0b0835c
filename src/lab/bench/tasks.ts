import { runClusters } from '../../sim/reduced/clusters.ts';
import { runDifficulty } from '../../sim/reduced/difficulty.ts';
import { runDoubleSpends } from '../../sim/reduced/double-spend.ts';
import { runAlarms, runEclipse } from '../../sim/reduced/eclipse.ts';
import { runFewMiners } from '../../sim/reduced/few-miners.ts';
import { runFlooding } from '../../sim/reduced/flooding.ts';
import { runMap, runMaps } from '../../sim/reduced/map.ts';
import { runPartitions } from '../../sim/reduced/partition.ts';
import { runQuiescence } from '../../sim/reduced/quiescence.ts';
import { runSelfish } from '../../sim/reduced/selfish.ts';
import { runSpeed } from '../../sim/reduced/speed.ts';
import { runSwarm, shrinkSeed } from '../../sim/swarm/swarm.ts';
import { runWholeClusters } from '../../sim/whole/clusters.ts';
import { runWholeDifficulty, runWholeJumps } from '../../sim/whole/difficulty.ts';
import { runWholeDoubleSpends } from '../../sim/whole/double-spend.ts';
import { runWholeAlarms, runWholeEclipse } from '../../sim/whole/eclipse.ts';
import { runWholeFlooding } from '../../sim/whole/flooding.ts';
import { runWholeMap } from '../../sim/whole/map.ts';
import { runWholePartitions } from '../../sim/whole/partition.ts';
import { runWholeQuiescence } from '../../sim/whole/quiescence.ts';
import { runWholeSelfish } from '../../sim/whole/selfish.ts';
import { runWholeSpeed } from '../../sim/whole/speed.ts';
import { playSeeds } from '../scenario-seed.ts';

/**
 * The pieces of work of all experiments, of the swarm and of scenarios on many seeds, each independent of the others: plain
 * data in, plain data out, so that a worker thread can do it. A piece has a seed of its own, so the answer does not depend
 * on who does it or when.
 */
export const TASKS = {
  clusters: runClusters,
  doubleSpends: runDoubleSpends,
  partitions: runPartitions,
  map: runMap,
  maps: runMaps,
  quiescence: runQuiescence,
  selfish: runSelfish,
  speed: runSpeed,
  fewMiners: runFewMiners,
  flooding: runFlooding,
  difficulty: runDifficulty,
  eclipse: runEclipse,
  alarms: runAlarms,
  wholeClusters: runWholeClusters,
  wholePartitions: runWholePartitions,
  wholeDoubleSpends: runWholeDoubleSpends,
  wholeQuiescence: runWholeQuiescence,
  wholeSelfish: runWholeSelfish,
  wholeSpeed: runWholeSpeed,
  wholeMap: runWholeMap,
  wholeFlooding: runWholeFlooding,
  wholeDifficulty: runWholeDifficulty,
  wholeJumps: runWholeJumps,
  wholeEclipse: runWholeEclipse,
  wholeAlarms: runWholeAlarms,
  swarm: runSwarm,
  shrink: shrinkSeed,
  scenario: playSeeds,
} as const;

export type TaskName = keyof typeof TASKS;
export type TaskInput<K extends TaskName> = Parameters<(typeof TASKS)[K]>[0];
export type TaskOutput<K extends TaskName> = Awaited<ReturnType<(typeof TASKS)[K]>>;

/** `progress`: called with the part that is done, 0 … 1. */
export function runTask<K extends TaskName>(
  name: K,
  input: TaskInput<K>,
  progress: (part: number) => void,
): TaskOutput<K> | Promise<TaskOutput<K>> {
  const task = TASKS[name] as unknown as (
    input: TaskInput<K>,
    progress: (part: number) => void,
  ) => TaskOutput<K> | Promise<TaskOutput<K>>;
  return task(input, progress);
}
