import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { claimingMore, honestChain, withHeader } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { genesisCoin, pay } from './pay.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const chain = honestChain(params, 3);

function victim(limits = {}) {
  const net = new Net({ params, limits });
  const [node] = net.add('V');
  const peer = new Puppet(net, 'P');
  peer.meet('V');
  return { net, node: node!, peer };
}

describe('a condemned block', () => {
  const greedy = claimingMore(chain[0]!, 1);
  const child = withHeader(chain[1]!, { prev: greedy.hash });

  it('has children that are nobody’s fault: their teller may not have judged the parent yet', () => {
    const { net, node, peer } = victim();
    expect(node.command({ kind: 'submit-block', bytes: greedy.bytes }).kind).toBe('refused');
    const header = encodeHeader(child.header);
    peer.send('V', { kind: 'tip', header, height: 2, work: 9n, gossiped: false });
    peer.publish('V', 'block', child.bytes);
    peer.publish('V', 'block', greedy.bytes);
    net.run(100);
    expect(node.verdicts.map(({ verdict }) => verdict)).toEqual(['ignore', 'ignore']);
    expect(node.told('fault')).toEqual([]);
    expect(node.node.view.chain.entry(child.hash)).toBeUndefined();
    expect(peer.all('getblocks')).toEqual([]);
  });

  it('is given to nobody, and given again after a pardon', () => {
    const { net, node, peer } = victim();
    node.command({ kind: 'submit-block', bytes: greedy.bytes });
    for (const { bytes } of chain) node.command({ kind: 'submit-block', bytes });
    const ask = () => {
      peer.heard.length = 0;
      peer.send('V', { kind: 'getblocks', ids: [chain[2]!.hash, greedy.hash] });
      net.run(100);
      return [...peer.all('block'), ...peer.all('notfound')].map(({ kind }) => kind);
    };
    expect(ask()).toEqual(['block', 'notfound']);
    node.command({ kind: 'invalidate', hash: chain[1]!.hash });
    expect(ask()).toEqual(['notfound', 'notfound']);
    node.command({ kind: 'reconsider', hash: chain[1]!.hash });
    expect(ask()).toEqual(['block', 'notfound']);
  });
});

describe('gossip of one peer', () => {
  it('beyond its rate is ignored unread', () => {
    const { net, node, peer } = victim({ gossipBurst: 3, gossipPerSecond: 1 });
    const publish = (n: number) =>
      peer.publish('V', 'tx', pay([genesisCoin(params, 'alice', n)], 'bob', 1_000_000).bytes);
    for (let n = 0; n < 5; n++) publish(n);
    net.run(100);
    const verdicts = node.verdicts.map(({ verdict }) => verdict);
    expect(verdicts).toEqual(['accept', 'accept', 'accept', 'ignore', 'ignore']);
    expect(node.node.view.mempool.size).toBe(3);
    expect(node.told('fault')).toEqual([]);
  });
});
