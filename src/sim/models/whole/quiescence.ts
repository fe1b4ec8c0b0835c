import { INTERVAL_MS, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeQuiescence extends WholeInput {
  readonly x: number;
  readonly tie: 'first-seen' | 'lowest-id';
  readonly runs: number;
}

/** Mined between two stops, in block intervals: long enough for the last stop to be forgotten. */
const MINING = 12;

/** One world, stopped again and again. */
export function runWholeQuiescence(input: WholeQuiescence, progress: (part: number) => void): number {
  const world = wholePair(input, { share: 0.5, delay: input.x, tie: input.tie });
  let differ = 0;
  for (let run = 0; run < input.runs; run++) {
    mineAll(world, true);
    world.run((MINING + 4 * input.x) * INTERVAL_MS);
    mineAll(world, false);
    world.run((6 * input.x + 1) * INTERVAL_MS);
    if (!world.agreed()) differ++;
    progress(run / input.runs);
  }
  return differ;
}
