import { describe, expect, it } from 'vitest';
import { limits } from '../../src/node/limits.ts';
import { Orphans } from '../../src/node/mempool/orphans.ts';
import { data, spend } from '../dsl/keys.ts';
import { coinOf, PoolRig, pays, send } from './mempool-rig.ts';

const rig = new PoolRig();
const parent = send([rig.coin('alice')], 'bob', 1_000);
const child = send([coinOf(parent, 'bob')], 'carol', 1_000);
const sibling = send([coinOf(parent, 'bob'), rig.coin('bob')], 'carol', 1_000);
const some = (n: number) =>
  Array.from({ length: n }, (_, i) => spend([coinOf(parent, 'bob')], [pays('carol', 1_000_000 + i)]));

describe('orphans', () => {
  it('are given back when their parent comes, oldest first, once', () => {
    const orphans = new Orphans(limits);
    expect(orphans.add(child, 'p', 0)).toBe(true);
    expect(orphans.add(child, 'q', 0)).toBe(false);
    expect(orphans.add(sibling, 'q', 0)).toBe(true);
    expect(orphans.has(child.wtxid)).toBe(true);
    expect(orphans.takeChildrenOf(child.txid)).toEqual([]);
    expect(orphans.takeChildrenOf(parent.txid).map(({ tx, peer }) => [tx.id, peer])).toEqual([
      [child.id, 'p'],
      [sibling.id, 'q'],
    ]);
    expect(orphans.size).toBe(0);
    expect(orphans.takeChildrenOf(parent.txid)).toEqual([]);
  });

  it('a flood of one peer pushes out its own', () => {
    const orphans = new Orphans({ ...limits, orphanTxs: 6, orphanTxsPerPeer: 4 });
    const [honest, ...flood] = some(12);
    orphans.add(honest!, 'honest', 0);
    for (const tx of flood) orphans.add(tx, 'mallory', 0);
    expect(orphans.size).toBe(5);
    expect(orphans.has(honest!.wtxid)).toBe(true);
    expect(orphans.has(flood.at(-1)!.wtxid)).toBe(true);
    expect(orphans.has(flood[0]!.wtxid)).toBe(false);
    // Over the common bound the largest holding gives way.
    const more = some(16).slice(12);
    for (const tx of more) orphans.add(tx, 'third', 0);
    expect(orphans.size).toBe(6);
    expect(orphans.has(honest!.wtxid)).toBe(true);
  });

  it('cost more with many inputs', () => {
    const orphans = new Orphans({ ...limits, orphanTxs: 6, orphanTxsPerPeer: 4 });
    const many = (inputs: number, value: number) =>
      spend(
        Array.from({ length: inputs }, (_, i) => ({
          ...coinOf(parent, 'bob'),
          prevout: { txid: parent.txid, index: i },
        })),
        [pays('carol', value)],
      );
    expect(orphans.add(many(40, 1), 'mallory', 0)).toBe(false);
    // Three each.
    const [first, second] = [many(20, 2), many(29, 3)];
    expect(orphans.add(first, 'mallory', 0)).toBe(true);
    expect(orphans.add(second, 'mallory', 0)).toBe(true);
    expect(orphans.has(first.wtxid)).toBe(false);
    expect(orphans.add(first, 'third', 0)).toBe(true);
    expect(orphans.add(child, 'honest', 0)).toBe(true);
    expect([first, second, child].map((tx) => orphans.has(tx.wtxid))).toEqual([true, false, true]);
  });

  it('are small, and not kept for ever', () => {
    const orphans = new Orphans({ ...limits, orphanTxBytes: 300, orphanExpiry: 10 });
    const big = spend(
      [coinOf(parent, 'bob')],
      [
        pays('bob', 1_000),
        ...Array.from({ length: 20 }, () => ({ value: 0, script: data(1, 2, 3, 4, 5, 6) })),
      ],
    );
    expect(orphans.add(big, 'p', 0)).toBe(false);
    orphans.add(child, 'p', 0);
    orphans.add(some(1)[0]!, 'p', 5);
    expect(orphans.expire(9)).toBe(0);
    expect(orphans.expire(10)).toBe(1);
    expect(orphans.size).toBe(1);
    expect(orphans.expire(15)).toBe(1);
    expect(orphans.takeChildrenOf(parent.txid)).toEqual([]);
  });

  it('go with their peer', () => {
    const orphans = new Orphans(limits);
    orphans.add(child, 'p', 0);
    orphans.add(sibling, 'q', 0);
    orphans.dropPeer('p');
    orphans.dropPeer('nobody');
    expect(orphans.takeChildrenOf(parent.txid).map(({ tx }) => tx.id)).toEqual([sibling.id]);
  });

  it('go when a block contains or contradicts them', () => {
    const orphans = new Orphans(limits);
    const elsewhere = send([coinOf(child, 'carol')], 'dave', 1_000);
    orphans.add(sibling, 'p', 0);
    orphans.add(elsewhere, 'p', 0);
    const miner = new PoolRig();
    miner.take(parent);
    miner.take(child);
    orphans.connected(miner.mine().block);
    expect(orphans.has(sibling.wtxid)).toBe(false);
    expect(orphans.has(elsewhere.wtxid)).toBe(true);
  });
});
