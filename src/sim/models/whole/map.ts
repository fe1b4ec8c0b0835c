import { newFigures } from '../../../observe/figures/figures.ts';
import { rateFor } from '../../world/params.ts';
import { World } from '../../world/world.ts';
import { drawMap, type MapInput } from '../reduced/map.ts';
import { labParams, mineAll } from './pair.ts';

export interface WholeMap extends MapInput {
  readonly networks: unknown;
}

export interface WholeMapFigures {
  readonly blocks: number;
  readonly stale: number;
  readonly heights: number;
  readonly forked: number;
}

/** Greetings of all links are over by then. */
const SETTLE_MS = 60_000;

/** Whole nodes on the very map of the reduced model: where a block takes three messages there, here one takes as long. */
export function runWholeMap(input: WholeMap, progress: (part: number) => void): WholeMapFigures {
  const intervalMs = input.interval / 1_000;
  const params = labParams(input.networks, intervalMs);
  const world = new World({ params, seed: input.seed, keepBodies: 200 });
  const { graph, hop } = drawMap(input);
  const name = (node: number) => `N${node}`;
  for (let node = 0; node < input.nodes; node++)
    world.add(name(node), { hashrate: rateFor(params, 1 / input.nodes), mines: false });
  for (const [a, others] of graph.entries()) {
    for (const b of others) if (a < b) world.connect(name(a), name(b), { delayMs: hop(a, b) / 1_000 });
  }
  world.run(SETTLE_MS);
  const figures = newFigures();
  let mined = 0;
  world.onEvent((event) => {
    figures.apply(event);
    if (event.kind === 'mined') mined++;
  });
  mineAll(world, true);
  while (mined < input.blocks) {
    world.run(10 * intervalMs);
    progress(Math.min(1, mined / input.blocks));
  }
  mineAll(world, false);
  world.run(SETTLE_MS);
  const { blocks, stale, heights, forkedHeights } = figures.read().whole;
  return { blocks, stale, heights, forked: forkedHeights };
}
