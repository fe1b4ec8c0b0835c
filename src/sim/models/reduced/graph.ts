import { assert } from '../../../util/assert.ts';
import type { Random } from '../../../util/random.ts';
import { ArrivalQueue } from './queue.ts';

/** Who is linked with whom: neighbours by index, both directions. */
export type Graph = readonly (readonly number[])[];

const MOST_REPAIRS = 1_000;

/**
 * A random graph in which every node has `degree` links: ends are paired at random, and pairs that would be a loop or a
 * second link are paired anew with others. `nodes` × `degree` even, and at least
 * four nodes a link: in denser graphs such repairs may find no end.
 */
export function regularGraph(nodes: number, degree: number, random: Random): Graph {
  assert((nodes * degree) % 2 === 0 && 4 * degree <= nodes, 'such a graph is found by pairing ends');
  const ends = Int32Array.from({ length: nodes * degree }, (_, i) => Math.floor(i / degree));
  shuffle(ends, random);
  const linked = Array.from({ length: nodes }, () => new Set<number>());
  let waiting: number[] = [];
  const link = (a: number, b: number): boolean => {
    if (a === b || linked[a]!.has(b)) return false;
    linked[a]!.add(b);
    linked[b]!.add(a);
    return true;
  };
  for (let i = 0; i < ends.length; i += 2) if (!link(ends[i]!, ends[i + 1]!)) waiting.push(i);
  // A pair that cannot be takes a link apart and crosses with it.
  for (let round = 0; waiting.length > 0; round++) {
    assert(round < MOST_REPAIRS, 'a regular graph is found in a few rounds');
    waiting = waiting.filter((i) => {
      const [a, b] = [ends[i]!, ends[i + 1]!];
      const j = 2 * random.below(ends.length / 2);
      const [c, d] = [ends[j]!, ends[j + 1]!];
      if (j === i || waiting.includes(j)) return true;
      if (a === c || b === d || linked[a]!.has(c) || linked[b]!.has(d)) return true;
      // Both new links at once must differ as well.
      if ((a === d && c === b) || (a === b && c === d)) return true;
      linked[c]!.delete(d);
      linked[d]!.delete(c);
      link(a, c);
      link(b, d);
      ends[i + 1] = c;
      ends[j] = b;
      return false;
    });
  }
  return linked.map((set) => [...set].sort((a, b) => a - b));
}

/** Every node opens so many links to others, drawn at random, with whom it has none yet; so it is linked by as many on average. */
export function outboundGraph(nodes: number, outbound: number, random: Random): Graph {
  const linked = Array.from({ length: nodes }, () => new Set<number>());
  for (const [node, mine] of linked.entries()) {
    for (let opened = 0; opened < outbound && mine.size < nodes - 1; ) {
      const other = random.below(nodes);
      if (other === node || mine.has(other)) continue;
      opened++;
      mine.add(other);
      linked[other]!.add(node);
    }
  }
  return linked.map((set) => [...set].sort((a, b) => a - b));
}

export function shuffle(list: Int32Array, random: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = list[i]!;
    list[i] = list[j]!;
    list[j] = kept;
  }
}

/** When each node has a block that `from` has at 0 and everybody passes on at once. ∞ for who is not reached. */
export function arrivalTimes(
  graph: Graph,
  from: number,
  delay: (a: number, b: number) => number,
): Float64Array {
  const times = new Float64Array(graph.length).fill(Number.POSITIVE_INFINITY);
  const queue = new ArrivalQueue<undefined>();
  queue.push(0, from, undefined);
  while (queue.size > 0) {
    const now = queue.earliest;
    queue.pop();
    const node = queue.where;
    if (times[node]! <= now) continue;
    times[node] = now;
    for (const next of graph[node]!) {
      const at = now + delay(node, next);
      if (at < times[next]!) queue.push(at, next, undefined);
    }
  }
  return times;
}
