import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { claimingMore, honestChain, withHeader } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const ours = honestChain(params, 30, { miner: 'A' });
const theirs = honestChain(params, 31, { miner: 'B' });

/** Bodies asked of a peer that shows these headers, by a node with 30 blocks of its own since the genesis. */
function asked(headers: number, nearTipBlocks: number): { bodies: number; entries: number } {
  const net = new Net({ params, limits: { nearTipBlocks } });
  const [node] = net.add('V');
  for (const { bytes } of ours) node!.ask({ kind: 'submit-block', bytes });
  net.run(200_000);
  const peer = new Puppet(net, 'P');
  peer.react = (message) => {
    if (message.kind !== 'getheaders') return;
    const answer = theirs.slice(0, headers).map(({ header }) => encodeHeader(header));
    peer.send('V', { kind: 'headers', id: message.id, headers: answer });
  };
  peer.meet('V', { tip: theirs[headers - 1]!.hash });
  net.run(1_000);
  const bodies = peer.all('getblocks').flatMap(({ ids }) => ids).length;
  return { bodies, entries: [...node!.node.view.chain.entries()].length };
}

describe('bodies are asked for', () => {
  it('not of a branch that forks far below the tip and does not beat it, though its headers are here', () => {
    expect(asked(29, 5)).toEqual({ bodies: 0, entries: 31 + 29 });
  });

  it('of one that does not beat it, where it forks near', () => {
    expect(asked(29, 40)).toEqual({ bodies: 29, entries: 31 + 29 });
  });

  it('of one that beats it, wherever it forks', () => {
    expect(asked(31, 5)).toEqual({ bodies: 31, entries: 31 + 31 });
  });

  it('of a branch that is shorter than the one whose first block was condemned: found by the swarm', () => {
    const net = new Net({ params });
    const [node] = net.add('V');
    net.run(200_000);
    const bad = claimingMore(theirs[0]!, 1);
    const child = withHeader(theirs[1]!, { prev: bad.hash });
    const branch = [bad, child, withHeader(theirs[2]!, { prev: child.hash })];
    const peer = new Puppet(net, 'P');
    let shown = branch;
    peer.react = (message) => {
      if (message.kind === 'getheaders') {
        const headers = shown.map(({ header }) => encodeHeader(header));
        peer.send('V', { kind: 'headers', id: message.id, headers });
      }
      if (message.kind !== 'getblocks') return;
      // Children first, so that all bodies are here when the first one is looked at.
      for (const { bytes } of [...branch].reverse()) peer.send('V', { kind: 'block', bytes });
    };
    peer.meet('V', { tip: branch[2]!.hash });
    net.run(1_000);
    expect(node!.node.view.chain.entry(bad.hash)?.condemned).toBe('bad-cb-amount');
    // One honest header: lower than all that it has handed over before.
    shown = theirs.slice(0, 1);
    const header = encodeHeader(theirs[0]!.header);
    peer.send('V', { kind: 'tip', header, height: 1, work: 2n, gossiped: false });
    net.run(1_000);
    expect(peer.all('getblocks').at(-1)?.ids).toEqual([theirs[0]!.hash]);
  });
});
