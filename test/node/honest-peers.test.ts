import { describe, expect, it } from 'vitest';
import { decodeHeader, headerHash } from '../../src/bitcoin/header.ts';
import { idOf } from '../../src/util/bytes.ts';
import { labParams, Net } from './net.ts';
import { genesisCoin, pay } from './pay.ts';
import { Puppet } from './puppet.ts';

const params = labParams();

/** What an honest peer may run into without wanting to, and what must then not happen. */
describe('an honest peer', () => {
  it('whose transactions come late, after others were asked for them too, is no offender', () => {
    const net = new Net({ params });
    const [node] = net.add('V');
    const slow = new Puppet(net, 'S');
    const quick = new Puppet(net, 'Q');
    slow.meet('V');
    quick.meet('V');
    const txs = Array.from({ length: 5 }, (_, i) => pay([genesisCoin(params, 'alice', i)], 'bob', 1_000_000));
    const ids = txs.map((tx) => tx.txid);
    slow.send('V', { kind: 'inv', ids });
    net.run(6_000);
    quick.send('V', { kind: 'inv', ids });
    net.run(100);
    expect(slow.all('gettxs').flatMap((m) => m.ids)).toHaveLength(5);
    expect(quick.all('gettxs').flatMap((m) => m.ids)).toHaveLength(5);
    // Both answer at last, the slow one first.
    for (const tx of txs) slow.send('V', { kind: 'tx', bytes: tx.bytes });
    net.run(100);
    for (const tx of txs) quick.send('V', { kind: 'tx', bytes: tx.bytes });
    net.run(100);
    expect(node!.node.view.mempool.size).toBe(5);
    expect(node!.told('fault')).toEqual([]);
    // An answer counts once: the third copy is unasked for.
    slow.send('V', { kind: 'tx', bytes: txs[0]!.bytes });
    net.run(100);
    expect(node!.told('fault').map(({ rule }) => rule)).toEqual(['unrequested']);
  });

  it('that was asked again because its answer took so long may answer as often', () => {
    const net = new Net({ params });
    const [node] = net.add('V');
    const peer = new Puppet(net, 'P');
    peer.meet('V');
    const tx = pay([genesisCoin(params, 'alice')], 'bob', 1_000_000);
    const inv = { kind: 'inv', ids: [tx.txid] } as const;
    peer.send('V', inv);
    net.run(6_000);
    peer.send('V', inv);
    net.run(100);
    expect(peer.all('gettxs')).toHaveLength(2);
    for (let n = 0; n < 2; n++) peer.send('V', { kind: 'tx', bytes: tx.bytes });
    net.run(100);
    expect(node!.node.view.mempool.size).toBe(1);
    expect(node!.told('fault')).toEqual([]);
    peer.send('V', { kind: 'tx', bytes: tx.bytes });
    net.run(100);
    expect(node!.told('fault').map(({ rule }) => rule)).toEqual(['unrequested']);
  });

  it('hears of a tip that changed while its hello was on the way', () => {
    const net = new Net({ params, gossip: false });
    const [node] = net.add('V');
    const peer = new Puppet(net, 'P');
    net.connect('P', 'V');
    const id = node!.mineOne();
    net.run(50);
    expect(peer.all('hello')[0]!.height).toBe(0);
    peer.hello('V');
    net.run(100);
    const tips = peer.all('tip').map(({ header }) => {
      const decoded = decodeHeader(header);
      return decoded.ok ? idOf(headerHash(header)) : '';
    });
    expect(tips).toEqual([id]);
  });
});
