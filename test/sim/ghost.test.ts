import { describe, expect, it } from 'vitest';
import type { Limits } from '../../src/node/limits.ts';
import { rateFor } from '../../src/sim/world/params.ts';
import { World } from '../../src/sim/world/world.ts';
import { labNetwork, settle } from './rig.ts';

const INTERVAL_MS = 400;

/** Six nodes whose links are as long as a block takes: about every second block is beside the chain. */
function busy(seed: number, o: { readonly line: boolean; readonly limits?: Partial<Limits> }): World {
  const { line, ...limits } = o;
  const params = labNetwork(INTERVAL_MS);
  const world = new World({ params, seed, forkChoice: 'ghost', link: { delayMs: 300 }, ...limits });
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  for (const name of names) world.add(name, { hashrate: rateFor(world.params, 1 / 6, INTERVAL_MS) });
  if (line) for (let i = 1; i < names.length; i++) world.connect(names[i - 1]!, names[i]!);
  else world.connectAll();
  return world;
}

/** Ids of all blocks whose bodies a node has. */
function bodies(world: World, name: string): string[] {
  const { chain } = world.node(name).view;
  return [...chain.entries()]
    .filter(({ hasBody }) => hasBody)
    .map(({ id }) => id)
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Cuts it in two for so long, and heals it; all must then have all blocks and agree. */
function cutAndHeal(world: World, forMs: number): void {
  world.run(10_000);
  world.partition([
    ['A', 'B', 'C'],
    ['D', 'E', 'F'],
  ]);
  world.run(forMs);
  const { chain } = world.node('A').view;
  const before = [...chain.entries()].length;
  // Beside the chain: what first-seen nodes would not need.
  expect(before).toBeGreaterThan(chain.tip.height + 10);
  world.heal();
  expect(settle(world)).toBe(true);
  world.run(30_000);
  const all = bodies(world, 'A');
  expect(all.length).toBeGreaterThan(before);
  for (const name of ['B', 'C', 'D', 'E', 'F']) expect(bodies(world, name)).toEqual(all);
}

describe('GHOST over a cut: every node gets every block of the other side, and all agree', () => {
  it.each([1, 2])('all linked with all, seed %d', (seed) => cutAndHeal(busy(seed, { line: false }), 60_000));

  it.each([3, 4])('on a line, seed %d', (seed) => cutAndHeal(busy(seed, { line: true }), 60_000));

  it('after a long one, told in many answers', () => {
    const limits = { maxHeadersPerMessage: 60, ghostBelowFork: 12 };
    const world = busy(5, { line: true, limits });
    cutAndHeal(world, 180_000);
    expect(world.node('A').tip.height).toBeGreaterThan(150);
  });
});
