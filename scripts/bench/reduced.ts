import { runClusters } from '../../src/sim/models/reduced/clusters.ts';
import { runFlooding } from '../../src/sim/models/reduced/flooding.ts';
import { runMap } from '../../src/sim/models/reduced/map.ts';
import { WORLD_LATENCY_MS } from '../../src/util/profiles.ts';
import { type BenchTable, rowOf } from './table.ts';

const ROUNDS = 5;
const quiet = () => undefined;

/** So much work a second, each time. */
function rates(work: () => number): number[] {
  return Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    const done = work();
    return (done * 1000) / (performance.now() - began);
  });
}

/** The reduced model of the experiments, on one core. */
export function reducedSuite(): BenchTable {
  const blocks = 500_000;
  const map = {
    nodes: 50,
    outbound: 4,
    interval: 10_000_000,
    blocks: 10_000,
    latencyMs: WORLD_LATENCY_MS,
    regions: [0.3316, 0.4998, 0.009, 0.1177, 0.0224, 0.0195],
    messages: 3,
    seed: '1',
  };
  const flood = { nodes: 10_000, degree: 8, floods: 5, seed: '1' };
  const clusters = rates(() => {
    runClusters({ x: 0.5, share: 0.5, blocks, seed: '1' }, quiet);
    return blocks * 60;
  });
  const floods = rates(() => {
    runFlooding(flood, quiet);
    return flood.floods * flood.nodes;
  });
  return {
    suite: 'reduced',
    says: `The reduced model of the experiments, one core, ${ROUNDS} runs each. The second finds the way of each flood once, as delays do not change: a delivery is one event, where a simulator of messages has several. The last goes message by message, on networks drawn anew.`,
    rows: [
      rowOf('two clusters, figures included', clusters, 'blocks/min'),
      rowOf(
        '50 nodes × 10,000 blocks',
        rates(() => runMap(map, quiet).deliveries),
        'deliveries/s',
      ),
      rowOf('10,000 nodes, message by message', floods, 'deliveries/s'),
    ],
  };
}
