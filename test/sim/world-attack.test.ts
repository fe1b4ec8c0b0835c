import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import {
  doubleSpend,
  honest,
  type Play,
  playOf,
  STRATEGIES,
  selfish,
} from '../../src/sim/strategy/shipped.ts';
import { WorldAttack } from '../../src/sim/strategy/world-attack.ts';
import { rateFor } from '../../src/sim/world/params.ts';
import { World } from '../../src/sim/world/world.ts';
import { labNetwork } from './rig.ts';

const INTERVAL_MS = 20_000;

/** An attacker C among two honest miners; delays are a ten-thousandth of the interval. */
function besieged(play: Play, alpha: number, seed: number): { world: World; attack: WorldAttack } {
  const params = labNetwork(INTERVAL_MS);
  const world = new World({ params, seed, link: { delayMs: 2 }, keepBodies: 500 });
  const rate = (share: number) => rateFor(params, share, INTERVAL_MS);
  world.add('A', { hashrate: rate((1 - alpha) / 2) });
  world.add('B', { hashrate: rate((1 - alpha) / 2) });
  world.add('C', { hashrate: rate(alpha) });
  world.connectAll();
  world.run(1_000);
  return { world, attack: new WorldAttack(world, 'C', play) };
}

/** Share of the main chain that carries C's tag. */
function revenue(world: World): { blocks: number; share: number } {
  const { chain } = world.node('A').view;
  let mine = 0;
  for (let h = 1; h <= chain.tip.height; h++) if (chain.atHeight(h)!.miner === 'C') mine++;
  return { blocks: chain.tip.height, share: mine / chain.tip.height };
}

describe('a strategy on whole nodes', () => {
  it('selfish: C earns what Eyal and Sirer derive, and nobody sees a block before it is shown', () => {
    const { world, attack } = besieged({ strategy: selfish }, 0.4, 11);
    const known = new Set<string>();
    world.onEvent((event) => {
      expect(event.node).not.toContain('lair');
      if (event.kind === 'block' && event.miner === 'C') known.add(event.id);
    });
    world.run(1_200 * INTERVAL_MS);
    const { blocks, share } = revenue(world);
    expect(blocks).toBeGreaterThan(600);
    // Power 0.4, nobody on its side of a tie; the standard error is 1.08/√blocks (strategy.test.ts).
    expect(Math.abs(share - 0.4837)).toBeLessThan((3.3 * 1.08) / Math.sqrt(blocks));
    expect(known.size).toBe(attack.shown);
    // All but the lead of the moment: selfish mining shows every block in the end, if only to lose a race.
    expect(attack.found - attack.shown).toBeLessThan(10);
    expect(attack.found).toBeGreaterThanOrEqual(attack.shown);
    expect(world.agreed() || world.until(() => world.agreed(), 10 * INTERVAL_MS)).toBe(true);
  });

  it('honest: C earns its share, as if it mined itself', () => {
    const { world } = besieged({ strategy: honest }, 0.4, 12);
    world.run(300 * INTERVAL_MS);
    const { blocks, share } = revenue(world);
    expect(Math.abs(share - 0.4)).toBeLessThan(3.3 * Math.sqrt(0.24 / blocks));
  });

  it('double spend: the public chain is undone by a longer secret one, all at once', () => {
    const { world } = besieged({ strategy: doubleSpend({ confirmations: 3, giveUpAt: 8 }) }, 0.45, 13);
    const reorgs: LogEvent[] = [];
    world.onEvent((event) => {
      if (event.kind === 'reorg' && event.node === 'A') reorgs.push(event);
    });
    world.until(() => reorgs.some((event) => event.kind === 'reorg' && event.depth >= 3), 500 * INTERVAL_MS);
    const deep = reorgs.find((event) => event.kind === 'reorg' && event.depth >= 3);
    expect(deep).toBeDefined();
    if (deep?.kind !== 'reorg') return;
    expect(deep.length).toBeGreaterThan(deep.depth);
    expect(deep.in.every((block) => block.miner === 'C')).toBe(true);
  });

  it('double spend: the payment to the merchant is confirmed, and then its coin is spent otherwise', () => {
    const play = playOf(STRATEGIES['double-spend']!, { confirmations: 2 });
    const { world } = besieged(play, 0.6, 16);
    const lost: LogEvent[] = [];
    world.onEvent((event) => {
      if (event.kind === 'tx-lost' && event.node === 'A') lost.push(event);
    });
    world.until(() => lost.length > 0, 500 * INTERVAL_MS);
    world.run(1_000);
    const [first] = play.paid!.attempts;
    expect(first).toMatchObject({ outcome: 'undone' });
    expect(first!.confirmations).toBeGreaterThanOrEqual(2);
    expect(lost[0]).toMatchObject({ txid: first!.payment, by: first!.conflict });
    // The next race begins with another payment.
    expect(play.paid!.attempts.length).toBeGreaterThan(1);
  });

  it('double spend: who is given up on keeps his money', () => {
    const play = playOf(STRATEGIES['double-spend']!);
    const { world, attack } = besieged(play, 0.05, 17);
    world.until(() => play.paid!.attempts.length > 1, 100 * INTERVAL_MS);
    const [first] = play.paid!.attempts;
    expect(first).toMatchObject({ outcome: 'kept' });
    expect(first!.confirmations).toBeGreaterThanOrEqual(6);
    attack.stop();
    expect(play.paid!.attempts.every(({ outcome }) => outcome === 'kept')).toBe(true);
  });

  it('ends when told: C mines in the open again', () => {
    const { world, attack } = besieged({ strategy: selfish }, 0.5, 14);
    world.run(50 * INTERVAL_MS);
    attack.stop();
    const height = world.node('A').tip.height;
    world.run(50 * INTERVAL_MS);
    expect(attack.lair.up).toBe(false);
    expect(world.node('C').view.mining.mined).toBeGreaterThan(10);
    expect(world.node('A').tip.height).toBeGreaterThan(height + 30);
  });

  it('is the same run for the same seed', () => {
    const tips = [1, 2].map(() => {
      const { world } = besieged({ strategy: selfish }, 0.3, 15);
      world.run(60 * INTERVAL_MS);
      return world.node('B').tip.id;
    });
    expect(tips[0]).toBe(tips[1]);
  });
});
