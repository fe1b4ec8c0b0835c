import { expect, it } from 'vitest';
import { headerChain, honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const ours = honestChain(params, 30);

it('the header buffers of all peers together are bounded: the one that would pass the bound is given up', () => {
  const limits = {
    nearTipBlocks: 2,
    maxHeadersPerMessage: 5,
    headerBufferPerPeer: 100,
    headerBufferTotal: 12,
  };
  const net = new Net({ params, limits });
  const [node] = net.add('V');
  for (const { bytes } of ours) node!.ask({ kind: 'submit-block', bytes });
  net.run(200_000);
  const held: number[] = [];
  const peers = ['P', 'Q', 'R'].map((name, n) => {
    const peer = new Puppet(net, name);
    const cheap = headerChain(params.genesis.header, 20, 1 + n);
    let given = 0;
    peer.react = (message) => {
      // One answer, and no more: what it brought stays in the buffer until its time is over.
      if (message.kind !== 'getheaders' || given > 0) return;
      given = 5;
      peer.send('V', { kind: 'headers', id: message.id, headers: cheap.slice(0, 5) });
    };
    return peer;
  });
  for (const peer of peers) {
    peer.meet('V', { tip: new Uint8Array(32).fill(7) });
    net.run(500);
    held.push(node!.node.view.peers.reduce((sum, { headersBuffered }) => sum + headersBuffered, 0));
  }
  expect(held).toEqual([5, 10, 10]);
  // Nothing is held for ever: whoever does not go on loses what it has there.
  net.run(20_000);
  expect(node!.node.view.peers.map(({ headersBuffered }) => headersBuffered)).toEqual([0, 0, 0]);
});
