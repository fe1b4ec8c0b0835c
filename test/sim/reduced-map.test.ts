import { describe, expect, it } from 'vitest';
import { checkShare, meanOf, within } from '../../src/observe/figures/judge.ts';
import { mapForks, mapForksBias } from '../../src/observe/theory/map.ts';
import { arrivalTimes, outboundGraph, regularGraph } from '../../src/sim/models/reduced/graph.ts';
import { drawMap, runMap, runMaps } from '../../src/sim/models/reduced/map.ts';
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
  });

  it('of opened links has as many as were opened: nobody dials whom it is linked with', () => {
    for (const seed of [1, 2, 3]) {
      const graph = outboundGraph(50, 4, seeded(seed));
      expect(graph.reduce((sum, others) => sum + others.length, 0)).toBe(2 * 50 * 4);
      expect(Math.min(...graph.map((others) => others.length))).toBeGreaterThanOrEqual(4);
    }
    expect(outboundGraph(2, 4, seeded(1))).toEqual([[1], [0]]);
    expect(outboundGraph(4, 4, seeded(1)).every((others) => others.length === 3)).toBe(true);
  });
});

describe('a map of the world', () => {
  const world = {
    nodes: 50,
    outbound: 4,
    latencyMs: WORLD_LATENCY_MS,
    regions: [0.3316, 0.4998, 0.009, 0.1177, 0.0224, 0.0195],
    messages: 3,
    seed: 'maps',
  };

  it('has the same number of nodes in each region, whatever the seed', () => {
    const own = WORLD_LATENCY_MS.map((row, region) => row[region]);
    for (const seed of ['1', '2']) {
      const { hop } = drawMap({ ...world, seed });
      const counts = own.map(
        (ms) => Array.from({ length: 50 }, (_, k) => hop(k, k)).filter((d) => d === 3_000 * ms!).length,
      );
      expect(counts).toEqual([17, 25, 1, 5, 2, 0]);
    }
  });

  it('so scatters little: a mean delay of 0.42 s, give or take 3 %', () => {
    const { mean, se } = meanOf(runMaps({ ...world, maps: 60 }, quiet));
    expect(mean / 1e6).toBeGreaterThan(0.41);
    expect(mean / 1e6).toBeLessThan(0.43);
    expect((se * Math.sqrt(60)) / mean).toBeLessThan(0.05);
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
    const bias = mapForksBias(map.meanDelay / 3_000_000, 20);
    expect(bias).toBeLessThan(0.01);
    const lost = checkShare(map.stale, map.blocks, stale, within(stale, bias));
    expect(Math.abs(lost.z)).toBeLessThan(3.3);
    expect(Math.abs(checkShare(map.forked, map.heights, forked, within(forked, bias)).z)).toBeLessThan(3.3);
    expect(lost.measured).toBeGreaterThan(0.05);
  });
});
