import { describe, expect, it } from 'vitest';
import { wellKnownScript, wellKnownSecret } from '../../src/consensus/params/genesis.ts';
import type { LostTx } from '../../src/node/mempool/mempool.ts';
import { Pace } from '../../src/util/steps.ts';
import { outputOf, spend } from '../dsl/keys.ts';
import { PoolRig } from './mempool-rig.ts';
import { labParams, Net } from './net.ts';
import { genesisCoin, pay } from './pay.ts';

describe('a reorg whose pool work takes several steps', () => {
  it('saves what it disconnects with the batch that moves the tip: a crash right after loses no payment', () => {
    const params = labParams();
    const net = new Net({ params, limits: { settleBytesAtOnce: 0, settleWeightPerStep: 1 } });
    const [a, b] = net.add('A', 'B');
    const tx = pay([genesisCoin(params, 'alice')], 'judy', 1_000_000);
    expect(a!.send(tx).kind).toBe('tx');
    a!.mineOne();
    net.run(100);
    expect(a!.node.view.mempool.get(tx.txid)).toBeUndefined();
    net.mine('B', 2);
    a!.watch = (_, step) => {
      // The machine stops after the batch with the new tip.
      if (a!.tip.id === b!.tip.id && a!.crash === undefined && step.writes.length > 0)
        a!.crash = { batch: a!.batches + 1, when: 'after commit' };
    };
    net.connect('A', 'B');
    net.untilAgreed();
    net.run(1_000);
    expect(a!.crashes).toBe(1);
    expect(a!.node.view.mempool.get(tx.txid)).toBeDefined();
  });
});

describe('the pool on its way to a new tip, in pieces', () => {
  it('keeps its books when a member that waits for a disconnected parent goes in between', () => {
    const a = new PoolRig();
    const b = new PoolRig({ tag: 'B' });
    const paid = (coin: Parameters<typeof spend>[0][number], value: number) =>
      spend([coin], [{ value, script: wellKnownScript('judy') }]);
    const parent = paid(a.coin('alice'), a.coin('alice').value - 10_000);
    const mid = parent.outputs[0]!.value;
    a.take(parent);
    a.mine();
    const judys = outputOf(parent, 0, wellKnownSecret('judy'));
    const child = paid(judys, mid - 10_000);
    a.take(child);
    b.mine();
    b.mine();
    // The other branch wins; its change is gone through a piece at a time.
    let change = a.changes.at(-1)!;
    a.changed = (it) => {
      change = it;
      return { returned: [], lost: [], removed: [] };
    };
    a.follow(b);
    const lost: LostTx[] = [];
    const steps = a.pool.disconnected(change, a.now, a.wallS, lost, new Pace(1));
    expect(steps.next().done).toBe(false);
    // The child has been found; now it expires.
    a.now += a.limits.mempoolExpiry + 60_000_000;
    expect(a.pool.expire(a.now).map(({ tx }) => tx.id)).toEqual([child.id]);
    while (steps.next().done !== true);
    a.pool.settled(change, a.now);
    expect([a.pool.size, a.pool.bytes, a.pool.usage]).toEqual([0, 0, 0]);
    a.settle();
    expect(a.ids()).toEqual([parent.id]);
    a.check();
  });
});
