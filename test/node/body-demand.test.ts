import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { honestChain } from './blocks.ts';
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
});
