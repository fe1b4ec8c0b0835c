import { describe, expect, it } from 'vitest';
import { binomialSe } from '../../src/observe/figures-tally.ts';
import { judgeApproximate } from '../../src/observe/judge.ts';
import { mapForks } from '../../src/observe/predict-map.ts';
import { arrivalTimes, outboundGraph, regularGraph } from '../../src/sim/reduced/graph.ts';
import { runMap } from '../../src/sim/reduced/map.ts';
import { WORLD_LATENCY_MS } from '../../src/util/profiles.ts';
import { seeded } from '../../src/util/random.ts';

const quiet = () => undefined;

describe('a random graph', () => {
  it('of one degree has that many links at every node, both ways, and none twice', () => {
    for (const [nodes, degree] of [
      [40, 9],
      [50, 3],
      [301, 8],
    ] as const) {
      const graph = regularGraph(nodes, degree, seeded(nodes));
      for (const [node, others] of graph.entries()) {
        expect(new Set(others).size).toBe(degree);
        expect(others).not.toContain(node);
        for (const other of others) expect(graph[other]).toContain(node);
      }
    }
  });

  it('passes a block on along the quickest way', () => {
    // 0 – 1 – 2 – 3 and a slow link 0 – 3.
    const graph = [
      [1, 3],
      [0, 2],
      [1, 3],
      [0, 2],
    ];
    const slow = (a: number, b: number) => (a + b === 3 && Math.abs(a - b) === 3 ? 10 : 2);
    expect([...arrivalTimes(graph, 0, slow)]).toEqual([0, 2, 4, 6]);
    expect([...arrivalTimes([[1], [0], []], 0, () => 1)]).toEqual([0, 1, Number.POSITIVE_INFINITY]);
    expect(outboundGraph(2, 4, seeded(1))).toEqual([[1], [0]]);
  });
});

describe('forks on a map', () => {
  it('are those of many miners at one delay where all are alike', () => {
    const nodes = 200;
    const x = 0.2;
    const delays = Float64Array.from({ length: nodes * nodes }, (_, i) => (i % (nodes + 1) === 0 ? 0 : x));
    const { stale } = mapForks(delays, nodes);
    expect(stale).toBeCloseTo((x / (1 + x)) * (1 - 1 / nodes), 3);
  });

  it('come as often as predicted level by level', () => {
    const map = runMap(
      {
        nodes: 20,
        outbound: 4,
        interval: 3_000_000,
        blocks: 20_000,
        latencyMs: WORLD_LATENCY_MS,
        regions: [1, 1, 1, 1, 1, 1],
        messages: 3,
        seed: 'a map',
      },
      quiet,
    );
    const { forked, stale } = mapForks(
      map.delays.map((d) => d / 3_000_000),
      20,
    );
    const share = map.stale / map.blocks;
    expect(judgeApproximate(share, binomialSe(stale, map.blocks), map.blocks, stale, 0.08).ok).toBe(true);
    const forks = map.forked / map.heights;
    expect(judgeApproximate(forks, binomialSe(forked, map.heights), map.heights, forked, 0.08).ok).toBe(true);
    expect(share).toBeGreaterThan(0.05);
  });
});
