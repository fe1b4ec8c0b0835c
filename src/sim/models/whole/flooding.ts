import { seeded } from '../../../util/random.ts';
import { rateFor } from '../../world/params.ts';
import { World } from '../../world/world.ts';
import { type FloodingFigures, type FloodingInput, figuresOf } from '../reduced/flooding.ts';
import { regularGraph } from '../reduced/graph.ts';
import { labParams, type WholeInput } from './pair.ts';

export type WholeFlooding = FloodingInput & WholeInput;

const HOP_MS = 100;
/** Greetings of all links are over by then. */
const SETTLE_MS = 20_000;

/**
 * Floods as in the reduced model, and with the same seed on the same networks from the same nodes; but each node is a whole
 * one, with a disk of its own. When it has taken the block for its tip, in delays of a link, is how many hops away it is.
 */
export function runWholeFlooding(
  input: WholeFlooding,
  progress: (part: number) => void,
): Pick<FloodingFigures, 'hops' | 'reached'> {
  const random = seeded(input.seed);
  const floods: number[][] = [];
  for (let flood = 0; flood < input.floods; flood++) {
    const graph = regularGraph(input.nodes, input.degree, random);
    const params = labParams(input.networks);
    const world = new World({ params, seed: `${input.seed}/${flood}`, link: { delayMs: HOP_MS } });
    for (let node = 0; node < input.nodes; node++)
      world.add(nameOf(node), { hashrate: rateFor(params, 1), mines: false });
    for (const [a, others] of graph.entries())
      for (const b of others) if (a < b) world.connect(nameOf(a), nameOf(b));
    world.run(SETTLE_MS);
    floods.push(floodOf(world, random.below(input.nodes)));
    progress((flood + 1) / input.floods);
  }
  return figuresOf(floods);
}

/** Hops to each node. */
function floodOf(world: World, source: number): number[] {
  const began = world.now;
  const hop = new Map<string, number>();
  const quiet = world.onEvent((event) => {
    if (event.kind === 'tip') hop.set(event.node, (world.now - began) / 1_000 / HOP_MS);
  });
  world.node(nameOf(source)).mineOne();
  world.until(() => hop.size === world.nodes.size, SETTLE_MS);
  quiet();
  // Whom nobody can reach stays at 0, as in the reduced model.
  return [...world.nodes.keys()].map((name) => hop.get(name) ?? 0);
}

function nameOf(node: number): string {
  return `N${node}`;
}
