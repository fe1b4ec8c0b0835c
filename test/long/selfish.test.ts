import { expect, it } from 'vitest';
import { selfish } from '../../src/sim/strategy/shipped.ts';
import { WorldAttack } from '../../src/sim/strategy/world-attack.ts';
import { rateFor, simParams } from '../../src/sim/world/params.ts';
import { World } from '../../src/sim/world/world.ts';
import { templates } from '../dsl/networks.ts';

const INTERVAL_MS = 20_000;

/** Power, and what Eyal and Sirer derive for gamma = 0; the constant of the standard error c/√blocks (200 runs each). */
it.each([
  [0.25, 0.1951, 0.55, 21],
  [1 / 3, 1 / 3, 0.81, 22],
  [0.4, 0.4837, 1.08, 23],
])(
  'whole nodes, 8,000 blocks: a selfish miner of power %d earns %d',
  { timeout: 300_000 },
  (alpha, revenue, c, seed) => {
    const params = simParams(templates().get('lab')!, { intervalMs: INTERVAL_MS });
    const world = new World({ params, seed, link: { delayMs: 2 }, keepBodies: 500 });
    const rate = (share: number) => rateFor(params, share, INTERVAL_MS);
    world.add('A', { hashrate: rate((1 - alpha) / 2) });
    world.add('B', { hashrate: rate((1 - alpha) / 2) });
    world.add('C', { hashrate: rate(alpha) });
    world.connectAll();
    world.run(1_000);
    new WorldAttack(world, 'C', { strategy: selfish });
    world.run(8_000 * INTERVAL_MS);
    const { chain } = world.node('A').view;
    let own = 0;
    for (let height = 1; height <= chain.tip.height; height++)
      if (chain.atHeight(height)!.miner === 'C') own++;
    const share = own / chain.tip.height;
    expect(Math.abs(share - revenue)).toBeLessThan((3.3 * c) / Math.sqrt(chain.tip.height));
  },
);
