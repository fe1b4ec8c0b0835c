import { describe, expect, it } from 'vitest';
import { type Block, makeBlock } from '../../src/bitcoin/block.ts';
import { Writer } from '../../src/bitcoin/codec.ts';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { limits } from '../../src/node/limits.ts';
import { decodeCompact, encodeCompact, isCompact } from '../../src/node/wire/compact.ts';
import { concat, equal, writeU32LE } from '../../src/util/bytes.ts';
import { claimingMore, unmined, withHeader } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const;
const txs = people.flatMap((who) => {
  const parent = pay([genesisCoin(params, who)], 'judy', 1_000_000);
  return [parent, pay([outputOf(parent, 1, who)], 'judy', 500_000)];
});
const NONCE = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
/** A dozen payments travel compact. */
const small = { compactFromBytes: 1_000 };
/** ... and are looked for and checked in several steps. */
const slow = { ...small, checkBytesPerStep: 1_000 };

/** Block 1 with all payments, mined by somebody far away. */
function minedAway(): Block {
  const net = new Net({ params, limits: small });
  const [m] = net.add('M');
  for (const tx of txs) expect(m!.send(tx).kind).toBe('tx');
  m!.mineOne();
  net.run(1_000);
  const { chain } = m!.node.view;
  const block = chain.block(chain.tip)!;
  expect(block.txs.length).toBe(txs.length + 1);
  return block;
}

const block = minedAway();
const compact = encodeCompact(block, NONCE);

/** A node that has these payments, and a peer on strings that answers with `answer`. */
function victim(have: readonly Tx[], answer: (peer: Puppet, block: Block) => void = honest) {
  const net = new Net({ params, limits: slow });
  const [node] = net.add('V');
  for (const tx of have) node!.send(tx);
  const peer = new Puppet(net, 'P');
  answer(peer, block);
  peer.meet('V');
  return {
    net,
    node: node!,
    peer,
    verdicts: () => node!.verdicts.filter(({ peer: from }) => from === 'P').map(({ verdict }) => verdict),
    score: () => node!.node.view.peers[0]?.score,
    counts: () => node!.node.view.compact,
  };
}

/** Serves single transactions and the whole block, as whoever announced it can. */
function honest(peer: Puppet): void {
  peer.react = (m) => {
    if (m.kind === 'getblocktxs') {
      const parts = m.indexes.flatMap((place) => block.txs[place] ?? []);
      peer.send('V', blockTxs(parts.length < m.indexes.length ? [] : parts));
    }
    if (m.kind === 'getblocks') peer.send('V', { kind: 'block', bytes: block.bytes });
  };
}

function blockTxs(parts: readonly Tx[]) {
  const bytes = concat(...parts.map((tx) => tx.bytes));
  return { kind: 'blocktxs', hash: block.hash, count: parts.length, bytes } as const;
}

describe('a compact announcement', () => {
  it('is put together from the mempool, without another byte, and goes on', () => {
    const { net, node, peer, verdicts, counts, score } = victim(txs);
    peer.publish('V', 'block', compact);
    net.run(200);
    expect(node.tip.id).toBe(block.id);
    expect(verdicts()).toEqual(['accept']);
    expect(peer.all('getblocks').length + peer.all('getblocktxs').length).toBe(0);
    expect(counts()).toMatchObject({ announced: 1, atOnce: 1, fetched: 0, whole: 0 });
    expect(score()).toBe(100);
    // The very bytes are stored.
    expect(node.node.view.chain.block(node.tip)!.bytes).toEqual(block.bytes);
  });

  it('asks the announcer for exactly what is missing, once', () => {
    const absent = [4, 9, 10];
    const inBlock = (place: number) => block.txs[place]!.id;
    const lacking = new Set(absent.map(inBlock));
    // Children of absent parents cannot be in the pool either.
    const have = txs.filter(({ id, inputs }) => {
      const parent = txs.find(({ txid }) => inputs.some(({ prevout }) => equal(prevout.txid, txid)));
      return !lacking.has(id) && (parent === undefined || !lacking.has(parent.id));
    });
    const { net, node, peer, verdicts, counts, score } = victim(have);
    peer.publish('V', 'block', compact);
    net.run(200);
    const missing = block.txs.flatMap(({ id }, i) => (i === 0 || have.some((tx) => tx.id === id) ? [] : [i]));
    expect(missing).toEqual(expect.arrayContaining(absent));
    expect(peer.all('getblocktxs').map(({ indexes }) => indexes)).toEqual([missing]);
    expect(node.tip.id).toBe(block.id);
    expect(verdicts()).toEqual(['accept']);
    expect(peer.all('getblocks')).toEqual([]);
    expect(counts()).toEqual({ announced: 1, atOnce: 0, fetched: 1, txsFetched: missing.length, whole: 0 });
    expect(score()).toBe(100);
  });

  it('of a block that is here already costs nothing, and is not passed on: anybody may have made up its ids', () => {
    const { net, peer, verdicts, counts } = victim(txs);
    peer.publish('V', 'block', compact);
    net.run(200);
    peer.publish('V', 'block', encodeCompact(block, new Uint8Array(8)));
    net.run(200);
    expect(verdicts()).toEqual(['accept', 'ignore']);
    expect(counts()).toMatchObject({ announced: 1 });
  });

  it('waits for its missing transactions, and lets nobody else in between pay for it', () => {
    const { net, node, peer, verdicts, score } = victim([], (p) => {
      p.react = (m) => {
        if (m.kind === 'getblocks') p.send('V', { kind: 'block', bytes: block.bytes });
      };
    });
    peer.publish('V', 'block', compact);
    net.run(1_000);
    // Another announcement of the same block, while the first one is under way.
    peer.publish('V', 'block', encodeCompact(block, new Uint8Array(8)));
    net.run(100);
    expect(verdicts()).toEqual(['ignore']);
    // No answer comes: gossip hears so in time, and the whole block is asked for.
    net.run(10_000);
    expect(verdicts()).toEqual(['ignore', 'ignore']);
    expect(peer.all('getblocktxs').length).toBe(1);
    expect(peer.all('getblocks').length).toBe(1);
    expect(node.tip.id).toBe(block.id);
    expect(score()).toBe(100);
  });

  it('goes on when the announcer leaves: another peer has the whole block', () => {
    const { net, node, peer } = victim([], () => undefined);
    const other = new Puppet(net, 'Q');
    honest(other);
    other.meet('V', { height: 1, work: 100n, tip: block.hash });
    other.react = (m) => {
      if (m.kind === 'getheaders')
        other.send('V', { kind: 'headers', id: m.id, headers: [block.bytes.slice(0, 80)] });
      if (m.kind === 'getblocks') other.send('V', { kind: 'block', bytes: block.bytes });
    };
    peer.publish('V', 'block', compact);
    net.run(100);
    net.disconnect('P', 'V');
    other.send('V', {
      kind: 'tip',
      header: block.bytes.slice(0, 80),
      height: 1,
      work: 100n,
      gossiped: false,
    });
    net.run(5_000);
    expect(node.tip.id).toBe(block.id);
  });
});

/** The announcement with its short ids changed. */
function withIds(change: (ids: Uint8Array[]) => Uint8Array[]): Uint8Array {
  const decoded = decodeCompact(compact, limits);
  if (!decoded.ok) throw new Error(decoded.error.what);
  const { head, nonce, shortIds, prefilled } = decoded.value;
  const ids = change(txs.map((_, i) => shortIds.subarray(6 * i, 6 * i + 6)));
  const w = new Writer(compact.length).u32(0).bytes(head).bytes(nonce).compactSize(ids.length);
  for (const id of ids) w.bytes(id);
  return w.compactSize(1).compactSize(0).bytes(prefilled[0]!.tx.bytes).finish();
}

/** Short ids are only hints: whatever is wrong with them ends in asking for the whole block, and is nobody's fault. */
describe('short ids that lead astray', () => {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['two payments changed places, as a collision would', withIds(([a, b, ...rest]) => [b!, a!, ...rest])],
    ['one id twice', withIds((ids) => [ids[0]!, ids[0]!, ...ids.slice(2)])],
    ['one id left out', withIds((ids) => ids.slice(1))],
    ['an id of nothing at the end', withIds((ids) => [...ids, Uint8Array.of(1, 0, 0, 0, 0, 0)])],
  ];
  it.each(cases)('%s', (_, bytes) => {
    const { net, node, peer, verdicts, score, counts } = victim(txs);
    peer.publish('V', 'block', bytes);
    net.run(500);
    expect(verdicts()).toEqual(['ignore']);
    expect(peer.all('getblocks').length).toBe(1);
    expect(node.tip.id).toBe(block.id);
    expect(score()).toBe(100);
    expect(counts()).toMatchObject({ announced: 1, whole: 1 });
    expect(node.node.view.chain.block(node.tip)!.bytes).toEqual(block.bytes);
  });

  it('are tried once a block, so that announcements without end cost one search', () => {
    const { net, peer, verdicts, counts } = victim(txs, () => undefined);
    peer.publish(
      'V',
      'block',
      withIds(([a, b, ...rest]) => [b!, a!, ...rest]),
    );
    net.run(300);
    for (let i = 0; i < 20; i++) {
      const nonce = new Uint8Array(8);
      writeU32LE(nonce, 0, i);
      peer.publish('V', 'block', encodeCompact(block, nonce));
    }
    net.run(300);
    expect(verdicts()).toEqual(Array.from({ length: 21 }, () => 'ignore'));
    expect(counts()).toMatchObject({ announced: 21, whole: 21, atOnce: 1 });
  });
});

describe('answers that are wrong', () => {
  const wrong: readonly (readonly [
    string,
    number,
    (places: readonly number[]) => Parameters<Puppet['send']>[1],
  ])[] = [
    ['other transactions than those asked for', 100, (p) => blockTxs(p.map(() => txs[0]!))],
    ['"not from me"', 100, () => ({ kind: 'blocktxs', hash: block.hash, count: 0, bytes: new Uint8Array() })],
    ['one too few', 66, (p) => blockTxs(p.slice(1).map((i) => block.txs[i]!))],
    [
      'bytes that are no transactions',
      66,
      (p) => ({ kind: 'blocktxs', hash: block.hash, count: p.length, bytes: new Uint8Array(40).fill(255) }),
    ],
  ];
  it.each(wrong)('%s: score %i', (_, left, answer) => {
    const { net, node, peer, verdicts, score } = victim(txs.slice(0, 4), (p) => {
      p.react = (m) => {
        if (m.kind === 'getblocktxs') p.send('V', answer(m.indexes));
        if (m.kind === 'getblocks') p.send('V', { kind: 'block', bytes: block.bytes });
      };
    });
    peer.publish('V', 'block', compact);
    net.run(1_000);
    expect(verdicts()).toEqual(['ignore']);
    expect(node.tip.id).toBe(block.id);
    expect(score()).toBe(left);
  });

  it('transactions of a block that nobody asked for', () => {
    const { net, peer, score } = victim(txs);
    peer.send('V', { ...blockTxs([txs[0]!]), hash: new Uint8Array(32).fill(9) });
    net.run(100);
    expect(score()).toBe(95);
  });
});

describe('what is rejected', () => {
  it('a cut announcement, and a header without its work: what everybody can see', () => {
    const cut = victim(txs);
    cut.peer.publish('V', 'block', compact.subarray(0, compact.length - 1));
    cut.net.run(100);
    expect(cut.verdicts()).toEqual(['reject']);

    const bad = victim(txs);
    bad.peer.publish('V', 'block', encodeCompact(makeBlock(unmined(block.header), block.txs), NONCE));
    bad.net.run(100);
    expect(bad.verdicts()).toEqual(['reject']);
    expect(bad.node.told('refused').map(({ rule }) => rule)).toEqual(['high-hash']);
  });

  it('a coinbase that pays too much is found in connect, after the verdict', () => {
    const greedy = claimingMore(block, 1);
    const { net, node, peer, verdicts } = victim(txs);
    peer.publish('V', 'block', encodeCompact(greedy, NONCE));
    net.run(500);
    // Judged before connect, from the bytes and the ancestor headers alone.
    expect(verdicts()).toEqual(['accept']);
    expect(node.tip.height).toBe(0);
    expect(node.told('refused').map(({ rule }) => rule)).toEqual(['bad-cb-amount']);
  });

  it('a block with an unknown parent starts header sync', () => {
    const { net, peer, verdicts } = victim(txs);
    peer.publish('V', 'block', encodeCompact(withHeader(block, { prev: new Uint8Array(32).fill(7) }), NONCE));
    net.run(100);
    expect(verdicts()).toEqual(['ignore']);
    expect(peer.all('getheaders').length).toBe(1);
  });
});

describe('a whole network of it', () => {
  it('a mined block reaches a line of nodes in the compact form; one that lacks a payment fetches it from its neighbour', () => {
    const net = new Net({ params, limits: small });
    const [a, b, c] = net.add('A', 'B', 'C');
    net.connect('A', 'B');
    net.connect('B', 'C');
    net.run(100);
    net.lossyGossip = true;
    for (const tx of txs) a!.send(tx);
    for (const tx of txs.slice(0, 6)) b!.send(tx);
    net.run(50);
    net.lossyGossip = false;
    const published: Uint8Array[] = [];
    a!.watch = (_, step) => {
      for (const effect of step.effects)
        if (effect.kind === 'publish' && effect.topic === 'block') published.push(effect.bytes);
    };
    a!.mineOne();
    net.run(500);
    expect(published.map(isCompact)).toEqual([true]);
    expect(published[0]!.length).toBeLessThan(block.bytes.length / 4);
    expect([b!.tip.id, c!.tip.id]).toEqual([a!.tip.id, a!.tip.id]);
    expect(b!.node.view.compact).toMatchObject({ fetched: 1, txsFetched: 6, whole: 0 });
    expect(c!.node.view.compact).toMatchObject({ announced: 1, whole: 0 });
  });

  it('an empty block travels whole', () => {
    const net = new Net({ params, limits: small });
    const [a] = net.add('A', 'B');
    net.connect('A', 'B');
    net.run(100);
    const published: Uint8Array[] = [];
    a!.watch = (_, step) => {
      for (const effect of step.effects) if (effect.kind === 'publish') published.push(effect.bytes);
    };
    a!.mineOne();
    net.run(200);
    expect(published.map(isCompact)).toEqual([false]);
    expect(net.node('B').node.view.compact).toMatchObject({ announced: 0 });
  });
});
