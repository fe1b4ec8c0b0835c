import { describe, expect, it } from 'vitest';
import { idOf } from '../../src/util/bytes.ts';
import { Net } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';

/**
 *   AB   g ─ 1 ─ 2 ─ a3 ─ a4 ─ a5
 *   CD           └── c3 ─ c4
 */
function cut(delayMs = 10): Net {
  const net = new Net({ delayMs });
  net.add('A', 'B', 'C', 'D');
  net.connectAll();
  net.run(100);
  net.mine('A', 2);
  net.untilAgreed();
  net.partition(['A', 'B'], ['C', 'D']);
  return net;
}

describe('a partition', () => {
  it('heals: two branches, one reorg, three fates of a payment', () => {
    const net = cut();
    const coin = genesisCoin(net.params, 'alice');
    const toCarol = pay([coin], 'carol', 1_000_000_000);
    const toDave = pay([coin], 'dave', 1_000_000_000);
    const onward = pay([outputOf(toDave, 0, 'dave')], 'grace', 900_000_000);
    const toFrank = pay([genesisCoin(net.params, 'erin')], 'frank', 300_000_000);
    net.node('A').send(toCarol);
    net.node('D').send(toDave);
    net.node('D').send(onward);
    net.node('D').send(toFrank);
    net.run(100);
    net.mine('A');
    net.mine('C');
    net.mine('B', 2);
    net.mine('D');
    expect(net.agreed(['A', 'B'])).toBe(true);
    expect(net.agreed(['C', 'D'])).toBe(true);
    const [winner, loser] = [net.node('A').tip, net.node('C').tip];
    expect([winner.height, loser.height]).toEqual([5, 4]);

    net.connectAll();
    expect(net.untilAgreed()).toBeLessThan(1_000);
    net.run(500);
    for (const name of ['C', 'D']) {
      const node = net.node(name);
      const [reorg] = node.told('reorg');
      expect(node.told('reorg')).toHaveLength(1);
      expect(reorg).toMatchObject({ depth: 2, length: 3, fork: { height: 2, miner: 'A' }, because: 'work' });
      expect(reorg!.out.map(({ height, miner }) => height + miner)).toEqual(['4D', '3C']);
      expect(reorg!.in.map(({ height, miner }) => height + miner)).toEqual(['3A', '4B', '5B']);
      expect(node.told('tx-returned').map(({ txid }) => txid)).toEqual([toFrank.id]);
      const taker = { by: toCarol.id, block: reorg!.in[0]!.id };
      expect(node.told('tx-lost')).toEqual([
        { kind: 'tx-lost', txid: toDave.id, ...taker },
        { kind: 'tx-lost', txid: onward.id, ...taker },
      ]);
      expect(node.told('disconnected').map(({ height }) => height)).toEqual([4, 3]);
      const tip = node.told('tip').at(-1)!;
      expect(tip).toMatchObject({ id: winner.id, old: loser.id, because: 'work' });
      expect(node.node.view.chain.coin(coin.outpoint)).toBeUndefined();
      expect(node.node.view.chain.coin({ txid: toCarol.txid, index: 0 })?.value).toBe(1_000_000_000);
      expect(node.node.view.chain.coin({ txid: toDave.txid, index: 0 })).toBeUndefined();
    }
    for (const name of ['A', 'B']) {
      const node = net.node(name);
      expect(node.told('reorg')).toEqual([]);
      // The winners know the other branch too: it is near, and people want to see it.
      const side = node.node.view.chain.tips().find(({ entry }) => entry.id === loser.id);
      expect(side).toMatchObject({ status: 'valid-headers', branchLength: 2 });
      // What came back on the other side is shared, and can be mined here.
      expect([...node.node.view.mempool.entries()].map(({ tx }) => tx.id)).toEqual([toFrank.id]);
    }
    net.mine('A');
    net.untilAgreed();
    for (const { node } of net.nodes.values()) {
      expect(node.view.mempool.size).toBe(0);
      expect(node.view.chain.coin({ txid: toFrank.txid, index: 0 })?.value).toBe(300_000_000);
    }
  });

  it('ends in a tie: each side keeps the branch that it saw first, until one more block decides', () => {
    const net = cut();
    net.mine('A', 2);
    net.mine('C', 2);
    net.connectAll();
    net.run(3_000);
    expect(net.agreed()).toBe(false);
    expect(new Set([...net.nodes.values()].map(({ tip }) => tip.height))).toEqual(new Set([4]));
    for (const { node } of net.nodes.values()) expect(node.view.chain.tips()).toHaveLength(2);
    net.mine('D');
    net.untilAgreed();
    expect(net.node('A').tip.miner).toBe('D');
    expect(net.node('A').told('reorg')).toHaveLength(1);
    expect(net.node('C').told('reorg')).toHaveLength(0);
  });

  it('of any length and depth: 200 blocks against 150', { timeout: 60_000 }, () => {
    const net = cut();
    net.mine('A', 200);
    net.mine('C', 150);
    net.connect('B', 'C');
    const took = net.untilAgreed();
    expect(took).toBeLessThan(1_000);
    expect(net.node('D').told('reorg').at(-1)).toMatchObject({ depth: 150, length: 200 });
    expect(net.node('D').told('reorg').at(-1)!.out).toHaveLength(64);
  });

  it('payments made on one side only wait in the mempools of both after it', () => {
    const net = cut();
    const one = pay([genesisCoin(net.params, 'heidi')], 'ivan', 1_000_000);
    const child = pay([outputOf(one, 0, 'ivan')], 'judy', 900_000);
    const other = pay([genesisCoin(net.params, 'grace')], 'ivan', 1_000_000);
    net.node('A').send(one);
    net.node('B').send(child);
    net.run(100);
    net.node('B').send(child);
    net.node('C').send(other);
    net.run(100);
    net.connect('B', 'C');
    net.run(3_000);
    for (const { node } of net.nodes.values()) {
      const ids = [...node.view.mempool.entries()].map(({ tx }) => idOf(tx.txid)).sort();
      expect(ids).toEqual([one.id, child.id, other.id].sort());
    }
  });
});
