import { describe, expect, it } from 'vitest';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { rateFor } from '../../src/sim/world/params.ts';
import { World } from '../../src/sim/world/world.ts';
import { labNetwork } from '../sim/rig.ts';

/** Two whole nodes, one delay, x = 0.5: long enough for the stale rate to three digits and for memory to show. */
const BLOCKS = 60_000;
const X = 0.5;
const INTERVAL_MS = 2_000;

describe('a long simulated chain of whole nodes', () => {
  it('forks as often as theory says, in bounded memory, and ends in one tip', () => {
    const params = labNetwork(INTERVAL_MS);
    const world = new World({ params, seed: 'long', link: { delayMs: X * INTERVAL_MS }, keepBodies: 1_000 });
    for (const name of ['A', 'B']) world.add(name, { hashrate: rateFor(params, 0.5) });
    world.connectAll();
    let mined = 0;
    world.onEvent((event) => {
      if (event.kind === 'mined') mined++;
    });
    const before = process.memoryUsage().rss;
    while (mined < BLOCKS) world.step();
    const perBlockAndNode = (process.memoryUsage().rss - before) / BLOCKS / 2;
    const [a, b] = [world.node('A'), world.node('B')];
    // Stale share of two equal clusters: x / (2 (1 + x)); the binomial error is conservative.
    const expected = X / (2 * (1 + X));
    const stale = 1 - a.tip.height / mined;
    const error = ((expected * (1 - expected)) / BLOCKS) ** 0.5;
    expect(Math.abs(stale - expected)).toBeLessThan(3.3 * error);
    // 1.4 kB that stay, and what the collector has not yet given back.
    expect(perBlockAndNode).toBeLessThan(6_000);
    expect(a.disk.rows(PREFIX.body).length).toBeLessThan(2_100);
    for (const node of [a, b]) node.mine({ held: true });
    world.run(10_000);
    a.mineOne();
    expect(world.until(() => world.agreed(), 60_000)).toBe(true);
    const coins = (node: typeof a) => node.disk.rows(PREFIX.coin).length;
    expect(coins(b)).toBe(coins(a));
  });
});
