import { type Bench, openBench } from '../../src/lab/bench/bench.ts';
import { mineAll, wholePair } from '../../src/sim/models/whole/pair.ts';
import { WORLD_LATENCY_MS } from '../../src/util/profiles.ts';
import { networksJson } from './blocks.ts';
import { heapMb } from './processes.ts';
import { type BenchTable, rowOf } from './table.ts';

const ROUNDS = 5;
const X = 0.5;
const BLOCKS = 20_000;
const NODES = 50;
const MAP_BLOCKS = 400;
/** Memory is looked at twice, with so many blocks between: what does not grow is not counted. */
const FIRST_LOOK = 5_000;
const SECOND_LOOK = 25_000;

/** Whole nodes on invented time, as the experiments run them: on a thread, with their figures. */
export async function wholeSuite(): Promise<BenchTable> {
  const bench = openBench({ threads: 1 });
  const pairs: number[] = [];
  const maps: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const pair = await timed(() => pairOf(bench, round));
    const map = await timed(() => mapOf(bench, round));
    if (round === 0) continue; // the engine optimises
    pairs.push(BLOCKS / pair);
    maps.push((MAP_BLOCKS * (NODES - 1)) / map);
  }
  await bench.close();
  return {
    suite: 'whole',
    says: `Unchanged nodes in the simulator, on one thread, ${ROUNDS} rounds: two clusters at x = ${X}, ${BLOCKS.toLocaleString('en')} blocks; ${NODES} nodes with four outbound links each on the map of the world, a block every 2 s, ${MAP_BLOCKS} blocks. Every block is mined, checked, connected, stored and passed on by each of them, and told in the log. Memory: what two nodes hold more after ${SECOND_LOOK.toLocaleString('en')} blocks than after ${FIRST_LOOK.toLocaleString('en')}, garbage collected, bodies kept 1,000 deep.`,
    rows: [
      rowOf('two nodes, figures included', pairs, 'blocks/s'),
      rowOf(`${NODES} nodes`, maps, 'deliveries/s'),
      rowOf('memory for each block and node', [memory()], 'B'),
    ],
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

function pairOf(bench: Bench, round: number): Promise<unknown> {
  return bench.do(
    'wholeClusters',
    { x: X, share: 0.5, blocks: BLOCKS, seed: `bench/${round}`, networks: networksJson() },
    1,
  );
}

function mapOf(bench: Bench, round: number): Promise<unknown> {
  const map = {
    nodes: NODES,
    outbound: 4,
    interval: 2_000_000,
    blocks: MAP_BLOCKS,
    latencyMs: WORLD_LATENCY_MS,
    regions: [0.3316, 0.4998, 0.009, 0.1177, 0.0224, 0.0195],
    messages: 3,
  };
  return bench.do('wholeMap', { ...map, seed: `bench/${round}`, networks: networksJson() }, 1);
}

function memory(): number {
  const world = wholePair({ networks: networksJson(), seed: 'bench' }, { share: 0.5, delay: X });
  mineAll(world, true);
  const mined = () => [...world.nodes.values()].reduce((sum, { view }) => sum + view.mining.mined, 0);
  const at = (blocks: number): { readonly mb: number; readonly blocks: number } => {
    while (mined() < blocks) world.run(100_000);
    return { mb: heapMb(), blocks: mined() };
  };
  const first = at(FIRST_LOOK);
  const second = at(SECOND_LOOK);
  return ((second.mb - first.mb) * 1e6) / (second.blocks - first.blocks) / world.nodes.size;
}
