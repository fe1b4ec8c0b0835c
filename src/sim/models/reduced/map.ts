import { seeded } from '../../../util/random.ts';
import { HeightCounter } from './clusters.ts';
import { arrivalTimes, type Graph, outboundGraph, shuffle } from './graph.ts';
import { cumulated, Race } from './race.ts';

export interface MapInput {
  readonly nodes: number;
  /** Links that each node opens. */
  readonly outbound: number;
  /** Mean time between blocks, microseconds. */
  readonly interval: number;
  readonly blocks: number;
  /** One-way latency between regions, milliseconds. */
  readonly latencyMs: readonly (readonly number[])[];
  /** Share of nodes in each region. */
  readonly regions: readonly number[];
  /** Messages that a block takes from neighbour to neighbour: announcement, request, block. */
  readonly messages: number;
  readonly seed: string;
}

export interface MapFigures {
  readonly blocks: number;
  readonly stale: number;
  readonly heights: number;
  readonly forked: number;
  /** Arrivals of a block at a node. */
  readonly deliveries: number;
  /** Mean time from a block's finding until a node has it, its finder included, microseconds. */
  readonly meanDelay: number;
  /** Of every pair, row by row, microseconds. */
  readonly delays: Float64Array;
}

/** Miners of equal power all over the world, each linked with a few. */
export function runMap(input: MapInput, progress: (part: number) => void): MapFigures {
  const { delays } = drawMap(input);
  const perHeight = new HeightCounter();
  const race = new Race(
    {
      shares: Array.from({ length: input.nodes }, () => 1),
      delays,
      interval: input.interval,
      random: seeded(`${input.seed}/blocks`),
    },
    { found: (block) => perHeight.count(block.height) },
  );
  const piece = Math.ceil(input.blocks / 50);
  while (race.mined < input.blocks) {
    race.runBlocks(Math.min(piece, input.blocks - race.mined));
    progress(race.mined / input.blocks);
  }
  race.drain();
  return {
    blocks: race.mined,
    stale: race.mined - race.best.height,
    heights: perHeight.heights,
    forked: perHeight.forked,
    deliveries: race.deliveries,
    meanDelay: meanOf(delays),
    delays,
  };
}

function meanOf(delays: Float64Array): number {
  let total = 0;
  for (const delay of delays) total += delay;
  return total / delays.length;
}

export interface MapsInput extends Omit<MapInput, 'blocks' | 'interval'> {
  readonly maps: number;
}

/** Mean delay of each of so many maps that are drawn alike. */
export function runMaps(input: MapsInput, progress: (part: number) => void): number[] {
  return Array.from({ length: input.maps }, (_, i) => {
    progress(i / input.maps);
    return meanOf(drawMap({ ...input, seed: `${input.seed}/${i}` }).delays);
  });
}

export interface WorldMap {
  readonly graph: Graph;
  /** From neighbour to neighbour, all messages of it, microseconds. */
  readonly hop: (a: number, b: number) => number;
  /** A flood takes the quickest way, and that does not change: it is found once. Row by row, microseconds. */
  readonly delays: Float64Array;
}

/** Each region gets its share of the nodes, rounded as SimBlock does: the first that is not full with node number k. */
function regionsOf(nodes: number, shares: readonly number[]): Int32Array {
  const sums = cumulated(shares);
  return Int32Array.from({ length: nodes }, (_, k) => sums.findIndex((sum) => k <= nodes * sum));
}

export function drawMap(input: Omit<MapInput, 'blocks' | 'interval'>): WorldMap {
  const { nodes, latencyMs, messages } = input;
  const random = seeded(`${input.seed}/map`);
  const region = regionsOf(nodes, input.regions);
  shuffle(region, random);
  const hop = (a: number, b: number) => messages * latencyMs[region[a]!]![region[b]!]! * 1_000;
  const delays = new Float64Array(nodes * nodes);
  // A graph of so many links is whole as good as always; if not, the next one is.
  for (;;) {
    const graph = outboundGraph(nodes, input.outbound, random);
    for (let from = 0; from < nodes; from++) delays.set(arrivalTimes(graph, from, hop), from * nodes);
    if (delays.every((d) => Number.isFinite(d))) return { graph, hop, delays };
  }
}
