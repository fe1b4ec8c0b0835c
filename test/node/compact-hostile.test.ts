import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/bitcoin/block.ts';
import { encodeCompact } from '../../src/node/wire/compact.ts';
import { concat, writeU32LE } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { honestChain, withHeader } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const txs = (['alice', 'bob', 'carol', 'dave', 'erin'] as const).flatMap((who) => {
  const parent = pay([genesisCoin(params, who)], 'judy', 1_000_000);
  return [parent, pay([outputOf(parent, 1, who)], 'judy', 500_000)];
});
const small = { compactFromBytes: 1_000, checkBytesPerStep: 1_000 };

function nonce(n: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU32LE(bytes, 0, n);
  return bytes;
}

function mined(): Block {
  const net = new Net({ params });
  const [m] = net.add('M');
  for (const tx of txs) m!.send(tx);
  m!.mineOne();
  net.run(1_000);
  return m!.node.view.chain.block(m!.tip)!;
}

const block = mined();
const header = block.bytes.slice(0, 80);
const claim = { height: 1, work: 100n, tip: block.hash };

/** Has the block, and serves it in every way. */
function serving(net: Net, id: string): Puppet {
  const peer = new Puppet(net, id);
  peer.react = (m) => {
    if (m.kind === 'getheaders') peer.send('V', { kind: 'headers', id: m.id, headers: [header] });
    if (m.kind === 'getblocks') peer.send('V', { kind: 'block', bytes: block.bytes });
    if (m.kind === 'getblocktxs') {
      const parts = m.indexes.map((i) => block.txs[i]!.bytes);
      peer.send('V', { kind: 'blocktxs', hash: m.hash, count: parts.length, bytes: concat(...parts) });
    }
  };
  return peer;
}

describe('who comes first with a compact announcement', () => {
  it('and then is silent does not keep the block from us: the second announcer is asked', () => {
    const net = new Net({ params, limits: small });
    const [node] = net.add('V');
    // Silent, and pretends to be two minutes away by the time of its hello.
    const first = new Puppet(net, 'A');
    net.connect('A', 'V');
    net.run(60_000);
    first.hello('V');
    net.run(100);
    const second = serving(net, 'Z');
    second.meet('V');
    first.publish('V', 'block', encodeCompact(block, nonce(1)));
    net.run(50);
    expect(first.all('getblocktxs').length).toBe(1);
    // All that an honest node does with a block that it took from gossip: no tip, no other word.
    second.publish('V', 'block', encodeCompact(block, nonce(2)));
    net.run(8_000);
    expect(node!.tip.id).toBe(block.id);
    expect(node!.node.view.peers.map(({ score }) => score)).toEqual([100, 100]);
  });
});

describe('a message under the header of a block that is here', () => {
  it('is passed on only if it is the block', () => {
    const net = new Net({ params, limits: small });
    const [node] = net.add('V');
    const peer = serving(net, 'P');
    peer.meet('V', claim);
    net.run(500);
    expect(node!.tip.id).toBe(block.id);
    const broken = block.bytes.slice();
    broken[broken.length - 1]! ^= 1;
    peer.publish('V', 'block', concat(header, new Uint8Array(50)));
    peer.publish('V', 'block', broken);
    peer.publish('V', 'block', concat(new Uint8Array(4), header, new Uint8Array(50)));
    peer.publish('V', 'block', encodeCompact(block, nonce(3)));
    peer.publish('V', 'block', block.bytes);
    net.run(500);
    expect(node!.verdicts.map(({ verdict }) => verdict)).toEqual([
      'ignore',
      'ignore',
      'ignore',
      'ignore',
      'accept',
    ]);
  });
});

describe('work in pieces, more than there is room for', () => {
  it('is done in the step that brings it, also when one job starts another', () => {
    // Room for less than the rest of one block: each start pushes the others through.
    const net = new Net({ params, limits: { ...small, checkBytesPerStep: 200, checkingBytes: 4_000 } });
    const [node] = net.add('V');
    const peer = serving(net, 'P');
    peer.meet('V');
    const wrong = block.bytes.slice();
    wrong[wrong.length - 1]! ^= 1;
    peer.publish('V', 'block', encodeCompact(block, nonce(4)));
    peer.react = (m) => {
      if (m.kind === 'getblocks') peer.send('V', { kind: 'block', bytes: block.bytes });
      if (m.kind !== 'getblocktxs') return;
      const parts = m.indexes.map((i) => block.txs[i]!.bytes);
      peer.send('V', { kind: 'blocktxs', hash: m.hash, count: parts.length, bytes: concat(...parts) });
      peer.publish('V', 'block', wrong);
    };
    net.run(2_000);
    expect(node!.tip.id).toBe(block.id);
  });
});

describe('single transactions of a block', () => {
  it('cost whoever asks what the whole block costs us to read', () => {
    const net = new Net({ params, limits: { ...small, serveBytesPerSecond: 2 * block.bytes.length } });
    const [node] = net.add('V');
    node!.ask({ kind: 'submit-block', bytes: block.bytes });
    net.run(500);
    const peer = new Puppet(net, 'P');
    peer.meet('V');
    for (let i = 0; i < 8; i++) peer.send('V', { kind: 'getblocktxs', hash: block.hash, indexes: [i] });
    net.run(100);
    expect(peer.all('blocktxs').length).toBeLessThanOrEqual(3);
    net.run(10_000);
    expect(peer.all('blocktxs').map(({ count }) => count)).toEqual(Array.from({ length: 8 }, () => 1));
  });
});

/** Cuts, turns over bits, doubles, joins and replaces stretches of these messages. */
function mutated(random: ReturnType<typeof seeded>, of: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = of[random.below(of.length)]!.slice();
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = random.below(Math.max(1, bytes.length));
    // Mostly behind the header: a header without its work ends most mutations early.
    const behind = Math.min(bytes.length - 1, 84 + random.below(Math.max(1, bytes.length - 84)));
    switch (random.below(6)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        if (bytes.length > 0) bytes[Math.max(0, behind)]! ^= 1 << random.below(8);
        break;
      case 2:
        bytes = concat(bytes, bytes.slice(at, at + 40));
        break;
      case 3:
        bytes = concat(bytes.slice(0, behind), bytes.slice(behind + 1 + random.below(64)));
        break;
      case 4:
        if (bytes.length > 0) bytes[Math.max(0, behind)] = 255;
        break;
      default:
        if (bytes.length > 0) bytes[at]! ^= 1 << random.below(8);
    }
  }
  return bytes;
}

describe('mutated announcements and answers', () => {
  const chain = honestChain(params, 2, { miner: 'N' });

  it.each([1, 2, 3])(
    'thousands of them end nothing, and an honest block is taken afterwards (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const net = new Net({
        params,
        limits: { ...small, checkingBytes: 6_000, compactTimeout: 20_000, banMs: 1 },
      });
      const [node] = net.add('V');
      for (const tx of txs.slice(0, 4)) node!.send(tx);
      let heard = 0;
      for (let round = 0; round < 100; round++) {
        const peer = new Puppet(net, 'P' + round);
        // Each round a block that nobody has tried yet.
        const fresh = withHeader(block, { version: 100 + round });
        const compact = encodeCompact(fresh, nonce(round));
        const announcements = [compact, compact, compact, encodeCompact(chain[1]!, nonce(3)), fresh.bytes];
        peer.react = (m) => {
          if (m.kind !== 'getblocktxs' && m.kind !== 'getblocks') return;
          heard++;
          const parts =
            m.kind === 'getblocks' ? [] : m.indexes.map((i) => block.txs[i]?.bytes ?? new Uint8Array(9));
          const answer = concat(
            Uint8Array.of(14),
            m.kind === 'getblocks' ? m.ids[0]! : m.hash,
            Uint8Array.of(parts.length, 0),
            ...parts,
          );
          if (random.below(4) > 0)
            peer.raw('V', mutated(random, [answer, concat(Uint8Array.of(5), fresh.bytes)]));
        };
        peer.meet('V');
        for (let i = 0; i < 25; i++) {
          peer.publish('V', 'block', i === 0 ? compact : mutated(random, announcements));
          if (random.below(3) === 0) net.run(random.below(40));
        }
        if (random.below(2) === 0) net.disconnect(peer.id, 'V');
        net.run(random.below(200));
      }
      expect(heard).toBeGreaterThan(50);
      const { fetched, whole } = node!.node.view.compact;
      expect([fetched, whole].every((n) => n > 5)).toBe(true);
      net.run(120_000);
      const honest = serving(net, 'Z');
      honest.meet('V', claim);
      honest.publish('V', 'block', encodeCompact(block, nonce(9)));
      net.run(20_000);
      expect(node!.node.view.chain.entry(block.hash)).toMatchObject({ hasBody: true, condemned: undefined });
      expect(node!.tip.height).toBeGreaterThan(0);
    },
  );
});
