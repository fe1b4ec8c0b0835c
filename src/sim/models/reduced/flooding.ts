import { seeded } from '../../../util/random.ts';
import { type Graph, regularGraph } from './graph.ts';
import { ArrivalQueue } from './queue.ts';

export interface FloodingInput {
  readonly nodes: number;
  readonly degree: number;
  /** Blocks that are flooded, each from a node drawn at random, on a network drawn anew. */
  readonly floods: number;
  readonly seed: string;
}

export interface FloodingFigures {
  /** Mean hops to a node, of each flood. */
  readonly hops: readonly number[];
  /** By hop: share of all nodes reached so far, averaged. */
  readonly reached: readonly number[];
  /** Messages on links, of all floods: announcements, requests and blocks. */
  readonly messages: number;
}

/** More than a block needs to reach everybody. */
const MOST_HOPS = 32;
/** Time of one message on any link: hops are what is counted. */
const HOP = 100_000;

/** Every node announces a block to all its neighbours but the one that it has it from; who lacks it asks and gets it. */
export function runFlooding(input: FloodingInput, progress: (part: number) => void): FloodingFigures {
  const random = seeded(input.seed);
  const floods: Int32Array[] = [];
  let messages = 0;
  for (let i = 0; i < input.floods; i++) {
    const graph = regularGraph(input.nodes, input.degree, random);
    const flood = floodOf(graph, random.below(input.nodes));
    messages += flood.messages;
    floods.push(flood.hop);
    progress((i + 1) / input.floods);
  }
  return { ...figuresOf(floods), messages };
}

/** Of each flood the hops to every node, in any order; 0 to the finder itself. */
export function figuresOf(floods: readonly ArrayLike<number>[]): Pick<FloodingFigures, 'hops' | 'reached'> {
  const hops: number[] = [];
  const reached: number[] = [];
  for (const flood of floods) {
    const { length: nodes } = flood;
    let sum = 0;
    const count: number[] = new Array<number>(MOST_HOPS).fill(0);
    for (let i = 0; i < nodes; i++) {
      const hop = Math.max(0, flood[i]!);
      sum += hop;
      for (let h = Math.ceil(hop); h < MOST_HOPS; h++) count[h]!++;
    }
    // To the others: the finder itself is not reached by anybody.
    hops.push(sum / (nodes - 1));
    for (const [h, n] of count.entries()) reached[h] = (reached[h] ?? 0) + n / nodes / floods.length;
  }
  return { hops, reached };
}

const KIND = { announce: 0, ask: 1, block: 2 } as const;

interface Message {
  readonly kind: (typeof KIND)[keyof typeof KIND];
  readonly from: number;
}

function floodOf(graph: Graph, source: number): { hop: Int32Array; messages: number } {
  const hop = new Int32Array(graph.length).fill(-1);
  const asked = new Uint8Array(graph.length);
  const queue = new ArrivalQueue<Message>();
  let messages = 0;
  const send = (now: number, from: number, to: number, kind: Message['kind']) => {
    messages++;
    queue.push(now + HOP, to, { kind, from });
  };
  const have = (node: number, hops: number, from: number, now: number) => {
    hop[node] = hops;
    for (const next of graph[node]!) if (next !== from) send(now, node, next, KIND.announce);
  };
  have(source, 0, -1, 0);
  while (queue.size > 0) {
    const now = queue.earliest;
    const { kind, from } = queue.pop();
    const node = queue.where;
    if (kind === KIND.announce) {
      if (hop[node]! >= 0 || asked[node] === 1) continue;
      asked[node] = 1;
      send(now, node, from, KIND.ask);
    } else if (kind === KIND.ask) send(now, node, from, KIND.block);
    else have(node, hop[from]! + 1, from, now);
  }
  return { hop, messages };
}
