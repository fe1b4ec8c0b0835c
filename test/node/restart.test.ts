import { describe, expect, it } from 'vitest';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { hashOfId, toHex } from '../../src/util/bytes.ts';
import { type CrashPoint, Net, type TestNode } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';

/**
 * B mines, pays, is cut off with C, reorganises away from its own branch, and crashes at one chosen batch on the way.
 *
 *   A        1 ─ 2 ─ 3 ─ a4 ─ a5 ─ a6 ─ 7
 *   B, C              └─ b4 ─ b5
 */
function life(crash: CrashPoint | undefined): {
  net: Net;
  promised: { blocks: Set<string>; txs: Map<string, Tx> };
} {
  const net = new Net({ delayMs: 5, ...(crash === undefined ? {} : { crash: { B: crash } }) });
  const [, b] = net.add('A', 'B', 'C');
  const promised = { blocks: new Set<string>(), txs: new Map<string, Tx>() };
  const mineB = (): void => {
    if (b!.tryMine()) net.run(250);
    for (const { id } of b!.told('mined')) promised.blocks.add(id);
  };
  const sendB = (tx: Tx): void => {
    const ticket = b!.ask({ kind: 'send-tx', bytes: tx.bytes });
    if (b!.answer(ticket)?.kind === 'tx') promised.txs.set(tx.id, tx);
    net.run(20);
  };
  net.connectAll();
  net.run(50);
  net.mine('A', 2);
  mineB();
  const first = pay([genesisCoin(net.params, 'alice')], 'bob', 500_000_000);
  sendB(first);
  net.run(1_500);
  net.partition(['A'], ['B', 'C']);
  const twice = genesisCoin(net.params, 'carol');
  net.node('A').send(pay([twice], 'dave', 100_000_000));
  sendB(pay([twice], 'erin', 100_000_000));
  mineB();
  sendB(pay([outputOf(first, 0, 'bob')], 'frank', 400_000_000));
  mineB();
  net.mine('A', 3);
  net.run(3_000);
  net.connectAll();
  net.run(5_000);
  net.mine('A');
  net.untilAgreed(['A', 'B', 'C']);
  net.run(1_000);
  return { net, promised };
}

function coinsOf(node: TestNode): string[] {
  return node.store
    .rows()
    .filter(({ key }) => key[0] === PREFIX.coin)
    .map(({ key, value }) => toHex(key) + toHex(value));
}

describe('restart', () => {
  const plain = life(undefined);
  const batches = plain.net.node('B').batches;

  it('the life without a crash is rich enough', () => {
    expect(batches).toBeGreaterThan(15);
    expect(plain.net.node('B').told('reorg')).toHaveLength(1);
    expect(plain.net.node('B').told('tx-lost')).toHaveLength(1);
    expect(plain.promised.txs.size).toBe(3);
    expect(plain.promised.blocks.size).toBe(3);
  });

  for (const when of ['before commit', 'after commit'] as const) {
    it('a crash ' + when + ' of any batch ends in agreement, with nothing promised lost', () => {
      for (let batch = 1; batch <= batches; batch++) {
        const { net, promised } = life({ batch, when });
        const b = net.node('B');
        expect(b.crashes).toBe(1);
        expect(coinsOf(b)).toEqual(coinsOf(net.node('A')));
        // Whatever B told the world that it mined, it still has.
        for (const id of promised.blocks) expect(b.node.view.chain.entry(hashOfId(id)!)?.hasBody).toBe(true);
        // A payment that B confirmed to a caller is in the chain, or waits, or another one took its coin.
        const waiting = new Set([...b.node.view.mempool.entries()].map(({ tx }) => tx.id));
        const { chain } = net.node('A').node.view;
        for (const [id, tx] of promised.txs) {
          const kept = waiting.has(id) || chainHas(chain, id) || coinsTaken(tx, b);
          expect([batch, id, kept]).toEqual([batch, id, true]);
        }
      }
    });
  }

  it('a crash while the mempool follows a long reorg in pieces forgets no payment of the undone blocks', () => {
    // As with large blocks: one transaction a step.
    const limits = { settleBytesAtOnce: 0, settleWeightPerStep: 1 };
    const alone = (crash: CrashPoint | undefined): { b: TestNode; paid: string[]; from: number } => {
      const net = new Net({ delayMs: 5, limits, ...(crash === undefined ? {} : { crash: { B: crash } }) });
      const [, b] = net.add('A', 'B');
      // Nobody but B knows these payments: B alone can bring them back.
      const paid = (['alice', 'bob', 'carol'] as const).map((name) => {
        const tx = pay([genesisCoin(net.params, name)], 'dave', 100_000_000);
        b!.send(tx);
        if (b!.tryMine()) net.run(250);
        return tx.id;
      });
      net.mine('A', 4);
      const from = b!.batches + 1;
      net.connectAll();
      net.untilAgreed();
      net.run(2_000);
      return { b: b!, paid, from };
    };
    const { b: untroubled, from } = alone(undefined);
    for (let batch = from; batch <= untroubled.batches; batch++) {
      const { b, paid } = alone({ batch, when: 'after commit' });
      const waiting = [...b.node.view.mempool.entries()].map(({ tx }) => tx.id);
      expect([batch, waiting.sort(byText)]).toEqual([batch, paid.sort(byText)]);
      expect(b.store.rows(PREFIX.returning)).toEqual([]);
    }
  });

  it('a node on its own keeps its mempool over a restart, a conflict and a child included', () => {
    const net = new Net();
    const [node] = net.add('A');
    const first = pay([genesisCoin(net.params, 'alice')], 'bob', 1_000_000, 1_000);
    const better = pay([genesisCoin(net.params, 'alice')], 'carol', 1_000_000, 9_000);
    const child = pay([outputOf(better, 0, 'carol')], 'dave', 900_000, 1_000);
    for (const tx of [first, better, child]) expect(node!.send(tx).kind).toBe('tx');
    node!.restart();
    // Nothing enters before the clock is known; then it passes admission like any other.
    net.run(10);
    expect([...node!.node.view.mempool.entries()].map(({ tx }) => tx.id)).toEqual([better.id, child.id]);
    net.mine('A');
    node!.restart();
    net.run(10);
    expect(node!.node.view.mempool.size).toBe(0);
    expect(node!.store.rows(PREFIX.mempool)).toEqual([]);
  });

  it('reopening after every batch gives the same tip, and another reopening changes nothing', () => {
    const net = new Net({ delayMs: 5 });
    const [a, b] = net.add('A', 'B');
    net.connect('A', 'B');
    net.run(50);
    for (let i = 0; i < 6; i++) {
      net.mine('A');
      b!.send(pay([genesisCoin(net.params, 'bob', i % 5)], 'carol', 1_000_000 + i));
      net.run(1_200);
      const [tip, pool] = [b!.tip.id, [...b!.node.view.mempool.entries()].map(({ tx }) => tx.id)];
      const rows = b!.store.rows().map(({ key, value }) => toHex(key) + toHex(value));
      b!.restart();
      expect(b!.tip.id).toBe(tip);
      net.run(2_000);
      expect([...b!.node.view.mempool.entries()].map(({ tx }) => tx.id)).toEqual(pool);
      expect(b!.store.rows().map(({ key, value }) => toHex(key) + toHex(value))).toEqual(rows);
    }
    net.untilAgreed();
    expect(a!.tip.height).toBe(6);
  });
});

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** No input of it is a coin that anybody could still spend: another payment came first. */
function coinsTaken(tx: Tx, { node }: TestNode): boolean {
  return tx.inputs.every(({ prevout }) => node.view.chain.coin(prevout) === undefined);
}

function chainHas(chain: TestNode['node']['view']['chain'], txid: string): boolean {
  for (let height = 1; height <= chain.tip.height; height++) {
    const block = chain.block(chain.atHeight(height)!);
    if (block?.txs.some((tx) => tx.id === txid)) return true;
  }
  return false;
}
