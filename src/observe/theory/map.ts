import { exponentialOf, oneMinusExpOfMinus } from '../../util/elementary.ts';

/**
 * Forks among miners of equal power with any delays between them (derived). Level by level: who finds the first block of a
 * level is the more likely the earlier it heard of the level below; who has not heard of the level below yet cannot find a
 * rival; and a rival tells those near it of its level sooner. Rivals of rivals are left out: see
 * {@link mapForksBias}.
 */
export interface MapForks {
  /** Share of heights with more than one block. */
  readonly forked: number;
  /** Share of blocks that end on nobody's branch. */
  readonly stale: number;
}

const ROUNDS = 60;

/**
 * By how much of themselves both figures of {@link mapForks} may be off, either way. Measured on 3 to 150 nodes for x up to
 * 1: few nodes have few paths, and the terms left out are larger.
 */
export function mapForksBias(x: number, nodes: number): number {
  return (0.03 + 0.2 / nodes) * x;
}

/** `delays`: row by row, from finder to hearer, in block intervals; 0 to oneself. */
export function mapForks(delays: Float64Array, nodes: number): MapForks {
  const power = 1 / nodes;
  const means = new Float64Array(nodes);
  for (let i = 0; i < nodes; i++)
    means[i] = power * delays.subarray(i * nodes, (i + 1) * nodes).reduce((sum, d) => sum + d, 0);
  const alone = means.map((mean) => exponentialOf(-mean));
  const levels = Array.from({ length: nodes }, (_, i) => levelAfter(i, delays, means, alone));
  const lead = leaders(levels);
  let level = 0;
  let forked = 0;
  let saved = 0;
  let mean = 0;
  for (let i = 0; i < nodes; i++) {
    level += lead[i]! * levels[i]!.wait;
    forked += lead[i]! * (1 - levels[i]!.alone);
    saved += lead[i]! * savedByRivals(i, delays, nodes);
    mean += lead[i]! * means[i]!;
  }
  return { forked, stale: 1 - 1 / (level - saved / (1 + mean)) };
}

interface Level {
  /** Chance of each node to find the first block of the next level. */
  readonly next: Float64Array;
  /** Mean wait for that block. */
  readonly wait: number;
  /** Chance that the next level has one block. */
  readonly alone: number;
}

/** What follows a first block of a level by `leader`. `alone`: chance of no rival if all others have heard of the parent. */
function levelAfter(leader: number, delays: Float64Array, means: Float64Array, alone: Float64Array): Level {
  const nodes = means.length;
  const power = 1 / nodes;
  const row = delays.subarray(leader * nodes, (leader + 1) * nodes);
  const order = Array.from(row, (at, node) => ({ at, node })).sort((a, b) => a.at - b.at || a.node - b.node);
  const next = new Float64Array(nodes);
  // Nobody has found the next level yet with probability `quiet`; those who have heard try.
  let quiet = 1;
  let wait = 0;
  let single = 0;
  let aloneOfHeard = 0;
  // Time until they hear of this level, averaged over all nodes: so much less of a rival's chance.
  let late = means[leader]!;
  for (const [n, { at, node }] of order.entries()) {
    const until = order[n + 1]?.at;
    const rate = (n + 1) * power;
    const span = until === undefined ? undefined : until - at;
    const ended = span === undefined ? 1 : oneMinusExpOfMinus(rate * span);
    const spent = (quiet * ended) / rate;
    wait += spent;
    aloneOfHeard += alone[node]!;
    // `quiet` falls by the rate of those who have heard, e^late by that of the others: together by 1.
    const both = span === undefined ? 1 : oneMinusExpOfMinus(span);
    single += quiet * exponentialOf(late) * both * power * aloneOfHeard;
    for (let k = 0; k <= n; k++) {
      const { node: finder } = order[k]!;
      next[finder] = next[finder]! + spent * power;
    }
    quiet *= 1 - ended;
    if (span !== undefined) late -= (1 - rate) * span;
  }
  return { next, wait, alone: single };
}

/** Who leads in the long run, by walking until it no longer changes. */
function leaders(levels: readonly Level[]): Float64Array {
  const nodes = levels.length;
  let lead = new Float64Array(nodes).fill(1 / nodes);
  for (let round = 0; round < ROUNDS; round++) {
    const after = new Float64Array(nodes);
    for (const [i, { next }] of levels.entries()) {
      for (let j = 0; j < nodes; j++) after[j] = after[j]! + lead[i]! * next[j]!;
    }
    lead = after;
  }
  return lead;
}

/**
 * Mean time by which nodes hear of a level sooner because of a rival of `leader`: one by j, s later, reaches node n first if
 * s + d(j, n) < d(leader, n).
 */
function savedByRivals(leader: number, delays: Float64Array, nodes: number): number {
  const mine = delays.subarray(leader * nodes, (leader + 1) * nodes);
  let sum = 0;
  for (let j = 0; j < nodes; j++) {
    const theirs = delays.subarray(j * nodes, (j + 1) * nodes);
    for (let n = 0; n < nodes; n++) {
      const sooner = mine[n]! - theirs[n]!;
      if (sooner > 0) sum += (sooner * sooner) / 2;
    }
  }
  return sum / nodes / nodes;
}
