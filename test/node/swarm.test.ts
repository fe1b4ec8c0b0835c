import { describe, expect, it } from 'vitest';
import { WELL_KNOWN } from '../../src/consensus/params/genesis.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { toHex } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { Net, type TestNode } from './net.ts';
import { genesisCoin, pay } from './pay.ts';

/**
 * Random lives of five nodes: blocks, conflicting payments, cuts along any line, gossip that breaks down, kills at any moment,
 * gossip on or off. Whatever happened: when messages flow again and mining goes on, all agree, on chain and coins.
 */
function live(seed: number): Net {
  const random = seeded('swarm ' + seed);
  const net = new Net({
    delayMs: 1 + random.below(300),
    gossip: random.below(2) === 0,
    limits: { connectWeightPerStep: 1_500, maxHeadersPerMessage: 7, inFlightPerPeer: 8, downloadWindow: 20 },
  });
  const names = ['A', 'B', 'C', 'D', 'E'];
  net.add(...names);
  net.connectAll();
  for (let i = 0; i < 40; i++) {
    const node = net.node(names[random.below(5)]!);
    switch (random.below(9)) {
      case 0:
      case 1:
      case 2:
        for (let n = random.below(3); n >= 0; n--) net.mine(node.name, 1, random.below(400));
        break;
      case 3:
      case 4: {
        const coin = genesisCoin(net.params, WELL_KNOWN[random.below(3)]!, random.below(5));
        node.ask({ kind: 'send-tx', bytes: pay([coin], 'judy', 1_000_000 + random.below(1_000)).bytes });
        break;
      }
      case 5: {
        const group = names.filter(() => random.below(2) === 0);
        net.partition(
          group,
          names.filter((name) => !group.includes(name)),
        );
        break;
      }
      case 6:
        net.connectAll();
        break;
      case 7:
        node.restart();
        break;
      case 8:
        net.lossyGossip = !net.lossyGossip;
        break;
    }
    net.run(random.below(1_500));
  }
  net.run(2_000);
  net.connectAll();
  net.run(2_000);
  net.mine('A', 2);
  net.untilAgreed(names, 60_000);
  return net;
}

function rowsOf(node: TestNode, prefix: number): string[] {
  return node.store.rows(prefix).map(({ key, value }) => toHex(key) + toHex(value));
}

describe('swarm', () => {
  // More of them by hand: SWARM_SEEDS=1000 npx vitest run --project unit test/node/swarm
  const seeds = Number(process.env['SWARM_SEEDS'] ?? 16);
  for (let seed = 0; seed < seeds; seed++) {
    it('seed ' + seed, () => {
      const net = live(seed);
      const a = net.node('A');
      expect(a.tip.height).toBeGreaterThan(2);
      for (const node of net.nodes.values()) {
        for (const prefix of [PREFIX.coin, PREFIX.height, PREFIX.tx, PREFIX.undo]) {
          expect(rowsOf(node, prefix)).toEqual(rowsOf(a, prefix));
        }
        // Nobody honest was ever taken for an attacker.
        expect(node.drops.filter(({ banMs }) => banMs !== undefined)).toEqual([]);
        for (const { verdict } of node.verdicts) expect(verdict).not.toBe('reject');
      }
    });
  }
});
