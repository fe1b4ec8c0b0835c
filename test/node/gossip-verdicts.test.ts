import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const ours = honestChain(params, 12, { miner: 'A' });
const theirs = honestChain(params, 8, { miner: 'B' });

function victim(blocks: number) {
  const net = new Net({ params });
  const [node] = net.add('V');
  for (const { bytes } of ours.slice(0, blocks)) node!.ask({ kind: 'submit-block', bytes });
  net.run(200_000);
  const peer = new Puppet(net, 'P');
  peer.meet('V');
  const verdicts = () => node!.verdicts.map(({ verdict }) => verdict);
  return { net, node: node!, peer, verdicts };
}

/** `accept` sends a block on to everybody: only what the next node can place, and what may still matter, deserves it. */
describe('a good block by gossip', () => {
  it('is not passed on while the body of its parent is missing, but it is kept', () => {
    const { net, node, peer, verdicts } = victim(0);
    const [first, second] = theirs;
    // Its body would come by gossip: nobody asks for it yet.
    peer.send('V', {
      kind: 'tip',
      header: encodeHeader(first!.header),
      height: 1,
      work: 9n,
      gossiped: true,
    });
    net.run(50);
    peer.publish('V', 'block', second!.bytes);
    net.run(50);
    expect(verdicts()).toEqual(['ignore']);
    expect(node.tip.height).toBe(0);
    peer.publish('V', 'block', first!.bytes);
    net.run(50);
    expect(verdicts()).toEqual(['ignore', 'accept']);
    expect(node.tip.id).toBe(second!.id);
  });

  it('is passed on up to six blocks below the tip, and only kept below that', () => {
    const { net, node, peer, verdicts } = victim(12);
    for (const { bytes } of theirs) {
      peer.publish('V', 'block', bytes);
      net.run(50);
    }
    const ignored = Array.from({ length: 5 }, () => 'ignore');
    expect(verdicts()).toEqual([...ignored, 'accept', 'accept', 'accept']);
    for (const { hash } of theirs) expect(node.node.view.chain.entry(hash)?.hasBody).toBe(true);
    expect(node.tip.id).toBe(ours[11]!.id);
  });
});
