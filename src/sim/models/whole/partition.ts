import { INTERVAL_MS, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholePartitions extends WholeInput {
  readonly blocks: number;
  readonly share: number;
  readonly runs: number;
  /** From healing until a side has the other one's branch, in block intervals. */
  readonly delay: number;
}

export interface WholePartitionRuns {
  readonly ties: number;
  readonly secondWins: number;
  readonly reorgs: readonly number[];
  /** Of each run, from healing to equal tips, in block intervals. */
  readonly agreement: readonly number[];
}

/**
 * One after the other, before a healed side has the other one's branch: hello, getheaders, headers, getblocks, blocks. A
 * branch of more than 128 blocks takes two more.
 */
const MESSAGES = 5;
const PATIENCE_MS = 1_000 * INTERVAL_MS;

/** Two whole nodes cut for so long, healed, and watched until they agree. */
export function runWholePartitions(
  input: WholePartitions,
  progress: (part: number) => void,
): WholePartitionRuns {
  const reorgs: number[] = [];
  const agreement: number[] = [];
  let ties = 0;
  let secondWins = 0;
  for (let run = 0; run < input.runs; run++) {
    const link = { share: input.share, delay: input.delay / MESSAGES };
    const world = wholePair({ ...input, seed: `${input.seed}/${run}` }, link);
    let deepest = 0;
    world.onEvent((event) => {
      if (event.kind === 'reorg') deepest = Math.max(deepest, event.depth);
    });
    world.partition([['A'], ['B']]);
    mineAll(world, true);
    world.run(input.blocks * INTERVAL_MS);
    const [a, b] = [world.node('A').tip.height, world.node('B').tip.height];
    if (a === b) ties++;
    if (b > a) secondWins++;
    world.heal();
    const healed = world.now;
    world.until(() => world.agreed(), PATIENCE_MS);
    reorgs.push(deepest);
    agreement.push((world.now - healed) / 1_000 / INTERVAL_MS);
    progress(run / input.runs);
  }
  return { ties, secondWins, reorgs, agreement };
}
