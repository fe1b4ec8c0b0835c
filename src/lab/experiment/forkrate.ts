import type { Chart, ChartSeries } from '../../observe/chart/chart.ts';
import { type Check, checkShare, meanOf, within } from '../../observe/figures/judge.ts';
import { mapForks, mapForksBias } from '../../observe/theory/map.ts';
import { forkedHeights, staleOfManyMiners } from '../../observe/theory/predict.ts';
import type { MapFigures, MapInput } from '../../sim/models/reduced/map.ts';
import type { WholeMapFigures } from '../../sim/models/whole/map.ts';
import { WORLD_LATENCY_MS } from '../../util/profiles.ts';
import { countOf, listOf, measuredSeries, predictedSeries, spanOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, ratio, row, WHOLE_PART, wholeShare } from './rows.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

/** Bitcoin's nodes by region in 2019, as SimBlock has them (NetworkConfiguration.java). */
const REGION_SHARES = [0.3316, 0.4998, 0.009, 0.1177, 0.0224, 0.0195];
const OUTBOUND = 4;
/** Announcement, request, block. */
const MESSAGES = 3;
const BLOCKS = 60_000;
/** More nodes get fewer blocks, so that it still takes seconds. */
const DELIVERIES = 6_000_000;
/** Whole nodes pass on every block by real messages: a fortieth of the blocks of 50 nodes, and fewer for more nodes. */
const WHOLE_DELIVERIES = 75_000;
/** For the scatter of the mean delay; fewer large ones. */
const MAPS = 200;
const MAPS_PAIRS = 500_000;
const CURVE_POINTS = 16;

const NOTE = 'the prediction leaves out rivals of rivals: it may be off by (0.03 + 0.2/nodes)·x of itself';

export const forkrate: Experiment = {
  name: 'forkrate',
  says: 'how often do blocks collide on a map of the world, at which pace?',
  question:
    'Miners of equal power stand in the world’s regions, each linked with a few others. How often do two blocks of one height meet, and how much work is lost, when blocks come faster?',
  parameters: [
    listOf('interval', 'mean time between blocks, seconds', [2, 5, 15], 0.5, 100_000),
    countOf('nodes', 'nodes on the map', 50, 3, 400),
  ],
  async run(values, seed, bench) {
    const nodes = number(values, 'nodes');
    const map: Omit<MapInput, 'interval' | 'blocks'> = {
      nodes,
      outbound: OUTBOUND,
      latencyMs: WORLD_LATENCY_MS,
      regions: REGION_SHARES,
      messages: MESSAGES,
      seed: `${seed}/forkrate`,
    };
    const maps = Math.max(10, Math.min(MAPS, Math.floor(MAPS_PAIRS / nodes / nodes)));
    const others = bench.do('maps', { ...map, maps, seed: `${seed}/maps` }, maps * nodes * nodes);
    const intervals = numbers(values, 'interval');
    const runs = await Promise.all(intervals.map((interval) => runMap(bench, map, interval)));
    const { delays, meanDelay } = runs[0]!.figures;
    const delay = meanDelay / 1e6;
    const { mean: usual, se } = meanOf((await others).map((d) => d / 1e6));
    const scatter = se * Math.sqrt(maps);
    const theory: Theory = (interval) =>
      mapForks(
        delays.map((d) => d / 1e6 / interval),
        nodes,
      );
    const judged = runs.map((run) => judge(run, nodes, theory(run.interval)));
    return {
      rows: judged.flatMap((run) => rowsOf(run)),
      charts: [chartOf(judged, theory)],
      sentence: judged
        .map((j) => `a block every ${j.interval} s: ${percentOf(j.stale.measured)} of the work lost`)
        .join('; ')
        .replace(/^a/, `With news ${ratio(delay)} s old on average, a`)
        .concat('.'),
      remarks: [
        `${nodes} nodes, each opening ${OUTBOUND} random links, in the regions of Bitcoin’s nodes of 2019; one-way latencies of SimBlock (2019), ${MESSAGES} messages from neighbour to neighbour. x is the mean delay, weighted by hash power, over the interval; the delay (${ratio(delay)} s) is that of the map drawn from the seed. ${maps} maps drawn alike have ${usual.toFixed(3)} ± ${scatter.toFixed(3)} s (mean and standard deviation).`,
        'Each region has its share of the nodes, as in SimBlock. Were the region of each node drawn by itself, more or fewer would stand far away, and the delay would scatter by 12 % from map to map instead of 3 %. Left out is what SimBlock has besides: latencies that scatter and nodes that ask only the first who announces a block (together 4 % more delay), 10 ms for each announcement and request, and the time that half a megabyte takes.',
        'Whole nodes stand on the same map; there a block takes one message as long as the three. They get fewer blocks than a fortieth where the map has more than 50 nodes. The plain formulas are 1-e^(-x) for heights with two blocks (Decker and Wattenhofer 2013; x their mean delay over the interval) and x/(1+x) for lost blocks. On a map they are too high: who hears early leads more often than its power says, who has not heard of a block cannot find a rival of the next one, and a rival spreads the news too. The prediction here takes these into account, level by level.',
      ],
    };
  },
};

type Theory = (interval: number) => ReturnType<typeof mapForks>;

interface Run {
  /** Seconds. */
  readonly interval: number;
  readonly figures: MapFigures;
  readonly whole: WholeMapFigures;
  /** Mean delay, in intervals. */
  readonly x: number;
}

async function runMap(
  bench: ExperimentBench,
  map: Omit<MapInput, 'interval' | 'blocks'>,
  interval: number,
): Promise<Run> {
  const { nodes } = map;
  const blocks = Math.max(2_000, Math.min(BLOCKS, Math.floor(DELIVERIES / nodes)));
  const input = { ...map, interval: Math.round(interval * 1e6), blocks };
  const wholeBlocks = Math.max(20, Math.round(Math.min(blocks / WHOLE_PART, WHOLE_DELIVERIES / nodes)));
  const [figures, whole] = await Promise.all([
    bench.do('map', input, blocks * nodes),
    bench.do(
      'wholeMap',
      { ...input, blocks: wholeBlocks, networks: bench.networks },
      wholeBlocks * nodes * 1_000,
    ),
  ]);
  return { interval, figures, whole, x: figures.meanDelay / 1e6 / interval };
}

interface Judged {
  readonly interval: number;
  readonly whole: WholeMapFigures;
  readonly x: number;
  readonly forked: Check;
  readonly stale: Check;
}

function judge({ interval, x, figures: f, whole }: Run, nodes: number, theory: ReturnType<Theory>): Judged {
  const bias = mapForksBias(x, nodes);
  const check = (events: number, n: number, predicted: number) =>
    checkShare(events, n, predicted, within(predicted, bias));
  return {
    ...{ interval, whole, x },
    forked: check(f.forked, f.heights, theory.forked),
    stale: check(f.stale, f.blocks, theory.stale),
  };
}

function rowsOf({ interval, x, forked, stale, whole }: Judged): Row[] {
  const forks = row({ quantity: 'forked', interval }, forked, {
    origin: 'derived here',
    formula: `map, level by level; plain 1-e^(-x): ${ratio(forkedHeights(x))}`,
    note: NOTE,
  });
  const lost = row({ quantity: 'stale', interval }, stale, {
    origin: 'derived here',
    formula: `map, level by level; plain x/(1+x): ${ratio(staleOfManyMiners(x))}`,
    note: NOTE,
  });
  return [
    forks,
    wholeShare(forks, whole.forked, whole.heights),
    lost,
    wholeShare(lost, whole.stale, whole.blocks),
  ];
}

function chartOf(judged: readonly Judged[], theory: Theory): Chart {
  const intervals = judged.map((j) => j.interval);
  const curve = spanOf(Math.min(...intervals) * 0.8, Math.max(...intervals) * 1.1, CURVE_POINTS).map(
    (interval) => ({ interval, ...theory(interval) }),
  );
  const series = (what: string, key: 'forked' | 'stale', colour: number): ChartSeries[] => [
    predictedSeries(
      what,
      colour,
      curve.map((c) => ({ x: c.interval, y: c[key] })),
    ),
    measuredSeries(
      what,
      colour,
      judged.map((j) => ({ x: j.interval, y: j[key].measured, se: j[key].se })),
    ),
  ];
  return {
    title: 'Forks on a map of the world',
    xLabel: 'mean time between blocks, seconds',
    yLabel: 'share',
    series: [...series('heights with two blocks', 'forked', 0), ...series('stale blocks', 'stale', 1)],
  };
}
