import { describe, expect, it } from 'vitest';
import { makeTx, type Tx } from '../../src/bitcoin/tx.ts';
import { labParams, Net } from './net.ts';
import { genesisCoin, pay } from './pay.ts';
import { Puppet } from './puppet.ts';

const params = labParams();

/** The payment with a bit of its signature flipped: nobody who has checked it passes it on. */
function forged(tx: Tx): Tx {
  const [first, ...others] = tx.inputs;
  const [signature, key] = first!.witness;
  const bad = signature!.slice();
  bad[20]! ^= 1;
  return makeTx({ ...tx, inputs: [{ ...first!, witness: [bad, key!] }, ...others] });
}

describe('transactions that no honest node forwards', () => {
  it('forged signatures cost their sender its place, though gossip is told to ignore them', () => {
    const net = new Net({ params });
    const [node] = net.add('V');
    const evil = new Puppet(net, 'E');
    evil.meet('V');
    for (let i = 0; i < 10; i++) {
      const tx = pay([genesisCoin(params, 'alice', i % 5)], 'bob', 1_000_000 + i);
      evil.publish('V', 'tx', forged(tx).bytes);
    }
    net.run(200);
    expect(new Set(node!.verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['ignore']));
    expect(node!.drops).toMatchObject([{ peer: 'E', banMs: 600_000 }]);
  });

  it('one that pays out more than it has, too', () => {
    const net = new Net({ params });
    const [node] = net.add('V');
    const evil = new Puppet(net, 'E');
    evil.meet('V');
    const coin = genesisCoin(params, 'alice');
    evil.publish('V', 'tx', pay([coin], 'bob', coin.value + 1).bytes);
    net.run(200);
    expect(node!.told('fault')).toMatchObject([{ peer: 'E', rule: 'bad-tx' }]);
  });

  it('what only time or another coin makes wrong costs nothing', () => {
    const net = new Net({ params });
    const [node] = net.add('V');
    const peer = new Puppet(net, 'P');
    peer.meet('V');
    const good = pay([genesisCoin(params, 'alice')], 'bob', 1_000_000);
    const later = makeTx({ ...pay([genesisCoin(params, 'carol')], 'bob', 1_000_000), lockTime: 1_000 });
    peer.publish('V', 'tx', good.bytes);
    peer.publish('V', 'tx', pay([genesisCoin(params, 'alice')], 'dave', 1_000_000).bytes);
    peer.publish('V', 'tx', later.bytes);
    net.run(200);
    expect(node!.verdicts.map(({ verdict }) => verdict)).toEqual(['accept', 'ignore', 'ignore']);
    expect(node!.told('fault')).toEqual([]);
  });
});
