import { runClusters } from '../../sim/models/reduced/clusters.ts';
import { runDifficulty } from '../../sim/models/reduced/difficulty.ts';
import { runDoubleSpends } from '../../sim/models/reduced/double-spend.ts';
import { runAlarms, runEclipse } from '../../sim/models/reduced/eclipse.ts';
import { runFewMiners } from '../../sim/models/reduced/few-miners.ts';
import { runFlooding } from '../../sim/models/reduced/flooding.ts';
import { runMap, runMaps } from '../../sim/models/reduced/map.ts';
import { runPartitions } from '../../sim/models/reduced/partition.ts';
import { runQuiescence } from '../../sim/models/reduced/quiescence.ts';
import { runSelfish } from '../../sim/models/reduced/selfish.ts';
import { runSpeed } from '../../sim/models/reduced/speed.ts';
import { runWholeClusters } from '../../sim/models/whole/clusters.ts';
import { runWholeDifficulty, runWholeJumps } from '../../sim/models/whole/difficulty.ts';
import { runWholeDoubleSpends } from '../../sim/models/whole/double-spend.ts';
import { runWholeAlarms, runWholeEclipse } from '../../sim/models/whole/eclipse.ts';
import { runWholeFlooding } from '../../sim/models/whole/flooding.ts';
import { runWholeMap } from '../../sim/models/whole/map.ts';
import { runWholePartitions } from '../../sim/models/whole/partition.ts';
import { runWholeQuiescence } from '../../sim/models/whole/quiescence.ts';
import { runWholeSelfish } from '../../sim/models/whole/selfish.ts';
import { runWholeSpeed } from '../../sim/models/whole/speed.ts';
import { runSwarm, shrinkSeed } from '../../sim/swarm/swarm.ts';
import { playSeeds } from '../scenario/seed.ts';

/**
 * The pieces of work of all experiments, of the swarm and of scenarios on many seeds, each independent of the others: plain
 * data in, plain data out, so that a worker thread can do it. A piece has a seed of its own, so the answer does not depend
 * on who does it or when.
 */
const TASKS = {
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
