import { describe, expect, it } from 'vitest';
import { encodeHeader, headerHash } from '../../src/bitcoin/header.ts';
import { honestChain, withHeader } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const long = honestChain(params, 400);

/** A node that has these blocks, given to it by hand. */
function seeded(net: Net, name: string, blocks: readonly { readonly bytes: Uint8Array }[]): void {
  const [node] = net.add(name);
  for (const { bytes } of blocks) node!.ask({ kind: 'submit-block', bytes });
  net.until(name + ' is at rest', () => !node!.node.view.chain.connecting);
  expect(node!.tip.height).toBe(blocks.length);
}

describe('sync', () => {
  it('a late joiner takes hundreds of blocks from several peers in parallel', () => {
    const net = new Net({ params });
    for (const name of ['A', 'B', 'C']) seeded(net, name, long);
    net.run(200_000);
    const [late] = net.add('L');
    for (const name of ['A', 'B', 'C']) net.connect('L', name);
    const took = net.untilAgreed();
    // Two round trips for headers, then full windows from three peers.
    expect(took).toBeLessThan(500);
    const sent = ['A', 'B', 'C'].map(
      (name) => net.node(name).node.view.peers.find(({ peer }) => peer === 'L')!.bytesOut,
    );
    for (const bytes of sent) expect(bytes).toBeGreaterThan(20_000);
    // Header sync with a peer whose chain we have by now does not repeat it.
    const rows = late!.told('headers').map(({ count }) => count);
    expect(rows.reduce((sum, count) => sum + count, late!.told('header').length)).toBe(400);
    expect(rows.length).toBeLessThan(8);
    expect(late!.told('fault')).toEqual([]);
    expect(late!.node.view.peers.every(({ score }) => score === 100)).toBe(true);
  });

  it('one peer that stalls loses points, and its part is taken from another', () => {
    const net = new Net({ params });
    seeded(net, 'A', long);
    net.run(200_000);
    const [late] = net.add('L');
    const staller = new Puppet(net, 'S');
    // It answers getheaders as an honest node does, and never sends a body.
    staller.react = (message) => {
      if (message.kind !== 'getheaders') return;
      const headers = long.map(({ header }) => encodeHeader(header));
      staller.send('L', { kind: 'headers', id: message.id, headers });
    };
    staller.meet('L', { height: 400, work: long.length > 0 ? 10n ** 9n : 0n, tip: long.at(-1)!.hash });
    net.run(1_000);
    const asked = staller.all('getblocks').flatMap(({ ids }) => ids).length;
    expect(asked).toBe(128);
    expect(late!.node.view.peers[0]!.inFlight).toHaveLength(128);
    net.connect('L', 'A');
    const took = net.untilAgreed(['A', 'L']);
    // The rest comes at once; what the staller holds up is asked of A when A is idle and two seconds are over.
    expect(took).toBeLessThan(3_000);
    net.run(15_000);
    expect(late!.told('fault').map(({ rule }) => rule)).not.toContain('flood');
  });

  it('a peer that sends a body now and then, never late, holds nobody up', () => {
    const net = new Net({ params });
    seeded(net, 'A', long);
    net.run(200_000);
    const [late] = net.add('L');
    const slow = new Puppet(net, 'S');
    const bodies = new Map(long.map((block) => [headerHash(block.header).join(), block.bytes]));
    const wanted: Uint8Array[] = [];
    slow.react = (message) => {
      if (message.kind === 'getheaders') {
        const headers = long.map(({ header }) => encodeHeader(header));
        slow.send('L', { kind: 'headers', id: message.id, headers });
      }
      if (message.kind === 'getblocks') wanted.push(...message.ids);
    };
    slow.meet('L', { height: 400, work: 10n ** 9n, tip: long.at(-1)!.hash });
    net.run(200);
    expect(wanted.length).toBe(128);
    const drip = (): void => {
      const id = wanted.shift();
      if (id !== undefined) slow.send('L', { kind: 'block', bytes: bodies.get(id.join())! });
      net.at(net.now + 3_000_000, drip);
    };
    drip();
    net.connect('L', 'A');
    // Without it A would need a moment; what S was asked for is asked of A once A has nothing else to do.
    expect(net.untilAgreed(['A', 'L'])).toBeLessThan(3_000);
    expect(late!.told('fault')).toEqual([]);
  });

  it('a peer that never delivers is punished until it is dropped, though nobody else has the blocks', () => {
    const net = new Net({ params });
    const [late] = net.add('L');
    const staller = new Puppet(net, 'S');
    net.run(200_000);
    staller.react = (message) => {
      if (message.kind === 'ping') staller.send('L', { kind: 'pong', nonce: message.nonce });
      if (message.kind !== 'getheaders') return;
      const headers = long.map(({ header }) => encodeHeader(header));
      staller.send('L', { kind: 'headers', id: message.id, headers });
    };
    staller.meet('L', { tip: long.at(-1)!.hash });
    net.run(300_000);
    expect(late!.told('fault').filter(({ rule }) => rule === 'stalled').length).toBeGreaterThanOrEqual(5);
    expect(late!.drops).toMatchObject([{ peer: 'S', banMs: 600_000 }]);
    expect(late!.tip.height).toBe(0);
    expect(late!.node.view.chain.bestHeader.height).toBe(400);
  });

  it('a peer that says notfound is not asked again at once, another one is', () => {
    const net = new Net({ params });
    seeded(net, 'A', long.slice(0, 5));
    net.run(200_000);
    const [late] = net.add('L');
    const empty = new Puppet(net, 'E');
    empty.react = (message) => {
      if (message.kind === 'getheaders') {
        const headers = long.slice(0, 5).map(({ header }) => encodeHeader(header));
        empty.send('L', { kind: 'headers', id: message.id, headers });
      } else if (message.kind === 'getblocks') {
        empty.send('L', { kind: 'notfound', ids: message.ids });
      }
    };
    empty.meet('L', { tip: long[4]!.hash });
    net.run(2_000);
    expect(empty.all('getblocks')).toHaveLength(1);
    expect(late!.told('fault')).toHaveLength(5);
    net.connect('L', 'A');
    expect(net.untilAgreed(['A', 'L'])).toBeLessThan(200);
  });

  it('a spoilt body costs its sender, condemns nothing, and the honest one connects', () => {
    const net = new Net({ params });
    seeded(net, 'A', long.slice(0, 3));
    net.run(200_000);
    const [late] = net.add('L');
    const liar = new Puppet(net, 'X');
    liar.react = (message) => {
      if (message.kind === 'getheaders') {
        const headers = long.slice(0, 3).map(({ header }) => encodeHeader(header));
        liar.send('L', { kind: 'headers', id: message.id, headers });
      } else if (message.kind === 'getblocks') {
        for (const id of message.ids) {
          const block = long.find(({ hash }) => hash.every((byte, i) => byte === id[i]))!;
          const bytes = block.bytes.slice();
          // Somewhere in the coinbase: the merkle root does not fit any more.
          bytes[bytes.length - 60]! ^= 1;
          liar.send('L', { kind: 'block', bytes });
        }
      }
    };
    liar.meet('L', { tip: long[2]!.hash });
    net.run(500);
    expect(late!.told('refused').map(({ rule }) => rule)).toContain('bad-txnmrklroot');
    expect(late!.drops).toMatchObject([{ peer: 'X' }]);
    expect(late!.node.view.chain.entry(long[0]!.hash)?.condemned).toBeUndefined();
    net.connect('L', 'A');
    net.untilAgreed(['A', 'L']);
    expect(late!.tip.height).toBe(3);
  });

  it('header and block that are too new wait for their time', () => {
    const net = new Net({ params });
    const [node] = net.add('A');
    const puppet = new Puppet(net, 'P');
    puppet.meet('A');
    const wallS = node!.node.view.wallS;
    const block = withHeader(long[0]!, { time: wallS + params.futureBoundS + 60 });
    puppet.publish('A', 'block', block.bytes);
    net.run(1_000);
    expect(node!.verdicts).toEqual([{ peer: 'P', verdict: 'ignore' }]);
    expect(node!.tip.height).toBe(0);
    expect(node!.node.view.futureBlocks).toBe(1);
    net.run(57_000);
    expect(node!.tip.height).toBe(0);
    net.run(3_000);
    expect(node!.tip.id).toBe(block.id);
    expect(node!.told('fault')).toEqual([]);
    // Only the header is known: at its time the body is asked for.
    const next = withHeader(long[1]!, {
      prev: block.hash,
      time: node!.node.view.wallS + params.futureBoundS + 10,
    });
    const header = encodeHeader(next.header);
    puppet.send('A', { kind: 'tip', header, height: 2, work: 9n, gossiped: false });
    net.run(5_000);
    expect(node!.node.view.chain.entry(headerHash(header))).toBeUndefined();
    net.run(7_000);
    expect(puppet.all('getblocks').flatMap(({ ids }) => ids)).toEqual([next.hash]);
  });

  it('headers-first over more than one message', { timeout: 60_000 }, () => {
    const net = new Net({ params, limits: { maxHeadersPerMessage: 50, headersPerStep: 20 } });
    seeded(net, 'A', long);
    net.run(200_000);
    net.add('L');
    net.connect('L', 'A');
    expect(net.untilAgreed()).toBeLessThan(1_000);
  });

  it('a near side branch longer than one message is heard once, not for ever', () => {
    const net = new Net({ params, limits: { maxHeadersPerMessage: 7 } });
    seeded(net, 'A', long.slice(0, 30));
    seeded(net, 'B', honestChain(params, 20, { miner: 'N' }));
    let asked = 0;
    net.node('A').watch = (_, step) => {
      for (const effect of step.effects) if (effect.kind === 'send' && effect.bytes[0] === 2) asked++;
    };
    net.connect('A', 'B');
    net.untilAgreed();
    net.run(5_000);
    // 20 headers in sevens.
    expect(asked).toBe(3);
    const side = net
      .node('A')
      .node.view.chain.tips()
      .find(({ status }) => status === 'valid-headers');
    expect(side?.branchLength).toBe(20);
  });
});
