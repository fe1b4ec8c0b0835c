import { newFigures } from '../../../observe/figures/figures.ts';
import { type ClusterFigures, ForkLevels, STRETCHES } from '../reduced/clusters.ts';
import { INTERVAL_MS, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeClusters extends WholeInput {
  readonly x: number;
  readonly share: number;
  readonly blocks: number;
}

/** The figures of a live yard, from the log of two whole nodes that stand for the two clusters. */
export function runWholeClusters(input: WholeClusters, progress: (part: number) => void): ClusterFigures {
  const world = wholePair(input, { share: input.share, delay: input.x });
  const figures = newFigures();
  let mined = 0;
  world.onEvent((event) => {
    figures.apply(event);
    if (event.kind === 'mined') mined++;
  });
  // The log begins before the first listener: what the nodes stood on is told again.
  for (const node of world.nodes.values()) node.kill();
  for (const node of world.nodes.values()) node.start();
  world.run(20 * input.x * INTERVAL_MS + 1_000);
  mineAll(world, true);
  const levels = new ForkLevels();
  while (mined < input.blocks) {
    world.run(20 * INTERVAL_MS);
    const full = (levels.stretches.length + 1) * input.blocks <= mined * STRETCHES;
    if (full && mined < input.blocks) levels.close(figures.read().whole.reorgs);
    progress(Math.min(1, mined / input.blocks));
  }
  mineAll(world, false);
  world.run((4 * input.x + 1) * INTERVAL_MS);
  const { whole } = figures.read();
  levels.close(whole.reorgs);
  return { ...whole, stretches: levels.stretches };
}
