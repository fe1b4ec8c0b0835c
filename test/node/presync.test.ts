import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { headerChain, honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const ours = honestChain(params, 30, { miner: 'A' });
const theirs = honestChain(params, 62, { miner: 'B' });
/** Three answers fill the buffer; our tip is six answers deep. */
const limits = { nearTipBlocks: 2, maxHeadersPerMessage: 5, headerBufferPerPeer: 15 };

function nodeWith(net: Net, name: string, blocks: readonly { readonly bytes: Uint8Array }[]) {
  const [node] = net.add(name);
  for (const { bytes } of blocks) node!.ask({ kind: 'submit-block', bytes });
  net.until(name + ' is at rest', () => node!.tip.height === blocks.length);
  return node!;
}

/** A peer that claims more work and answers each getheaders by `give` with the headers behind that height. */
function claimant(net: Net, give: (from: number, asked: number) => readonly Uint8Array[]): Puppet {
  const peer = new Puppet(net, 'P');
  let asked = 0;
  let at = 0;
  peer.react = (m) => {
    if (m.kind !== 'getheaders') return;
    // Whoever asks from the genesis alone begins again.
    const headers = give(at, asked++);
    at += headers.length;
    peer.send('V', { kind: 'headers', id: m.id, headers });
  };
  peer.meet('V', { work: 10n ** 6n, tip: new Uint8Array(32).fill(7) });
  return peer;
}

describe('a branch longer than the header buffer', () => {
  it('heals: measured first, then taken', () => {
    const net = new Net({ params, limits });
    const a = nodeWith(net, 'A', ours);
    nodeWith(net, 'B', theirs);
    net.run(300_000);
    const sizes: number[] = [];
    a.watch = () => {
      sizes.push([...a.node.view.chain.entries()].length, a.node.view.peers[0]?.headersBuffered ?? 0);
    };
    net.connect('A', 'B');
    net.untilAgreed();
    expect(a.tip.id).toBe(theirs.at(-1)!.id);
    // 3 answers into the buffer; 7 to prove more work than ours; 13 into the tree.
    const answers = net.node('B').node.view.peers[0]!.bytesOut;
    expect(answers).toBeGreaterThan(23 * 5 * 80);
    expect(a.told('fault')).toEqual([]);
    expect(a.told('reorg').map(({ depth }) => depth)).toEqual([30]);
    // Until it was proven, the tree had our own chain only, and the buffer kept its bound.
    const entered = sizes.filter((_, i) => i % 2 === 0);
    expect(entered.filter((n) => n > 31)[0]).toBeGreaterThan(31);
    expect(Math.max(...sizes.filter((_, i) => i % 2 === 1))).toBeLessThanOrEqual(15);
  });

  it('with less work than ours leaves nothing, however long it claims to be', () => {
    const net = new Net({ params, limits });
    const v = nodeWith(net, 'V', ours);
    net.run(300_000);
    const rows = v.store.rows().length;
    const cheap = headerChain(params.genesis.header, 27);
    const starts = [0, 5, 10, 0, 5, 10, 15, 20, 25];
    const peer = claimant(net, (_, asked) => cheap.slice(starts[asked] ?? 27).slice(0, 5));
    net.run(2_000);
    expect(peer.all('getheaders').length).toBeGreaterThanOrEqual(starts.length);
    expect([...v.node.view.chain.entries()]).toHaveLength(31);
    expect(v.store.rows()).toHaveLength(rows);
    expect(v.node.view.peers[0]).toMatchObject({ headersBuffered: 0, score: 100 });
  });

  it('may have grown the second time: what was proven is there', () => {
    const net = new Net({ params, limits });
    const v = nodeWith(net, 'V', ours);
    net.run(300_000);
    const strong = theirs.map(({ header }) => encodeHeader(header));
    const starts = [0, 5, 10, 0, 5, 10, 15, 20, 25, 30, 0, 5, 10, 15, 20, 25, 30];
    // The answer that proves it was its last one, of three headers.
    const counts = starts.map((_, asked) => (asked === 9 ? 3 : 5));
    claimant(net, (_, asked) => strong.slice(starts[asked] ?? 62).slice(0, counts[asked]));
    net.run(2_000);
    expect(v.node.view.chain.bestHeader.height).toBeGreaterThanOrEqual(35);
    expect(v.node.view.peers[0]).toMatchObject({ score: 100 });
  });

  it('that is another one the second time is not taken', () => {
    const net = new Net({ params, limits });
    const v = nodeWith(net, 'V', ours);
    net.run(300_000);
    const strong = theirs.map(({ header }) => encodeHeader(header));
    const cheap = headerChain(params.genesis.header, 20);
    // 3 for the buffer, 7 to prove, then a cheap branch in the place of the strong one.
    const starts = [0, 5, 10, 0, 5, 10, 15, 20, 25, 30];
    claimant(net, (_, asked) =>
      asked < starts.length
        ? strong.slice(starts[asked]!, starts[asked]! + 5)
        : cheap.slice(0, asked === starts.length ? 5 : 0),
    );
    net.run(300);
    expect([...v.node.view.chain.entries()]).toHaveLength(31);
    expect(v.node.view.peers[0]!.score).toBe(100);
  });

  it('whose headers do not follow one another costs points', () => {
    const net = new Net({ params, limits });
    const v = nodeWith(net, 'V', ours);
    net.run(300_000);
    const cheap = headerChain(params.genesis.header, 27);
    const starts = [0, 5, 10, 0, 15];
    claimant(net, (_, asked) => cheap.slice(starts[asked] ?? 27).slice(0, 5));
    net.run(300);
    expect(v.node.view.peers[0]!.score).toBe(66);
    expect([...v.node.view.chain.entries()]).toHaveLength(31);
  });
});
