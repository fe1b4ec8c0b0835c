import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import type { Figures } from '../../src/observe/figures/tally.ts';
import { LogWriter } from './log-writer.ts';

/** One thing that happens: after `wait` ms, node `n` finds a block on, or moves to, one of the blocks so far. */
const happening = fc.record({
  wait: fc.nat(4),
  node: fc.nat(3),
  what: fc.constantFrom('mine', 'find', 'move', 'move', 'down', 'up'),
  pick: fc.nat(1_000),
});

interface Scene {
  readonly log: LogWriter;
  readonly parents: Map<string, string>;
}

/** Any log that could be written, sensible or not: the definitions hold for all of them. */
function play(steps: readonly { wait: number; node: number; what: string; pick: number }[]): Scene {
  const log = new LogWriter().at(0).start('ABCD');
  const parents = new Map<string, string>([['g', '']]);
  const names = ['g'];
  const down = new Set<string>();
  const tips = new Map<string, string>([...'ABCD'].map((n) => [n, 'g']));
  for (const { wait, node: index, what, pick } of steps) {
    const node = 'ABCD'[index]!;
    log.at(log.t + wait);
    const block = names[names.length - 1 - (pick % Math.min(names.length, 6))]!;
    if (what === 'up' && down.delete(node)) log.start(node, tips.get(node));
    else if (down.has(node)) continue;
    else if (what === 'down') {
      down.add(node);
      log.tell('', { kind: 'process', what: 'killed', of: node, code: null, signal: 'SIGKILL' });
    } else if (what === 'move') {
      if (block === tips.get(node)) continue;
      log.tip(node, block);
      tips.set(node, block);
    } else {
      const name = `n${names.length}`;
      parents.set(name, block);
      names.push(name);
      log.find(node, name, block);
      if (what === 'mine') {
        log.tip(node, name);
        tips.set(node, name);
      }
    }
  }
  return { log: log.at(log.t + 3).tell('', { kind: 'action', text: 'the end' }), parents };
}

/** The same from the definitions alone: millisecond by millisecond, chains as lists, every pair. */
function byGrid({ log, parents }: Scene) {
  const chain = (name: string): string[] => (name === '' ? [] : [...chain(parents.get(name)!), name]);
  const names = new Map([...parents.keys()].map((name) => [log.id(name), name]));
  const tips = new Map<string, string>();
  const found = new Map<string, string>();
  /** Last tips of nodes that are down, while no node that is up has more work. */
  const left = new Map<string, string>();
  const ever = new Set<string>(chain('g'));
  const reorgs = new Map<number, number>();
  const windows: number[] = [];
  let window = 0;
  let at = 0;
  const pairMs: number[] = [];
  const anyMs: number[] = [];
  let agree = 0;
  let lag = 0;
  let compared = 0;
  const depth = (a: string, b: string) => {
    const [x, y] = [chain(a), chain(b)];
    let common = 0;
    while (common < x.length && common < y.length && x[common] === y[common]) common++;
    return Math.min(x.length, y.length) - common;
  };
  const apply = (event: LogEvent) => {
    if (event.kind === 'start') {
      tips.set(event.node, names.get(event.id)!);
      left.delete(event.node);
    }
    if (event.kind === 'process') {
      left.set(event.of, tips.get(event.of)!);
      tips.delete(event.of);
    }
    if (event.kind === 'mined') found.set(names.get(event.id)!, event.node);
    if (event.kind === 'tip') {
      const [from, to] = [tips.get(event.node)!, names.get(event.id)!];
      const out = chain(from).filter((name) => !chain(to).includes(name)).length;
      if (out > 0) reorgs.set(out, (reorgs.get(out) ?? 0) + 1);
      tips.set(event.node, to);
    }
    const most = Math.max(0, ...[...tips.values()].map((tip) => chain(tip).length));
    if (event.kind === 'tip' || event.kind === 'start')
      for (const [node, tip] of left) if (chain(tip).length < most) left.delete(node);
    for (const tip of tips.values()) for (const name of chain(tip)) ever.add(name);
  };
  const most = () => {
    const all = [...tips.values()];
    return Math.max(0, ...all.flatMap((a, i) => all.slice(i + 1).map((b) => depth(a, b))));
  };
  let deepest = 0;
  let inWindow = false;
  for (const [i, event] of log.events.entries()) {
    for (; at < event.t; at++) {
      const all = [...tips.values()];
      if (all.length < 2) continue;
      compared++;
      const pairs = all.flatMap((a, j) => all.slice(j + 1).map((b) => depth(a, b)));
      if (new Set(all).size === 1) agree++;
      else if (pairs.every((m) => m === 0)) lag++;
      for (let k = 0; k < Math.max(...pairs); k++) {
        pairMs[k] = (pairMs[k] ?? 0) + pairs.filter((m) => m > k).length / pairs.length;
        anyMs[k] = (anyMs[k] ?? 0) + 1;
      }
      if (inWindow) window++;
    }
    apply(event);
    if (!['start', 'tip', 'process'].includes(event.kind)) continue;
    deepest = Math.max(deepest, most());
    if (most() > 0) inWindow = true;
    else if (inWindow) {
      windows.push(window);
      window = 0;
      inWindow = false;
    }
    void i;
  }
  const last = new Map([...left, ...tips]);
  const held = new Set([...last.values()].flatMap(chain));
  const top = Math.max(0, ...[...last.values()].map((tip) => chain(tip).length - 1));
  // Found, and its finder has not come to its line of the new tip yet.
  const isPending = (name: string) => last.get(found.get(name)!) === parents.get(name);
  const isLost = (name: string) => ever.has(name) || (chain(name).length - 1 <= top && !isPending(name));
  const stale = [...found.keys()].filter((name) => !held.has(name) && isLost(name)).length;
  const heights = new Map<number, number>();
  for (const b of found.keys()) heights.set(chain(b).length, (heights.get(chain(b).length) ?? 0) + 1);
  return {
    pairMs,
    anyMs,
    agree,
    lag,
    compared,
    windows,
    reorgs,
    deepest,
    stale,
    heights,
    blocks: found.size,
  };
}

function compare(figures: Figures, scene: Scene): void {
  const grid = byGrid(scene);
  expect(figures.comparedMs).toBeCloseTo(grid.compared, 6);
  expect(figures.agreeMs).toBeCloseTo(grid.agree, 6);
  expect(figures.lagMs).toBeCloseTo(grid.lag, 6);
  for (const { k, d, a } of figures.depths) {
    expect(d * grid.compared).toBeCloseTo(grid.pairMs[k] ?? 0, 6);
    expect(a * grid.compared).toBeCloseTo(grid.anyMs[k] ?? 0, 6);
  }
  expect(figures.deepestConflict).toBe(grid.deepest);
  expect(figures.reorgs.map(({ depth, count }) => [depth, count])).toEqual(
    [...grid.reorgs].sort((a, b) => a[0] - b[0]),
  );
  expect(figures.windows.n).toBe(grid.windows.length);
  expect(figures.windows.mean * figures.windows.n).toBeCloseTo(
    grid.windows.reduce((a, b) => a + b, 0),
    6,
  );
  expect(figures.windows.max).toBeCloseTo(Math.max(0, ...grid.windows), 6);
  expect([figures.blocks, figures.heights]).toEqual([grid.blocks, grid.heights.size]);
  expect(figures.forkedHeights).toBe([...grid.heights.values()].filter((n) => n > 1).length);
  expect(figures.stale).toBe(grid.stale);
}

describe('any log', () => {
  it('gives what the definitions give on a grid of milliseconds', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (steps) => {
        const scene = play(steps);
        const figures = newFigures();
        for (const event of scene.log.events) figures.apply(event);
        compare(figures.read().whole, scene);
      }),
      { seed: 20_261, numRuns: 300 },
    );
  });

  it('gives figures of epochs that add up to those of the whole run', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (steps) => {
        const figures = newFigures({ settleMs: 0 });
        for (const event of play(steps).log.events) figures.apply(event);
        const { whole, epochs } = figures.read();
        const sum = (of: (f: Figures) => number) => epochs.reduce((total, epoch) => total + of(epoch), 0);
        for (const of of [
          (f: Figures) => f.blocks,
          (f: Figures) => f.stale,
          (f: Figures) => f.heights,
          (f: Figures) => f.forkedHeights,
          (f: Figures) => f.conflictMs,
          (f: Figures) => f.lagMs,
          (f: Figures) => f.tip.n,
          (f: Figures) => f.reorgs.reduce((n, { count }) => n + count, 0),
        ]) {
          expect(sum(of)).toBeCloseTo(of(whole), 6);
        }
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('is read in between without a trace', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (steps) => {
        const { log } = play(steps);
        const once = newFigures();
        const often = newFigures();
        for (const event of log.events) {
          once.apply(event);
          often.apply(event);
          often.read(event.t);
        }
        expect(often.read()).toEqual(once.read());
      }),
      { seed: 11, numRuns: 50 },
    );
  });
});
