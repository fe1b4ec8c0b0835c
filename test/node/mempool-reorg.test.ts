import { describe, expect, it } from 'vitest';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { readSaved } from '../../src/node/mempool/rows.ts';
import { spend } from '../dsl/keys.ts';
import { coinOf, PoolRig, pays, send } from './mempool-rig.ts';

/** Two nodes on one network: what B mines alone, A hears of only when it follows. */
function pair(): { a: PoolRig; b: PoolRig } {
  return { a: new PoolRig({ tag: 'A' }), b: new PoolRig({ tag: 'B' }) };
}

describe('a new block', () => {
  it('takes out what it confirms, and leaves the children', () => {
    const rig = new PoolRig();
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    const child = send([coinOf(parent, 'bob')], 'carol', 1_000);
    const grandchild = send([coinOf(child, 'carol')], 'dave', 1_000);
    for (const tx of [parent, child, grandchild]) rig.take(tx);
    const { change } = rig.mine({ txids: [parent.txid] });
    expect(change).toEqual({ returned: [], lost: [], removed: [] });
    expect(rig.ids()).toEqual([child.id, grandchild.id]);
    expect(rig.pool.get(child.txid)?.ancestorCount).toBe(1);
    expect(rig.pool.get(grandchild.txid)?.ancestorCount).toBe(2);
    rig.check();
  });

  it('takes out what it contradicts, with all descendants, and says who took the coin', () => {
    const { a, b } = pair();
    const lost = send([a.coin('alice')], 'carol', 1_000);
    const child = send([coinOf(lost, 'carol')], 'dave', 1_000);
    for (const tx of [lost, child]) a.take(tx);
    const winner = send([b.coin('alice')], 'dave', 2_000);
    b.take(winner);
    b.mine();
    const { removed } = a.follow(b);
    expect(removed.map((gone) => [gone.entry.tx.id, gone.why, gone.by?.id, gone.block?.id])).toEqual([
      [lost.id, 'conflict', winner.id, b.chain.tip.id],
      [child.id, 'conflict', winner.id, b.chain.tip.id],
    ]);
    expect(a.pool.size).toBe(0);
    a.check();
  });
});

describe('a reorg', () => {
  it('has three fates: kept, returned, lost to the one that took the coin', () => {
    const { a, b } = pair();
    const kept = send([a.coin('alice')], 'bob', 1_000);
    const returned = send([a.coin('bob')], 'carol', 1_000);
    const lost = send([a.coin('carol')], 'dave', 1_000);
    const lostChild = send([coinOf(lost, 'dave')], 'erin', 1_000);
    for (const tx of [kept, returned, lost, lostChild]) a.take(tx);
    a.mine();

    const taker = send([b.coin('carol')], 'judy', 5_000);
    b.take(kept);
    b.take(taker);
    b.mine();
    b.mine();
    a.follow(b);
    expect(a.chain.tip.id).toBe(b.chain.tip.id);
    expect(a.changes.at(-1)?.outEntries.length).toBe(1);
    // Nobody has been judged yet, but all are on disk already: a crash here loses none.
    expect(a.pool.pending).toBe(true);
    expect(a.store.rows(PREFIX.mempool).length).toBe(3);
    const change = a.settle();
    expect(change.returned.map((tx) => tx.id)).toEqual([returned.id]);
    const where = b.chain.atHeight(1)!.id;
    expect(change.lost.map(({ tx, by, block }) => [tx.id, by?.id, block?.id])).toEqual([
      [lost.id, taker.id, where],
      [lostChild.id, taker.id, where],
    ]);
    expect(a.ids()).toEqual([returned.id]);
    a.check();
    a.mine();
    expect(a.chain.txPlace(returned.txid)?.entry).toBe(a.chain.tip);
    expect(a.pool.size).toBe(0);
  });

  it('loses what came back before the block came that took its coin; what was never confirmed only leaves', () => {
    const { a, b } = pair();
    const lost = send([a.coin('carol')], 'dave', 1_000);
    const fresh = send([a.coin('erin')], 'dave', 1_000);
    a.take(lost);
    a.mine();
    for (let i = 0; i < 2; i++) b.mine();
    a.follow(b);
    expect(a.settle().returned.map((tx) => tx.id)).toEqual([lost.id]);
    a.take(fresh);
    const takers = ['carol' as const, 'erin' as const].map((who) => send([b.coin(who)], 'judy', 5_000));
    for (const taker of takers) b.take(taker);
    b.mine();
    const change = a.follow(b);
    expect(change.lost.map(({ tx, by, block }) => [tx.id, by?.id, block?.id])).toEqual([
      [lost.id, takers[0]!.id, b.chain.tip.id],
    ]);
    expect(change.removed.map(({ entry, why }) => [entry.tx.id, why])).toEqual([[fresh.id, 'conflict']]);
    a.check();
  });

  it('remembers it over a restart, while the disk still knows the block that held it', () => {
    const rig = new PoolRig();
    const [tx, other] = [send([rig.coin('carol')], 'dave', 1_000), send([rig.coin('erin')], 'dave', 1_000)];
    for (const one of [tx, other]) rig.take(one);
    const rows = rig.store.rows(PREFIX.mempool);
    expect(rows.length).toBe(2);
    const { block } = rig.mine({ txids: [tx.txid] });
    const height = new Uint8Array(4);
    height[0] = 1;
    const owed = { key: Uint8Array.of(PREFIX.returning, ...block.hash), value: height };
    const o = { maxBytes: 1e6, now: 0, wallS: rig.wallS };
    const { waiting, returning } = readSaved([...rows, owed], () => block, o);
    expect(returning).toEqual([]);
    expect(waiting.map((item) => [item.tx.id, item.undone]).sort()).toEqual(
      [
        [tx.id, true],
        [other.id, false],
      ].sort(),
    );
  });

  it('loses it once, though gossip brought it before its turn to come back', () => {
    for (const isBackFirst of [true, false]) {
      const { a, b } = pair();
      const lost = send([a.coin('carol')], 'dave', 1_000);
      a.take(lost);
      a.mine();
      for (let i = 0; i < 2; i++) b.mine();
      a.follow(b);
      a.take(lost);
      if (isBackFirst) expect(a.settle().returned.map((tx) => tx.id)).toEqual([lost.id]);
      b.take(send([b.coin('carol')], 'judy', 5_000));
      b.mine();
      const [followed, settled] = [a.follow(b), a.settle()];
      expect([...followed.lost, ...settled.lost].map(({ tx }) => tx.id)).toEqual([lost.id]);
      expect([...followed.removed, ...settled.removed]).toEqual([]);
      a.check();
    }
  });

  it('remembers that a payment was confirmed, though another reorg moves it while it waits', () => {
    const { a, b } = pair();
    const c = new PoolRig({ tag: 'C' });
    const parent = send([a.coin('carol')], 'dave', 1_000);
    const child = send([coinOf(parent, 'dave')], 'erin', 1_000);
    a.take(parent);
    a.mine();
    b.follow(a);
    a.take(child);
    a.mine();
    for (let i = 0; i < 2; i++) b.mine();
    a.follow(b);
    expect(a.settle().returned.map((tx) => tx.id)).toEqual([child.id]);
    // This one takes out the parent's block too, so the child leaves the pool and comes back with it.
    for (let i = 0; i < 4; i++) c.mine();
    a.follow(c);
    expect(a.settle().returned.map((tx) => tx.id)).toEqual([parent.id]);
    expect(a.ids()).toEqual([parent.id, child.id]);
    c.take(send([c.coin('carol')], 'judy', 5_000));
    c.mine();
    expect(a.follow(c).lost.map(({ tx }) => tx.id)).toEqual([parent.id, child.id]);
    a.check();
  });

  it('readmits in bounded pieces, parents first, with the members that stood on them', () => {
    const { a, b } = pair();
    let coin = a.coin('alice');
    const chain = [];
    for (let i = 0; i < 10; i++) {
      const tx = send([coin], 'alice', 1_000);
      a.take(tx);
      chain.push(tx);
      coin = coinOf(tx, 'alice');
      if (i === 3 || i === 7) a.mine();
    }
    expect(a.pool.size).toBe(2);
    for (let i = 0; i < 3; i++) b.mine();
    a.follow(b);
    expect(a.pool.size).toBe(0);
    const piece = a.pool.readmit(1, a.now, a.wallS);
    expect(piece.returned.map((tx) => tx.id)).toEqual([chain[0]!.id]);
    expect(a.pool.pending).toBe(true);
    a.commit();
    const rest = a.settle();
    // The last two never left the pool as far as anyone could tell.
    expect(rest.returned.map((tx) => tx.id)).toEqual(chain.slice(1, 8).map((tx) => tx.id));
    expect(rest.lost).toEqual([]);
    expect(a.ids()).toEqual(chain.map((tx) => tx.id));
    a.check();
  });

  it('ends what spends a reward that is gone', () => {
    const { a, b } = pair();
    for (let i = 0; i < 10; i++) a.mine();
    const reward = coinOf(a.chain.block(a.chain.atHeight(1)!)!.txs[0]!, 'judy');
    const spends = send([reward], 'bob', 1_000);
    const child = send([coinOf(spends, 'bob')], 'carol', 1_000);
    a.take(spends);
    a.take(child);
    for (let i = 0; i < 11; i++) b.mine();
    a.follow(b);
    const { lost } = a.settle();
    expect(lost.map(({ tx, by }) => [tx.id, by])).toEqual([
      [spends.id, undefined],
      [child.id, undefined],
    ]);
    a.check();
  });

  it('takes out what is immature or locked on a shorter branch', () => {
    const rig = new PoolRig();
    for (let i = 0; i < 12; i++) rig.mine();
    const reward = coinOf(rig.chain.block(rig.chain.atHeight(2)!)!.txs[0]!, 'judy');
    const young = send([reward], 'bob', 1_000);
    const locked = send([rig.coin('alice')], 'bob', 1_000, { lockTime: 12, sequence: 0xfffffffe });
    const aged = send([rig.coin('bob')], 'bob', 1_000, { sequence: 12 });
    const free = send([rig.coin('carol')], 'bob', 1_000);
    for (const tx of [young, locked, aged, free]) rig.take(tx);
    // invalidateblock leads to a branch with less work: the next block has height 11.
    rig.chain.invalidate(rig.chain.atHeight(11)!);
    rig.connect();
    const { lost, returned } = rig.settle();
    expect(rig.chain.tip.height).toBe(10);
    expect(lost.map(({ tx }) => tx.id).sort()).toEqual([young.id, locked.id, aged.id].sort());
    expect(returned).toEqual([]);
    expect(rig.ids()).toEqual([free.id]);
    rig.check();
  });

  it('remembers causes while a second reorg comes before the first is settled', () => {
    const { a, b } = pair();
    const first = send([a.coin('alice')], 'bob', 1_000);
    const second = send([a.coin('bob')], 'carol', 1_000);
    for (const tx of [first, second]) a.take(tx);
    a.mine();
    const taker = send([b.coin('alice')], 'judy', 1_000);
    b.take(taker);
    b.mine();
    b.mine();
    a.follow(b);
    expect(a.pool.pending).toBe(true);
    // A third branch without the taker beats B's: alice's coin is free again.
    const c = new PoolRig({ tag: 'C' });
    for (let i = 0; i < 3; i++) c.mine();
    a.follow(c);
    const { lost, returned } = a.settle();
    // B's taker was disconnected last, so it stands first, and whoever comes later finds the coin taken in the pool.
    expect(returned.map((tx) => tx.id)).toEqual([taker.id, second.id]);
    expect(lost.map(({ tx, by, block }) => [tx.id, by?.id, block])).toEqual([
      [first.id, taker.id, undefined],
    ]);
    a.check();
  });

  it('counts a payment that came in again while it waited', () => {
    const { a, b } = pair();
    const tx = send([a.coin('alice')], 'bob', 1_000);
    a.take(tx);
    a.mine();
    b.mine();
    b.mine();
    a.follow(b);
    a.take(tx);
    const { returned, lost } = a.settle();
    expect(returned.map(({ id }) => id)).toEqual([tx.id]);
    expect(lost).toEqual([]);
    a.check();
  });

  it('gives up the last ones beyond its bound', () => {
    const a = new PoolRig({ limits: { returnedBytes: 500 } });
    const b = new PoolRig({ tag: 'B' });
    const txs = [send([a.coin('alice')], 'bob', 1_000), send([a.coin('bob')], 'bob', 1_000)];
    const third = send([coinOf(txs[1]!, 'bob')], 'carol', 1_000);
    for (const tx of [...txs, third]) a.take(tx);
    const { block } = a.mine();
    b.mine();
    b.mine();
    const given = a.follow(b);
    const settled = a.settle();
    expect(given.lost.map(({ tx, by }) => [tx.id, by])).toEqual([[block.txs.at(-1)!.id, undefined]]);
    expect(settled.returned.length).toBe(2);
    a.check();
  });
});

describe('a restart', () => {
  it('finds the pool again, parents first, through the same admission', () => {
    const rig = new PoolRig();
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    const child = spend([coinOf(parent, 'bob'), rig.coin('bob')], [pays('carol', 1_000_000)]);
    const other = send([rig.coin('carol')], 'bob', 3_000);
    for (const tx of [parent, child, other]) rig.take(tx);
    const again = new PoolRig({ store: rig.store });
    expect(again.pool.size).toBe(0);
    const change = again.settle();
    expect(change).toEqual({ returned: [], lost: [], removed: [] });
    expect(again.ids().sort()).toEqual([parent.id, child.id, other.id].sort());
    again.check();
  });

  it('keeps what was waiting for its return', () => {
    const { a, b } = pair();
    const tx = send([a.coin('alice')], 'bob', 1_000);
    const child = send([coinOf(tx, 'bob')], 'carol', 1_000);
    a.take(tx);
    a.mine();
    a.take(child);
    b.mine();
    b.mine();
    a.follow(b);
    const again = new PoolRig({ store: a.store });
    again.settle();
    expect(again.ids()).toEqual([tx.id, child.id]);
    again.check();
  });

  it('deletes damaged rows, and those that no longer fit', () => {
    const rig = new PoolRig();
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(tx);
    const [row] = rig.store.rows(PREFIX.mempool);
    rig.mine();
    const other = row!.key.slice();
    other[5]! ^= 1;
    // As after a crash between two batches: the row of a confirmed one, one under a wrong key, one cut short.
    const cut = row!.key.slice();
    cut[6]! ^= 1;
    rig.store.commit([row!, { key: other, value: row!.value }, { key: cut, value: row!.value.slice(0, 50) }]);
    const again = new PoolRig({ store: rig.store });
    const { lost } = again.settle();
    expect(lost).toEqual([]);
    expect(again.store.rows(PREFIX.mempool)).toEqual([]);
    again.check();
  });

  it('goes on counting the age', () => {
    const rig = new PoolRig();
    rig.take(send([rig.coin('alice')], 'bob', 1_000));
    const again = new PoolRig({ store: rig.store, limits: { mempoolExpiry: 100_000_000 } });
    again.wallS += 101;
    again.settle();
    const later = new PoolRig({
      store: rig.store,
      limits: { mempoolExpiry: 100_000_000 },
      wallS: again.wallS,
    });
    later.settle();
    expect(later.pool.expire(later.now).length).toBe(1);
    expect(again.pool.expire(again.now).length).toBe(0);
  });
});
