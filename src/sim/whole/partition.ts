import { INTERVAL_MS, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholePartitions extends WholeInput {
  readonly blocks: number;
  readonly share: number;
  readonly runs: number;
}

export interface WholePartitionRuns {
  readonly ties: number;
  readonly secondWins: number;
  readonly reorgs: readonly number[];
}

/** A short link, so that what is lost to its delay is nothing. */
const DELAY = 0.001;
const PATIENCE_MS = 1_000 * INTERVAL_MS;

/** Two whole nodes cut for so long, healed, and watched until they agree. */
export function runWholePartitions(
  input: WholePartitions,
  progress: (part: number) => void,
): WholePartitionRuns {
  const reorgs: number[] = [];
  let ties = 0;
  let secondWins = 0;
  for (let run = 0; run < input.runs; run++) {
    const world = wholePair({ ...input, seed: `${input.seed}/${run}` }, { share: input.share, delay: DELAY });
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
    world.until(() => world.agreed(), PATIENCE_MS);
    reorgs.push(deepest);
    progress(run / input.runs);
  }
  return { ties, secondWins, reorgs };
}
