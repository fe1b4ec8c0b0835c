import { runClusters } from '../../src/sim/reduced/clusters.ts';
import { runFlooding } from '../../src/sim/reduced/flooding.ts';
import { runMap } from '../../src/sim/reduced/map.ts';
import { WORLD_LATENCY_MS } from '../../src/util/profiles.ts';
import { type BenchTable, median } from './table.ts';

const ROUNDS = 5;
const quiet = () => undefined;

/** Seconds, the median of some. */
function timed(work: () => void): number {
  const seconds = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    work();
    return (performance.now() - began) / 1000;
  });
  return median(seconds);
}

/**
 * The reduced model of the experiments, on one core. SimBlock, the simulator that people would take instead, delivers
 * 172,000 blocks a second on 50 nodes without its output (measured elsewhere, on two such cores).
 */
export function reducedSuite(): BenchTable {
  const blocks = 500_000;
  const clusters = timed(() => runClusters({ x: 0.5, share: 0.5, blocks, seed: '1' }, quiet));
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
  let deliveries = 0;
  const ways = timed(() => {
    deliveries = runMap(map, quiet).deliveries;
  });
  const floods = 5;
  let messages = 0;
  const flooding = timed(() => {
    messages = runFlooding({ nodes: 10_000, degree: 8, floods, seed: '1' }, quiet).messages;
  });
  return {
    suite: 'reduced',
    says: `The reduced model of the experiments, one core, ${ROUNDS} runs each.`,
    rows: [
      { what: 'two clusters, figures included', median: (blocks / clusters) * 60, unit: 'blocks a minute' },
      {
        what: '50 nodes × 10,000 blocks, each flood along ways found once',
        median: deliveries / ways,
        unit: 'deliveries/s',
        beside: { what: 'SimBlock’s 172,000', times: deliveries / ways / 172_000 },
      },
      {
        what: '10,000 nodes, message by message, networks drawn anew',
        median: (floods * 10_000) / flooding,
        unit: 'deliveries/s',
      },
      { what: 'its messages', median: messages / flooding, unit: 'messages/s' },
    ],
  };
}
