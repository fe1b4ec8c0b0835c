import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { makeTx } from '../../src/bitcoin/tx.ts';
import { wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { concat } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { claimingMore, headerChain, honestChain, unmined, withHeader } from './blocks.ts';
import { labParams, Net, type NetOptions } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const chain = honestChain(params, 30);

function victim(o: NetOptions = {}, height = 0) {
  const net = new Net({ params, ...o });
  const [node] = net.add('V');
  net.run(60_000);
  for (const { bytes } of chain.slice(0, height)) node!.ask({ kind: 'submit-block', bytes });
  net.run(10);
  expect(node!.tip.height).toBe(height);
  const evil = new Puppet(net, 'E');
  return { net, node: node!, evil };
}

/** After anything hostile: the node still takes an honest block from an honest peer. */
function stillAlive(net: Net): void {
  const [honest] = net.add('H');
  net.connect('H', 'V');
  net.run(500);
  net.until('H has what V has', () => honest!.tip.work >= net.node('V').tip.work);
  net.mine('H');
  net.untilAgreed();
}

describe('hostile frames', () => {
  it('garbage of every length: scored, then dropped and banned, and the node lives', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    const random = seeded('garbage');
    for (let i = 0; i < 50; i++) {
      evil.raw(
        'V',
        Uint8Array.from({ length: random.below(200) }, () => random.below(256)),
      );
    }
    net.run(100);
    expect(node.drops).toMatchObject([
      { peer: 'E', banMs: 600_000, why: expect.stringContaining('malformed-frame') },
    ]);
    expect(node.told('fault').at(-1)).toMatchObject({ peer: 'E', rule: 'malformed-frame', banned: true });
    expect(evil.connected).toBe(false);
    stillAlive(net);
  });

  it('anything before hello: out', () => {
    const { net, node, evil } = victim();
    net.connect('E', 'V');
    evil.send('V', { kind: 'ping', nonce: new Uint8Array(8) });
    net.run(50);
    expect(node.drops).toMatchObject([{ peer: 'E', why: expect.stringContaining('no-hello') }]);
  });

  it('no hello at all: out after a while, not banned', () => {
    const { net, node } = victim();
    net.connect('E', 'V');
    net.run(80_000);
    expect(node.drops).toEqual([{ peer: 'E', why: 'no hello in time', banMs: undefined }]);
  });

  it('another network is refused at hello, and both ids are named', () => {
    const { net, node, evil } = victim();
    const other = labParams('other');
    net.connect('E', 'V');
    evil.hello('V', { genesis: other.genesisHash });
    net.run(50);
    expect(node.drops[0]!.why).toContain(other.genesisId);
    expect(node.drops[0]!.why).toContain(params.genesisId);
    expect(node.node.view.peers).toEqual([]);
  });

  it('silence after hello: pinged, then dropped', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    net.run(60_000);
    expect(evil.all('ping')).toHaveLength(1);
    expect(node.drops).toEqual([]);
    net.run(30_000);
    expect(node.drops).toMatchObject([
      { peer: 'E', banMs: undefined, why: expect.stringContaining('silent') },
    ]);
  });

  it('a flood of well-formed frames runs into the frame budget', () => {
    const { net, node, evil } = victim({ limits: { framesBurst: 100, framesPerSecond: 10 } });
    evil.meet('V');
    for (let i = 0; i < 200; i++) evil.send('V', { kind: 'ping', nonce: new Uint8Array(8) });
    net.run(50);
    expect(evil.all('pong').length).toBeLessThanOrEqual(100);
    expect(node.drops).toMatchObject([{ peer: 'E', why: expect.stringContaining('flood') }]);
  });

  it('a flood of requests is served in turns and ends in a drop, not in a long step', () => {
    const { net, node, evil } = victim(
      { limits: { serveBytesPerStep: 1_000, serveBytesPerSecond: 2_000 } },
      30,
    );
    evil.meet('V');
    let most = 0;
    node.watch = (_, step) => {
      const sent = step.effects.reduce((sum, e) => sum + (e.kind === 'send' ? e.bytes.length : 0), 0);
      most = Math.max(most, sent);
    };
    for (let i = 0; i < 20; i++) {
      evil.send('V', { kind: 'getblocks', ids: chain.slice(0, 16).map(({ hash }) => hash) });
    }
    net.run(1_000);
    expect(most).toBeLessThan(1_000 + 2 * chain[0]!.bytes.length);
    expect(node.told('fault').map(({ rule }) => rule)).toContain('too-many-requests');
    stillAlive(net);
  });

  it('answers that nobody asked for cost points', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    evil.send('V', { kind: 'headers', id: 77, headers: [] });
    evil.send('V', { kind: 'block', bytes: chain[5]!.bytes });
    evil.send('V', { kind: 'notfound', ids: [chain[5]!.hash] });
    evil.send('V', { kind: 'tx', bytes: pay([genesisCoin(params, 'bob')], 'carol', 5_000).bytes });
    net.run(50);
    expect(node.told('fault').map(({ rule }) => rule)).toEqual([
      'unrequested',
      'unrequested',
      'unrequested',
      'unrequested',
    ]);
    expect(node.node.view.peers[0]!.score).toBe(80);
    // Time heals.
    evil.react = (m) => (m.kind === 'ping' ? evil.send('V', { kind: 'pong', nonce: m.nonce }) : undefined);
    net.run(150_000);
    expect(node.node.view.peers[0]!.score).toBeGreaterThanOrEqual(90);
  });
});

describe('hostile headers', () => {
  it('a header without proof of work: rejected by gossip, and its sender is out', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    const bad = concat(encodeHeader(unmined(chain[0]!.header)), chain[0]!.bytes.subarray(80));
    evil.publish('V', 'block', bad);
    net.run(50);
    expect(node.verdicts).toEqual([{ peer: 'E', verdict: 'reject' }]);
    expect(node.drops).toMatchObject([{ peer: 'E', why: expect.stringContaining('high-hash') }]);
  });

  it('blocks with unknown parents: ignored, and asked about only so often', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    for (const block of chain.slice(5, 30)) evil.publish('V', 'block', block.bytes);
    net.run(100);
    expect(node.verdicts.every(({ verdict }) => verdict === 'ignore')).toBe(true);
    // One request at a time, and it is never answered.
    expect(evil.all('getheaders')).toHaveLength(1);
    const prefixes = [PREFIX.entry, PREFIX.body].map((prefix) => node.store.rows(prefix).length);
    expect(prefixes).toEqual([1, 1]);
    evil.react = (m) =>
      m.kind === 'getheaders' ? evil.send('V', { kind: 'headers', id: m.id, headers: [] }) : undefined;
    net.run(20_000);
    const before = evil.all('getheaders').length;
    for (let i = 0; i < 100; i++) {
      evil.publish('V', 'block', withHeader(chain[7]!, { time: chain[7]!.header.time + i }).bytes);
      net.run(10);
    }
    expect(evil.all('getheaders').length - before).toBeLessThanOrEqual(10);
    stillAlive(net);
  });

  it('a long branch with too little work stays in its sender’s buffer, is given up, and leaves no trace', () => {
    // Tip at 30; a branch off the genesis may enter only above 30 − 8 blocks of work.
    const { net, node, evil } = victim(
      { limits: { nearTipBlocks: 8, maxHeadersPerMessage: 5, headerBufferPerPeer: 15 } },
      30,
    );
    const cheap = headerChain(params.genesis.header, 22);
    let given = 0;
    evil.react = (m) => {
      if (m.kind !== 'getheaders') return;
      evil.send('V', { kind: 'headers', id: m.id, headers: cheap.slice(given, given + 5) });
      given += 5;
    };
    const entries = [...node.node.view.chain.entries()].length;
    const rows = node.store.rows().length;
    evil.meet('V', { work: 10n ** 6n, tip: new Uint8Array(32).fill(7) });
    net.run(300);
    expect(given).toBeGreaterThanOrEqual(15);
    expect([...node.node.view.chain.entries()]).toHaveLength(entries);
    expect(node.store.rows().length).toBe(rows);
    expect(node.node.view.peers[0]!.headersBuffered).toBe(0);
  });

  it('side branches near the tip are rationed per peer', () => {
    const { net, node, evil } = victim({ limits: { sideHeadersBurst: 6, sideHeadersPerMinute: 1 } }, 30);
    evil.meet('V');
    const parent = chain[28]!.header;
    for (let i = 0; i < 20; i++) {
      const [header] = headerChain(parent, 1, 1 + i);
      evil.send('V', { kind: 'tip', header: header!, height: 30, work: 1n, gossiped: false });
    }
    net.run(100);
    const side = [...node.node.view.chain.entries()].filter(({ height }) => height === 30);
    expect(side).toHaveLength(1 + 6);
    expect(node.drops).toEqual([]);
    stillAlive(net);
  });

  it('full answers that lead nowhere end the conversation', () => {
    const { net, node, evil } = victim({ limits: { maxHeadersPerMessage: 5 } }, 10);
    const same = chain.slice(0, 5).map(({ header }) => encodeHeader(header));
    evil.react = (m) =>
      m.kind === 'getheaders' ? evil.send('V', { kind: 'headers', id: m.id, headers: same }) : undefined;
    evil.meet('V', { work: 10n ** 6n, tip: new Uint8Array(32).fill(7) });
    net.run(5_000);
    expect(evil.all('getheaders').length).toBeLessThanOrEqual(2);
    expect(node.node.view.peers).toHaveLength(1);
  });

  it('headers that do not follow one another, or what we named, cost points', () => {
    const { net, node, evil } = victim();
    evil.react = (m) => {
      if (m.kind !== 'getheaders') return;
      const headers = [chain[0]!, chain[2]!].map(({ header }) => encodeHeader(header));
      evil.send('V', { kind: 'headers', id: m.id, headers });
    };
    evil.meet('V', { tip: chain[2]!.hash });
    net.run(100);
    expect(node.told('fault')).toMatchObject([{ rule: 'unconnected-headers' }]);
  });
});

describe('hostile bodies', () => {
  it('a mutated body by gossip is rejected and condemns nothing: the honest one connects', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    const spoilt = chain[0]!.bytes.slice();
    spoilt[spoilt.length - 60]! ^= 1;
    evil.publish('V', 'block', spoilt);
    net.run(50);
    expect(node.verdicts).toEqual([{ peer: 'E', verdict: 'reject' }]);
    evil.publish('V', 'block', chain[0]!.bytes);
    net.run(50);
    expect(node.verdicts.at(-1)).toEqual({ peer: 'E', verdict: 'accept' });
    expect(node.tip.id).toBe(chain[0]!.id);
  });

  it('a body with bytes behind it, a cut one, an empty one', () => {
    const { net, node, evil } = victim({ limits: { scoreFull: 10_000 } });
    evil.meet('V');
    const { bytes } = chain[0]!;
    for (const bad of [
      concat(bytes, Uint8Array.of(0)),
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, 80),
      new Uint8Array(),
    ]) {
      evil.publish('V', 'block', bad);
    }
    net.run(50);
    expect(node.verdicts.map(({ verdict }) => verdict)).toEqual(['reject', 'reject', 'reject', 'reject']);
    evil.publish('V', 'block', bytes);
    net.run(50);
    expect(node.tip.height).toBe(1);
  });

  it('blocks that fail in connect: accepted while the budget lasts, then judged after connect', () => {
    const { net, node, evil } = victim({ limits: { badConnectBudget: 2 } });
    evil.meet('V');
    // Found only when the fees are known, so gossip cannot be told at once.
    for (let i = 0; i < 4; i++) {
      evil.publish('V', 'block', overpaid(chain[0]!.header.time + i).bytes);
      net.run(50);
    }
    expect(node.verdicts.map(({ verdict }) => verdict)).toEqual(['accept', 'accept', 'ignore', 'ignore']);
    expect(node.node.view.peers[0]!.blocksRefused).toBe(4);
    expect(node.told('refused').map(({ rule }) => rule)).toEqual(Array(4).fill('bad-cb-amount'));
    // Nobody asked for them, so no points are lost; and a good one is accepted, a moment later.
    expect(node.node.view.peers[0]!.score).toBe(100);
    evil.publish('V', 'block', chain[0]!.bytes);
    net.run(50);
    expect(node.verdicts.at(-1)).toEqual({ peer: 'E', verdict: 'accept' });
    expect(node.tip.height).toBe(1);
  });

  it('a peer that answers our request with a block that fails in connect loses points', () => {
    const { net, node, evil } = victim();
    const bad = overpaid(chain[0]!.header.time);
    evil.react = (m) => {
      if (m.kind === 'getheaders')
        evil.send('V', { kind: 'headers', id: m.id, headers: [encodeHeader(bad.header)] });
      if (m.kind === 'getblocks') evil.send('V', { kind: 'block', bytes: bad.bytes });
    };
    evil.meet('V', { tip: bad.hash });
    net.run(100);
    expect(node.told('fault')).toMatchObject([{ rule: 'bad-connect', banned: false }]);
    expect(node.node.view.chain.entry(bad.hash)?.condemned).toBe('bad-cb-amount');
    expect(node.tip.height).toBe(0);
    stillAlive(net);
  });

  it('gossip far below the tip is ignored and not stored', () => {
    const { net, node, evil } = victim({ limits: { nearTipBlocks: 10 } }, 30);
    evil.meet('V');
    const old = withHeader(chain[3]!, { time: chain[3]!.header.time + 1 });
    const bodies = node.store.rows(PREFIX.body).length;
    evil.publish('V', 'block', old.bytes);
    net.run(50);
    expect(node.verdicts).toEqual([{ peer: 'E', verdict: 'ignore' }]);
    expect(node.store.rows(PREFIX.body).length).toBe(bodies);
    expect(node.drops).toEqual([]);
  });
});

describe('hostile transactions', () => {
  it('garbage by gossip is rejected and scored', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    evil.publish('V', 'tx', Uint8Array.of(1, 2, 3));
    net.run(50);
    expect(node.verdicts).toEqual([{ peer: 'E', verdict: 'reject' }]);
    expect(node.told('fault')).toMatchObject([{ rule: 'bad-tx' }]);
  });

  it('a double spend is ignored: another honest node may hold the other one', () => {
    const { net, node, evil } = victim();
    evil.meet('V');
    const coin = genesisCoin(params, 'alice');
    evil.publish('V', 'tx', pay([coin], 'bob', 1_000_000).bytes);
    evil.publish('V', 'tx', pay([coin], 'carol', 2_000_000).bytes);
    net.run(50);
    expect(node.verdicts.map(({ verdict }) => verdict)).toEqual(['accept', 'ignore']);
    expect(node.told('tx-refused')).toHaveLength(1);
    expect(node.told('fault')).toEqual([]);
  });

  it('an orphan waits, its parent is asked of the sender, and both go on together', () => {
    const { net, node, evil } = victim();
    const [other] = net.add('W');
    net.connect('V', 'W');
    evil.meet('V');
    const parent = pay([genesisCoin(params, 'alice')], 'bob', 1_000_000);
    const child = pay([outputOf(parent, 0, 'bob')], 'carol', 900_000);
    evil.publish('V', 'tx', child.bytes);
    net.run(50);
    expect(node.verdicts).toEqual([{ peer: 'E', verdict: 'ignore' }]);
    expect(node.node.view.orphanTxs).toBe(1);
    expect(evil.all('gettxs').flatMap(({ ids }) => ids)).toEqual([parent.txid]);
    evil.send('V', { kind: 'tx', bytes: parent.bytes });
    net.run(200);
    expect(node.node.view.orphanTxs).toBe(0);
    const ids = (view: typeof node.node.view) => [...view.mempool.entries()].map(({ tx }) => tx.id);
    expect(ids(node.node.view)).toEqual([parent.id, child.id]);
    expect(ids(other!.node.view)).toEqual([parent.id, child.id]);
  });

  it('a flood of orphans is bounded', () => {
    const { net, node, evil } = victim({ limits: { orphanTxs: 10, orphanTxsPerPeer: 5 } });
    evil.meet('V');
    for (let i = 0; i < 40; i++) {
      const tx = makeTx({
        version: 2,
        inputs: [
          {
            prevout: { txid: new Uint8Array(32).fill(i + 1), index: 0 },
            script: new Uint8Array(),
            sequence: 0,
            witness: [new Uint8Array(71), new Uint8Array(33)],
          },
        ],
        outputs: [{ value: 1_000, script: wellKnownScript('bob') }],
        lockTime: 0,
      });
      evil.publish('V', 'tx', tx.bytes);
    }
    net.run(50);
    expect(node.node.view.orphanTxs).toBeLessThanOrEqual(5);
    stillAlive(net);
  });
});

/** Fails in connect alone: the coinbase takes one satoshi too much. */
function overpaid(time: number) {
  return claimingMore(chain[0]!, 1, { time });
}
