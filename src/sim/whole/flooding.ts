import { seeded } from '../../util/random.ts';
import { rateFor } from '../params.ts';
import { regularGraph } from '../reduced/graph.ts';
import { World } from '../world.ts';
import { labParams, type WholeInput } from './pair.ts';

export interface WholeFlooding extends WholeInput {
  readonly nodes: number;
  readonly degree: number;
  readonly floods: number;
}

const HOP_MS = 100;
const SETTLE_MS = 20_000;

/** Mean hops of each flood: when each node has a block, in delays of a link. Every node is a whole one. */
export function runWholeFlooding(input: WholeFlooding, progress: (part: number) => void): number[] {
  const random = seeded(input.seed);
  const params = labParams(input.networks);
  const world = new World({ params, seed: input.seed, link: { delayMs: HOP_MS } });
  const name = (node: number) => `N${node}`;
  for (let node = 0; node < input.nodes; node++)
    world.add(name(node), { hashrate: rateFor(params, 1), mines: false });
  for (const [a, others] of regularGraph(input.nodes, input.degree, random).entries()) {
    for (const b of others) if (a < b) world.connect(name(a), name(b));
  }
  world.run(SETTLE_MS);
  const hops: number[] = [];
  for (let flood = 0; flood < input.floods; flood++) {
    let sum = 0;
    const began = world.now;
    const quiet = world.onEvent((event) => {
      if (event.kind === 'block' && event.from !== 'self') sum += (world.now - began) / 1_000 / HOP_MS;
    });
    world.node(name(random.below(input.nodes))).mineOne();
    world.run(SETTLE_MS);
    quiet();
    hops.push(sum / (input.nodes - 1));
    progress(flood / input.floods);
  }
  return hops;
}
