import { describe, expect, it } from 'vitest';
import { Net } from './net.ts';
import { genesisCoin, pay } from './pay.ts';

function three(gossip: boolean): Net {
  const net = new Net({ gossip });
  net.add('A', 'B', 'C');
  return net;
}

describe('agreement', () => {
  it('three nodes, each with all others: blocks and payments reach everybody by gossip', () => {
    const net = three(true);
    net.connectAll();
    net.run(100);
    for (const name of ['A', 'B', 'C', 'A', 'C']) net.mine(name);
    expect(net.untilAgreed()).toBe(0);
    expect(net.node('B').tip.height).toBe(5);
    const tx = pay([genesisCoin(net.params, 'alice')], 'bob', 500_000_000);
    const sent = net.node('C').send(tx);
    expect(sent).toMatchObject({ kind: 'tx', txid: tx.id, known: false, fee: 10_000 });
    net.until('the payment is everywhere', () =>
      [...net.nodes.values()].every(({ node }) => node.view.mempool.size === 1),
    );
    net.mine('A');
    for (const { node, news } of net.nodes.values()) {
      expect(node.view.mempool.size).toBe(0);
      expect(node.view.chain.coin({ txid: tx.txid, index: 0 })?.value).toBe(500_000_000);
      expect(news.findLast((item) => item.kind === 'connected')).toMatchObject({
        height: 6,
        miner: 'A',
        txids: [expect.anything(), tx.id],
      });
    }
    expect(net.node('A').verdicts.map(({ verdict }) => verdict)).not.toContain('reject');
  });

  it('a line of three without gossip: A ── B ── C', () => {
    const net = three(false);
    net.connect('A', 'B');
    net.connect('B', 'C');
    net.run(100);
    net.mine('A', 3, 10);
    // Announced, waited for, asked for, and told on: two hops.
    expect(net.untilAgreed()).toBeLessThan(2_000);
    net.mine('C', 2, 10);
    expect(net.untilAgreed()).toBeLessThan(2_000);
    expect(net.node('A').tip.height).toBe(5);
    net.node('C').send(pay([genesisCoin(net.params, 'dave')], 'erin', 1_000_000));
    net.until('the payment reaches A', () => net.node('A').node.view.mempool.size === 1);
  });

  it('a lost announcement is repaired by the tip probe', () => {
    const net = three(false);
    net.connect('A', 'B');
    net.run(100);
    net.lossy = true;
    net.mine('A', 2);
    net.lossy = false;
    expect(net.agreed(['A', 'B'])).toBe(false);
    const took = net.untilAgreed(['A', 'B']);
    expect(took).toBeGreaterThan(1_000);
    // One probe each 30 ± 10 s, from either side.
    expect(took).toBeLessThan(45_000);
  });

  it('blocks too large for gossip are announced by header and pulled', () => {
    const net = new Net({ limits: { maxGossipBytes: 200 } });
    net.add('A', 'B', 'C');
    net.connect('A', 'B');
    net.connect('B', 'C');
    net.run(100);
    net.mine('A', 2, 0);
    // No grace for gossip: link delays and nothing else.
    expect(net.untilAgreed()).toBeLessThan(200);
    expect(net.node('B').verdicts).toEqual([]);
  });

  it('nobody is told twice of the same tip, and gossip alone does it when it works', () => {
    const net = three(true);
    net.connectAll();
    net.run(100);
    const tips = new Map<string, number>();
    for (const name of ['A', 'B', 'C']) {
      net.node(name).watch = (_, step) => {
        for (const effect of step.effects) {
          if (effect.kind !== 'send' || effect.bytes[0] !== 9) continue;
          tips.set(name + '→' + effect.peer, (tips.get(name + '→' + effect.peer) ?? 0) + 1);
        }
      };
    }
    net.mine('A', 1, 1_000);
    // B and C took it from gossip and accepted it; only A, who mined it, says it to both.
    expect([...tips.entries()].sort()).toEqual([
      ['A→B', 1],
      ['A→C', 1],
    ]);
  });
});
