import { exponentialOf, oneMinusExpOfMinus } from '../util/elementary.ts';

/**
 * Forks among miners of equal power with any delays between them (derived). Level by level: who finds the first block of a
 * level is the more likely the earlier it heard of the level below; so those in the middle of the map lead more often than
 * their power says, and the plain mean delay is too long. What a rival block does for those near it is left out, so the
 * figures are a little high: at most 8 % up to x = 0.2.
 */
export interface MapForks {
  /** Share of heights with more than one block. */
  readonly forked: number;
  /** Share of blocks that end on nobody's branch. */
  readonly stale: number;
}

const ROUNDS = 60;

/** `delays`: row by row, from finder to hearer, in block intervals; 0 to oneself. */
export function mapForks(delays: Float64Array, nodes: number): MapForks {
  const power = 1 / nodes;
  const next: Float64Array[] = [];
  const wait = new Float64Array(nodes);
  const alone = new Float64Array(nodes);
  for (let i = 0; i < nodes; i++) {
    const row = delays.subarray(i * nodes, (i + 1) * nodes);
    const order = Array.from(row, (at, node) => ({ at, node })).sort(
      (a, b) => a.at - b.at || a.node - b.node,
    );
    const chances = new Float64Array(nodes);
    // Nobody has found the next level yet with probability `quiet`; those who have heard try.
    let quiet = 1;
    let mean = 0;
    for (const [n, { at }] of order.entries()) {
      mean += at * power;
      const until = order[n + 1]?.at;
      const rate = (n + 1) * power;
      const span = until === undefined ? undefined : until - at;
      const ended = span === undefined ? 1 : oneMinusExpOfMinus(rate * span);
      const spent = (quiet * ended) / rate;
      wait[i] = wait[i]! + spent;
      for (let k = 0; k <= n; k++) {
        const { node } = order[k]!;
        chances[node] = chances[node]! + spent * power;
      }
      quiet *= 1 - ended;
    }
    alone[i] = exponentialOf(-mean);
    next.push(chances);
  }
  // Who leads in the long run, by walking until it no longer changes.
  let lead = new Float64Array(nodes).fill(power);
  for (let round = 0; round < ROUNDS; round++) {
    const after = new Float64Array(nodes);
    for (let i = 0; i < nodes; i++) {
      for (let j = 0; j < nodes; j++) after[j] = after[j]! + lead[i]! * next[i]![j]!;
    }
    lead = after;
  }
  let level = 0;
  let forked = 0;
  for (let i = 0; i < nodes; i++) {
    level += lead[i]! * wait[i]!;
    forked += lead[i]! * (1 - alone[i]!);
  }
  return { forked, stale: 1 - 1 / level };
}
