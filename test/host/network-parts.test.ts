import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import '../../src/host/net/polyfill.ts';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { parseAddress, parseListenAddress } from '../../src/host/net/address.ts';
import { Reputation } from '../../src/host/net/bans.ts';
import { Dialer } from '../../src/host/net/dialer.ts';
import { loadIdentity } from '../../src/host/net/identity.ts';
import { netLimits } from '../../src/host/net/limits.ts';
import { LinkConnection, ReceiveTurn } from '../../src/host/net/link.ts';
import { sleep, until } from './network-rig.ts';

const PEERS = [
  '12D3KooWEySue5voK23qPgeUMUKfHTZTwzqp9TzyMnBp9ycmJdyB',
  '12D3KooWKm1JP4VE9Pu1kJ984E1TZMZ8dXcuAP4GU2cxqN7zTi3M',
] as const;

describe('an address', () => {
  it('is read with and without a peer id', () => {
    expect(parseAddress(` /ip4/127.0.0.1/tcp/9/p2p/${PEERS[0]} `).peer).toBe(PEERS[0]);
    expect(parseAddress('/ip4/127.0.0.1/tcp/9').peer).toBeUndefined();
  });

  it.each([
    ['127.0.0.1:9000', /"127\.0\.0\.1:9000" is not a multiaddress such as \/ip4/],
    ['', /is not a multiaddress|has no \/tcp/],
    ['/ip4/300.1.1.1/tcp/1', /is not a multiaddress/],
    ['/ip4/127.0.0.1/tcp/0/ws', /^"\/ip4.*ws" has a \/ws part after its port, .*: leave it out$/],
    [
      '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWEySue5voK23qPgeUMUKfHTZTwzqp9TzyMnBp9ycmJdyB/p2p-circuit',
      /p2p-circuit part/,
    ],
    ['/ip4/127.0.0.1/udp/9', /has no \/tcp\/PORT/],
    ['/ip4/127.0.0.1/tcp/9/p2p/nobody', /is not a multiaddress|peer id/],
  ])('%j is refused with a sentence', (text, sentence) => {
    expect(() => parseAddress(text)).toThrow(sentence);
  });

  it.each(['/ip4/0.0.0.0/tcp/9', '/ip4/192.0.2.2/tcp/9', '/ip6/::/tcp/9', '/dns4/localhost/tcp/9'])(
    'refuses to listen on %s: it reaches beyond this machine',
    (text) => {
      expect(() => parseListenAddress(text)).toThrow(/this machine alone/);
    },
  );

  it.each(['/ip4/127.0.0.1/tcp/0', '/ip4/127.1.2.3/tcp/9', '/ip6/::1/tcp/9'])('may listen on %s', (text) => {
    expect(parseListenAddress(text).text).toBe(text);
  });
});

describe('the identity', () => {
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-identity-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('is made once, kept, and readable by its owner only', async () => {
    const first = peerIdFromPrivateKey(await loadIdentity(dir)).toString();
    expect(statSync(join(dir, 'identity')).mode & 0o777).toBe(0o600);
    expect(peerIdFromPrivateKey(await loadIdentity(dir)).toString()).toBe(first);
  });

  it('that is damaged is refused by its file name, and left as it is', async () => {
    const bad = mkdtempSync(join(dir, 'bad-'));
    writeFileSync(join(bad, 'identity'), 'no key at all\n');
    await expect(loadIdentity(bad)).rejects.toThrow(`${join(bad, 'identity')} does not hold a peer identity`);
    expect(readFileSync(join(bad, 'identity'), 'utf8')).toBe('no key at all\n');
  });
});

describe('reputation', () => {
  it('fades by half, bans at the bound, and bans end', () => {
    let now = 0;
    const r = new Reputation(() => now);
    expect(r.blame('p', 60)).toBe(false);
    now += netLimits.demeritHalfLifeMs;
    expect(r.points('p')).toBeCloseTo(30, 6);
    expect(r.blame('p', 60)).toBe(false);
    expect(r.blame('p', 20)).toBe(true);
    r.ban('p', 1_000);
    r.ban('p', 10);
    expect(r.banned('p')).toBe(true);
    now += 999;
    expect(r.banned('p')).toBe(true);
    now += 1;
    expect(r.banned('p')).toBe(false);
    expect(r.points('p')).toBeGreaterThan(100);
  });

  it('is bounded', () => {
    const r = new Reputation(() => 0);
    for (let i = 0; i < netLimits.remembered + 50; i++) r.ban(`p${i}`, 1_000);
    expect(r.size).toBe(netLimits.remembered);
    expect(r.banned('p0')).toBe(false);
    expect(r.banned(`p${netLimits.remembered + 49}`)).toBe(true);
  });
});

describe('the dialer', () => {
  const at = (port: number, peer?: string) =>
    `/ip4/127.0.0.1/tcp/${port}${peer === undefined ? '' : `/p2p/${peer}`}`;

  it('never dials one peer twice at a time, nor an address more often than agreed', async () => {
    const starts = new Map<string, number[]>();
    const running = new Map<string | undefined, number>();
    const together: number[] = [];
    const dialer = new Dialer({
      wanted: () => true,
      note: () => undefined,
      dial: async (address) => {
        starts.set(address.text, [...(starts.get(address.text) ?? []), performance.now()]);
        running.set(address.peer, (running.get(address.peer) ?? 0) + 1);
        if (address.peer !== undefined) together.push(running.get(address.peer)!);
        await sleep(40);
        running.set(address.peer, running.get(address.peer)! - 1);
        throw new Error('nobody');
      },
    });
    for (const port of [1, 2, 3]) dialer.add(at(port, PEERS[0]));
    dialer.add(at(4, PEERS[1]));
    dialer.add(at(4, PEERS[1]));
    const begun = performance.now();
    dialer.start();
    await until('four rounds', () => (starts.get(at(4, PEERS[1]))?.length ?? 0) >= 4);
    dialer.close();
    expect(together.every((n) => n === 1)).toBe(true);
    expect([...starts.keys()].sort()).toEqual([
      at(1, PEERS[0]),
      at(2, PEERS[0]),
      at(3, PEERS[0]),
      at(4, PEERS[1]),
    ]);
    for (const times of starts.values()) {
      for (const [i, t] of times.entries()) expect(t - begun).toBeGreaterThanOrEqual(i * netLimits.retryMs);
    }
  });

  it('bounds dials under way, stops one on request, and starts at once when kicked', async () => {
    let running = 0;
    let most = 0;
    let wanted = true;
    let dials = 0;
    const dialer = new Dialer({
      wanted: () => wanted,
      note: () => undefined,
      dial: (_, signal) =>
        new Promise((_, reject) => {
          dials++;
          most = Math.max(most, ++running);
          signal.addEventListener('abort', () => {
            running--;
            reject(new Error('aborted'));
          });
        }),
    });
    for (let port = 1; port <= 20; port++) dialer.add(at(port));
    dialer.add(at(50, PEERS[0]));
    dialer.start();
    await sleep(50);
    expect(most).toBe(netLimits.parallelDials);
    wanted = false;
    dialer.cancelAll();
    await sleep(50);
    expect(running).toBe(0);
    const before = dials;
    wanted = true;
    dialer.kick();
    expect(dials).toBe(before + netLimits.parallelDials);
    dialer.close();
    await sleep(20);
    expect(running).toBe(0);
  });

  it('says once that it cannot reach an address, in words that fit a line', async () => {
    const notes: string[] = [];
    const why = `Payload identity key ${PEERS[1]} does not match expected remote identity key ${PEERS[0]}`;
    const dialer = new Dialer({
      wanted: () => true,
      note: (text) => notes.push(text),
      dial: () => Promise.reject(new Error(why)),
    });
    dialer.add(at(18_649, PEERS[0]));
    dialer.start();
    await until('a note', () => notes.length > 0);
    dialer.close();
    expect(notes).toEqual(['cannot reach /ip4/127.0.0.1/tcp/18649 (another node answers there); trying on']);
  });
});

describe('a delayed link', () => {
  function pair() {
    const [near, far] = multiaddrConnectionPair();
    const got: { byte: number; at: number }[] = [];
    const total = { bytes: 0 };
    far.addEventListener('message', (event) => {
      total.bytes += event.data.byteLength;
      if (event.data.byteLength > 1_000) return;
      for (const byte of event.data.subarray()) got.push({ byte, at: performance.now() });
    });
    return { link: new LinkConnection(near, new ReceiveTurn()), got, total };
  }

  it('keeps order whatever is done to its delay, and delays each by what was set when it was sent', async () => {
    const { link, got } = pair();
    const sent: number[] = [];
    const delays = [0, 120, 30, 0, 200, 0, 10];
    for (let i = 0; i < 210; i++) {
      if (i % 30 === 0) link.setDelay(delays[i / 30]!);
      sent.push(performance.now());
      link.send(Uint8Array.of(i));
      if (i % 5 === 0) await sleep(1);
    }
    await until('all arrived', () => got.length === 210);
    expect(got.map((g) => g.byte)).toEqual(Array.from({ length: 210 }, (_, i) => i));
    for (let i = 0; i < 210; i++)
      expect(got[i]!.at - sent[i]!).toBeGreaterThanOrEqual(delays[Math.floor(i / 30)]!);
    expect(link.heldBytes).toBe(0);
    expect(link.bytesSent).toBe(210);
    link.abort(new Error('done'));
  });

  it('says when it is full, and when it may be written to again', async () => {
    const { link, total } = pair();
    link.setDelay(100);
    const chunk = new Uint8Array(1 << 20);
    let count = 0;
    while (link.send(chunk)) count++;
    expect(link.heldBytes).toBeGreaterThanOrEqual(netLimits.delayedBytes);
    expect(link.heldBytes).toBeLessThanOrEqual(netLimits.delayedBytes + chunk.length);
    await link.onDrain();
    expect(link.heldBytes).toBeLessThan(netLimits.delayedBytes);
    await until('all arrived', () => total.bytes === (count + 1) * chunk.length);
    link.abort(new Error('done'));
  });

  it('that is cut loses what was under way, and holds no timer', async () => {
    const { link, got } = pair();
    link.setDelay(50);
    link.send(Uint8Array.of(1));
    link.abort(new Error('cut'));
    expect(link.heldBytes).toBe(0);
    await sleep(120);
    expect(got).toEqual([]);
  });

  it('that has ended, before or after one waits for its first bytes, is waited for no longer', async () => {
    for (const first of ['end', 'wait']) {
      const { link } = pair();
      if (first === 'end') link.abort(new Error('evicted'));
      const waited = expect(link.firstBytes()).rejects.toThrow('before it said anything');
      if (first === 'wait') link.abort(new Error('evicted'));
      await waited;
    }
  });
});
