import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { RUNS } from './sim-logs.ts';

/**
 * The figures of simulated runs beside a second count: slow, straight from the definitions in docs/event-log.md, and
 * with nothing of the figures' own code.
 */

interface Count {
  readonly blocks: number;
  readonly stale: number;
  readonly miners: ReadonlyMap<string, readonly [blocks: number, stale: number]>;
  readonly heights: number;
  readonly forkedHeights: number;
  readonly reorgs: ReadonlyMap<number, number>;
  readonly forcedReorgs: number;
  readonly comparedMs: number;
  readonly agreeMs: number;
  readonly lagMs: number;
  /** Time integral of the share of pairs, and of any pair, in conflict deeper than k. */
  readonly pairMs: readonly number[];
  readonly anyMs: readonly number[];
}

/** A block's chain, from itself down to the genesis. */
function chainOf(id: string, parents: ReadonlyMap<string, string>): string[] {
  const chain: string[] = [];
  for (let at: string | undefined = id; at !== undefined && at !== ''; at = parents.get(at)) chain.push(at);
  return chain;
}

function conflict(a: string, b: string, parents: ReadonlyMap<string, string>): number {
  const left = chainOf(a, parents).reverse();
  const right = chainOf(b, parents).reverse();
  let common = 0;
  while (common < left.length && common < right.length && left[common] === right[common]) common++;
  return Math.min(left.length, right.length) - common;
}

function recount(events: readonly LogEvent[]): Count {
  const parents = new Map<string, string>();
  for (const event of events) if (event.kind === 'block') parents.set(event.id, event.prev);
  const tips = new Map<string, string>();
  /** Last tips of nodes that are down. */
  const last = new Map<string, string>();
  const works = new Map<string, bigint>();
  const found = new Map<string, { miner: string; node: string; height: number }>();
  const everHeld = new Set<string>();
  const reorgs = new Map<number, number>();
  let forcedReorgs = 0;
  let [comparedMs, agreeMs, lagMs] = [0, 0, 0];
  const pairMs: number[] = [];
  const anyMs: number[] = [];
  let now = events[0]!.t;

  function pass(ms: number): void {
    const all = [...tips.values()];
    if (all.length < 2) return;
    comparedMs += ms;
    const depths = all.flatMap((a, i) => all.slice(i + 1).map((b) => conflict(a, b, parents)));
    const deepest = Math.max(...depths);
    if (new Set(all).size === 1) agreeMs += ms;
    else if (deepest === 0) lagMs += ms;
    for (let k = 0; k < deepest; k++) {
      pairMs[k] = (pairMs[k] ?? 0) + (ms * depths.filter((m) => m > k).length) / depths.length;
      anyMs[k] = (anyMs[k] ?? 0) + ms;
    }
  }

  function goes(node: string, to: string, work: bigint): void {
    tips.set(node, to);
    last.set(node, to);
    works.set(node, work);
    for (const id of chainOf(to, parents)) everHeld.add(id);
    const most = [...tips.keys()].map((up) => works.get(up)!).sort((a, b) => (a < b ? 1 : -1))[0]!;
    for (const other of [...last.keys()])
      if (!tips.has(other) && works.get(other)! < most) last.delete(other);
  }

  for (const event of events) {
    pass(event.t - now);
    now = event.t;
    if (event.kind === 'stop') tips.delete(event.node);
    if (event.kind === 'process' && event.what !== 'started') tips.delete(event.of);
    if (event.kind === 'start') goes(event.node, event.id, BigInt(`0x${event.work}`));
    if (event.kind === 'mined')
      found.set(event.id, { miner: event.miner, node: event.node, height: event.height });
    if (event.kind !== 'tip') continue;
    const to = new Set(chainOf(event.id, parents));
    const out = chainOf(tips.get(event.node)!, parents).filter((id) => !to.has(id)).length;
    if (out > 0 && event.because !== 'work') forcedReorgs++;
    else if (out > 0) reorgs.set(out, (reorgs.get(out) ?? 0) + 1);
    goes(event.node, event.id, BigInt(`0x${event.work}`));
  }

  const held = new Set([...last.values()].flatMap((id) => chainOf(id, parents)));
  const top = Math.max(...[...last.values()].map((id) => chainOf(id, parents).length - 1));
  const miners = new Map<string, [number, number]>();
  const perHeight = new Map<number, number>();
  let stale = 0;
  for (const [id, { miner, node, height }] of found) {
    const coming = parents.has(id) && last.get(node) === parents.get(id);
    const lost = !held.has(id) && (everHeld.has(id) || (height <= top && !coming));
    if (lost) stale++;
    const [blocks, gone] = miners.get(miner) ?? [0, 0];
    miners.set(miner, [blocks + 1, gone + Number(lost)]);
    perHeight.set(height, (perHeight.get(height) ?? 0) + 1);
  }
  return {
    ...{ blocks: found.size, stale, miners, reorgs, forcedReorgs, comparedMs, agreeMs, lagMs, pairMs, anyMs },
    heights: perHeight.size,
    forkedHeights: [...perHeight.values()].filter((n) => n > 1).length,
  };
}

function compare(events: readonly LogEvent[]): Count {
  const figures = newFigures();
  for (const event of events) figures.apply(event);
  const { whole, epochs } = figures.read();
  const count = recount(events);
  const { blocks, stale, heights, forkedHeights, forcedReorgs } = count;
  expect(whole).toMatchObject({ blocks, stale, heights, forkedHeights, forcedReorgs, workDecreases: 0 });
  expect(whole.miners.map((m) => [m.miner, [m.blocks, m.stale]])).toEqual(
    [...count.miners].sort((a, b) => (a[0] < b[0] ? -1 : 1)),
  );
  expect(whole.reorgs.map((r) => [r.depth, r.count])).toEqual([...count.reorgs].sort((a, b) => a[0] - b[0]));
  expect(whole.comparedMs).toBeCloseTo(count.comparedMs, 3);
  expect(whole.agreeMs).toBeCloseTo(count.agreeMs, 3);
  expect(whole.lagMs).toBeCloseTo(count.lagMs, 3);
  for (const { k, d, a, v } of whole.depths) {
    expect(d * whole.comparedMs).toBeCloseTo(count.pairMs[k] ?? 0, 3);
    expect(a * whole.comparedMs).toBeCloseTo(count.anyMs[k] ?? 0, 3);
    let deeper = 0;
    for (const [depth, n] of count.reorgs) if (depth > k) deeper += n;
    expect(v).toBe(deeper);
  }
  // Epochs share what the whole run has; a height or a block is in one of them.
  for (const of of ['blocks', 'stale', 'heights', 'forkedHeights'] as const)
    expect(epochs.reduce((sum, epoch) => sum + epoch[of], 0)).toBe(whole[of]);
  return count;
}

describe('figures of simulated runs are those of a second count', () => {
  it.each(Object.keys(RUNS))('%s', (name) => {
    let forks = 0;
    for (const seed of ['1', '2']) {
      const events = RUNS[name]!(`${name} ${seed}`);
      // Not only at the end: a face reads while the yard runs, and after each node that stops.
      const stops = events.flatMap((event, i) => (event.kind === 'stop' ? [i + 1] : []));
      for (const end of [events.length >> 1, ...stops]) compare(events.slice(0, end));
      forks += compare(events).forkedHeights;
    }
    expect(forks).toBeGreaterThan(5);
  });

  it.each(['stopped', 'partitioned'])('%s: the lines of `down` alone change no count', (name) => {
    const events = RUNS[name]!('down');
    const first = events.findIndex((event) => event.kind === 'stop');
    const end = events.slice(first).filter((e) => e.kind === 'stop' || e.kind === 'process');
    const counts = (log: readonly LogEvent[]) => {
      const figures = newFigures();
      for (const event of log) figures.apply(event);
      const { blocks, stale, miners, heights, forkedHeights } = figures.read().whole;
      return { blocks, stale, miners, heights, forkedHeights };
    };
    const before = events.slice(0, first);
    expect(before.length).toBeGreaterThan(300);
    expect(counts([...before, ...end])).toEqual(counts(before));
  });
});

describe('the finds of a strategy', () => {
  it.each(['selfish', 'double spend'])(
    '%s: every block of its hidden node is in the log as its node’s',
    (name) => {
      const events = RUNS[name]!('finds');
      const hidden = events.filter((event) => event.kind === 'mined' && event.hidden === true);
      expect(hidden.length).toBeGreaterThan(10);
      expect(hidden.every((event) => event.node === 'C')).toBe(true);
      const figures = newFigures();
      for (const event of events) figures.apply(event);
      const { whole, epochs } = figures.read();
      const mined = events.filter((event) => event.kind === 'mined' && event.node === 'C').length;
      expect(whole.miners.find(({ miner }) => miner === 'C')?.blocks).toBe(mined);
      const attack = epochs.find((epoch) => epoch.because.startsWith('C plays'))!;
      expect(attack.shape.kind).toBe('other');
      // 7 of 15 parts of the power: what it found must be within 3.3 standard errors of its share.
      const share = hidden.length / attack.blocks;
      expect(Math.abs(share - 7 / 15)).toBeLessThan(3.3 * Math.sqrt(((7 / 15) * (8 / 15)) / attack.blocks));
    },
  );
});
