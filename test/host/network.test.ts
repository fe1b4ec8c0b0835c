import { test as base, describe, expect } from 'vitest';
import { netLimits } from '../../src/host/net/limits.ts';
import { address, blob, connected, type Rig, Rigs, rules, sleep, until } from './network-rig.ts';

/** Much of this waits: tests have networks of their own, so that those which leave the machine idle wait together. */
const it = base.extend<{ rigs: Rigs }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names from the pattern
  rigs: async ({}, use) => {
    const rigs = new Rigs();
    await use(rigs);
    await rigs.close();
  },
});

async function pair(rigs: Rigs): Promise<[Rig, Rig]> {
  const a = await rigs.start('A');
  const b = await rigs.start('B', { connect: [address(a)] });
  await until('A and B connected', () => connected(a, b));
  return [a, b];
}

describe.concurrent('five networks', () => {
  it('join each pair once, and gossip reaches all of them once, small and of a megabyte', async ({
    rigs,
  }) => {
    const all: Rig[] = [];
    for (const name of 'ABCDE') all.push(await rigs.start(name, { connect: all.map(address) }));
    await until('all connected', () => all.every((r) => r.net.peers().length === 4));
    for (const [tag, from] of all.entries()) {
      from.net.publish('tx', blob(tag, 1_000));
      from.net.publish('block', blob(100 + tag, 1 << 20));
    }
    await until('all heard', () => all.every((r) => r.gossip.length >= 8));
    await sleep(300);
    for (const [me, r] of all.entries()) {
      expect(new Set(r.joined).size).toBe(4);
      expect(r.joined.length).toBe(4);
      expect(r.left).toEqual([]);
      const tags = r.gossip.map((g) => new DataView(g.bytes.buffer, g.bytes.byteOffset).getUint32(0, true));
      const others = [0, 1, 2, 3, 4].filter((i) => i !== me);
      expect(tags.sort((x, y) => x - y)).toEqual([...others, ...others.map((i) => 100 + i)]);
      for (const g of r.gossip) expect(g.bytes.length).toBe(g.topic === 'block' ? 1 << 20 : 1_000);
      expect(r.notes).toEqual([]);
    }
  });

  it('in a line hear each other: verdicts pass messages on, and only accepted ones', async ({ rigs }) => {
    const [a, b] = await pair(rigs);
    const c = await rigs.start('C', { connect: [address(b)] });
    await until('B and C connected', () => connected(b, c));
    b.verdict = (bytes) => (bytes[0] === 1 ? 'accept' : 'ignore');
    a.net.publish('tx', blob(2, 100));
    a.net.publish('tx', blob(1, 100));
    await until('C hears', () => c.gossip.length > 0);
    await sleep(200);
    expect(c.gossip.map((g) => g.bytes[0])).toEqual([1]);
    expect(c.gossip[0]!.peer).toBe(b.net.peerId);
    // What it relayed is one message on that link, and what it kept to itself two on the other.
    expect(c.net.peers().map((p) => p.messagesReceived)).toEqual([1]);
    const fromA = b.net.peers().find((p) => p.peer === a.net.peerId);
    expect(fromA?.messagesReceived).toBe(2);
    expect(a.net.peers().length + c.net.peers().length).toBe(2);
  });
});

describe('gossip', () => {
  it('published before anybody is there comes to the first peer; a repeated one is silently the same', async ({
    rigs,
  }) => {
    const a = await rigs.start('A');
    a.net.publish('block', blob(1, 50));
    a.net.publish('block', blob(2, 50));
    const b = await rigs.start('B', { connect: [address(a)] });
    await until('joined', () => a.joined.length === 1 && b.joined.length === 1);
    await sleep(100);
    // It waits until the hellos have gone, which are a node's: here they are any frame.
    expect(b.gossip.length).toBe(0);
    a.net.send(b.net.peerId, Uint8Array.of(1));
    b.net.send(a.net.peerId, Uint8Array.of(1));
    await until('both heard', () => b.gossip.length === 2);
    a.net.publish('block', blob(1, 50));
    b.net.publish('block', blob(2, 50));
    await sleep(200);
    expect(b.gossip.length).toBe(2);
    expect(a.gossip.length).toBe(0);
    expect([...a.notes, ...b.notes]).toEqual([]);
  });

  it('over the size is refused before it is sent', async ({ rigs }) => {
    const [a] = await pair(rigs);
    expect(() => a.net.publish('block', new Uint8Array((2 << 20) + 1))).toThrow(
      'a gossip message of 2097153 bytes, at most 2097152 are allowed',
    );
  });

  it('that is rejected bans its sender within a few messages, for a time, in both directions', async ({
    rigs,
  }) => {
    const [a, b] = await pair(rigs);
    a.verdict = () => 'reject';
    await until('B is banned', () => {
      b.net.publish('tx', blob(b.left.length === 0 ? Math.floor(performance.now()) : 0, 100));
      return a.left.length === 1;
    });
    expect(a.gossip.length).toBeLessThanOrEqual(8);
    expect(a.notes.join()).toMatch(/banned 12D3Koo\w+ for 600 s: an invalid tx by gossip/);
    void a.net.add(address(b));
    await sleep(1_500);
    expect(a.joined.length).toBe(1);
    expect(b.left).toEqual([a.net.peerId]);
  });

  it('over the size from a peer with other limits, like an oversize frame, costs the peer its connection and a ban', async ({
    rigs,
  }) => {
    const a = await rigs.start('A', { maxGossip: 100_000, maxFrame: 100_000 });
    const b = await rigs.start('B', { connect: [address(a)] });
    const c = await rigs.start('C', { connect: [address(a)] });
    await until('connected', () => connected(a, b) && connected(a, c));
    b.net.publish('tx', blob(1, 1 << 20));
    c.net.send(a.net.peerId, blob(1, 100_001));
    await until('both gone', () => a.net.peers().length === 0);
    await sleep(1_200);
    expect(a.joined.length).toBe(2);
    expect(a.gossip).toEqual([]);
    expect(a.frames).toEqual([]);
    expect(a.notes.map((n) => n.replace(/12D3Koo\w+/, 'PEER')).sort()).toEqual([
      'banned PEER for 600 s: a frame of 100001 bytes, at most 100000 are allowed',
      expect.stringMatching(
        /^banned PEER for 600 s: oversize gossip: a frame of 1\d+ bytes, at most 165536 /,
      ),
    ]);
  });
});

describe('frames', () => {
  it('come in order, both ways, of every size; sending to a stranger or over the size is what it is', async ({
    rigs,
  }) => {
    const [a, b] = await pair(rigs);
    const sizes = [0, 1, 3, 4, 100, 65_536, 300_000, 4 << 20, 5];
    for (const size of sizes) {
      a.net.send(b.net.peerId, new Uint8Array(size).fill(7));
      b.net.send(a.net.peerId, new Uint8Array(size).fill(9));
    }
    await until('all', () => a.frames.length === sizes.length && b.frames.length === sizes.length);
    expect(b.frames.map((f) => f.bytes.length)).toEqual(sizes);
    expect(a.frames.every((f) => f.bytes.every((x) => x === 9))).toBe(true);
    a.net.send('12D3KooWEySue5voK23qPgeUMUKfHTZTwzqp9TzyMnBp9ycmJdyB', new Uint8Array(3));
    expect(() => a.net.send(b.net.peerId, new Uint8Array((4 << 20) + 1))).toThrow(
      'at most 4194304 are allowed',
    );
    const [info] = a.net.peers();
    expect(info!.bytesSent).toBeGreaterThan(4_500_000);
    expect(info!.bytesReceived).toBeGreaterThan(4_500_000);
    // Neither the parts of a frame nor pings and the upkeep of gossip are messages.
    expect(info!.messagesReceived).toBe(sizes.length);
    expect(info!.inbound).toBe(true);
  });

  it('are pushed back by a promise, and a peer that does not read is dropped at the bound, the others unharmed', async ({
    rigs,
  }) => {
    const [a, slow] = await pair(rigs);
    const fast = await rigs.start('fast', { connect: [address(a)] });
    await until('connected', () => connected(a, fast));
    let release: () => void = () => undefined;
    slow.onFrame = () => new Promise<void>((done) => (release = done));
    let sent = 0;
    for (; sent < 40; sent++) a.net.send(slow.net.peerId, blob(sent, 200_000));
    a.net.send(fast.net.peerId, blob(1, 1_000));
    await until('the fast one has its frame', () => fast.frames.length === 1);
    await sleep(300);
    expect(slow.frames.length).toBe(1);
    release();
    await until('one more', () => slow.frames.length === 2);
    await sleep(100);
    expect(slow.frames.length).toBe(2);
    // More than a window, more than the queue: it must not pile up for ever.
    const bound = netLimits.writeQueueBytes + 2 * netLimits.streamWindowBytes;
    for (; slow.left.length === 0 && sent * 200_000 < 2 * bound; sent++) {
      a.net.send(slow.net.peerId, blob(sent, 200_000));
      if (sent % 20 === 0) await sleep(5);
    }
    expect(sent * 200_000).toBeLessThan(bound + 40 * 200_000);
    expect(a.left).toEqual([slow.net.peerId]);
    expect(a.notes[0]).toMatch(/does not read/);
    a.net.send(fast.net.peerId, blob(2, 1_000));
    await until('the fast one goes on', () => fast.frames.length === 2);
    expect(slow.frames.length).toBeLessThan(5);
  });
});

describe('links', () => {
  it('refused are cut at once and stay cut; allowed again they are back within about a second, and gossip too', async ({
    rigs,
  }) => {
    const [a, b] = await pair(rigs);
    a.net.setLinks(rules({ refuse: [b.net.peerId] }));
    await until('cut on both sides', () => a.left.length === 1 && b.left.length === 1);
    await sleep(1_500);
    expect(a.joined.length + b.joined.length).toBe(2);
    a.net.setLinks(rules({}));
    const healing = performance.now();
    await until('healed', () => connected(a, b));
    // Said here as a generous bound; it takes about 70 ms.
    expect(performance.now() - healing).toBeLessThan(5_000);
    b.net.publish('block', blob(5, 100));
    await until('gossip again', () => a.gossip.length === 1);
    expect(a.net.links).toEqual({ refuse: [], delayMs: 0, delayTo: {} });
  });

  it('delay gossip and frames alike, one way, and not the handshake; per link; and after a reconnect too', async ({
    rigs,
  }) => {
    const a = await rigs.start('A');
    a.net.setLinks(rules({ delayMs: 150 }));
    const b = await rigs.start('B', { connect: [address(a)] });
    const c = await rigs.start('C', { connect: [address(a)] });
    await until('connected', () => connected(a, b) && connected(a, c));
    const measure = async (to: Rig, tag: number): Promise<[number, number]> => {
      const [frames, gossip, t] = [to.frames.length, to.gossip.length, performance.now()];
      a.net.send(to.net.peerId, blob(tag, 100));
      a.net.publish('tx', blob(tag, 100));
      await until('both', () => to.frames.length > frames && to.gossip.length > gossip);
      return [to.frames.at(-1)!.at - t, to.gossip.at(-1)!.at - t];
    };
    const near = (ms: number, got: [number, number]) => {
      for (const x of got) expect(x).toBeGreaterThanOrEqual(ms);
      // A busy machine may add to it, never take away: the exact measure is the best of a few.
      return Math.max(...got) - ms <= Math.max(3, ms / 10);
    };
    let exact = false;
    for (let i = 0; i < 30 && !exact; i++) exact = near(150, await measure(b, i));
    expect(exact).toBe(true);
    a.net.setLinks(rules({ delayMs: 0, delayTo: { [b.net.peerId]: 60 } }));
    near(60, await measure(b, 50));
    const back: number[] = [];
    for (let i = 0; i < 30 && !back.some((ms) => ms < 60); i++) {
      const t = performance.now();
      b.net.send(a.net.peerId, blob(1, 10));
      await until('it came', () => a.frames.length > i);
      back.push(a.frames[i]!.at - t);
    }
    expect(Math.min(...back), 'the other way is not delayed').toBeLessThan(60);
    b.net.drop(a.net.peerId, 'test');
    await until('gone', () => a.left.length === 1);
    await until('back', () => connected(a, b));
    near(60, await measure(b, 51));
    expect(() => a.net.setLinks(rules({ delayMs: -1 }))).toThrow('a delay of -1 ms');
  });

  it('are all closed while the network is off, and come back when it is on', async ({ rigs }) => {
    const [a, b] = await pair(rigs);
    a.net.setActive(false);
    await until('closed', () => b.left.length === 1);
    await sleep(1_200);
    expect(a.net.peers()).toEqual([]);
    expect(b.joined.length).toBe(1);
    a.net.setActive(true);
    expect(a.net.active).toBe(true);
    await until('back', () => connected(a, b));
  });
});

describe.concurrent('peers', () => {
  it('that dial each other at the same moment have one session', async ({ rigs }) => {
    const round = async (i: number): Promise<void> => {
      const a = await rigs.start('A');
      const b = await rigs.start('B');
      // The first rounds name the peer, the last do not: then neither knows whom it dials.
      const name = (r: Rig) => (i < 4 ? address(r) : address(r).replace(/\/p2p\/.*/, ''));
      void a.net.add(name(b));
      void b.net.add(name(a));
      await until('connected', () => connected(a, b));
      await sleep(600);
      expect([a.joined.length - a.left.length, b.joined.length - b.left.length]).toEqual([1, 1]);
      if (i < 4) expect([a.joined.length, b.joined.length]).toEqual([1, 1]);
      a.net.publish('tx', blob(i, 50));
      b.net.publish('tx', blob(100 + i, 50));
      await until('gossip both ways', () => a.gossip.length === 1 && b.gossip.length === 1);
      await Promise.all([a.net.close(), b.net.close()]);
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(round));
  });

  it('of another network are refused with a clear note on both sides, and left in peace', async ({
    rigs,
  }) => {
    const a = await rigs.start('A');
    const b = await rigs.start('B', { genesisId: 'cd'.repeat(32), connect: [address(a)] });
    await until('both know', () => a.notes.length > 0 && b.notes.length > 0);
    await sleep(1_500);
    for (const r of [a, b]) {
      expect(r.joined).toEqual([]);
      expect(r.notes.length).toBe(1);
      expect(r.notes[0]).toMatch(/is of another network/);
    }
  });

  it('that restart with their identity are met again; that are banned by the node are not, until the ban ends', async ({
    rigs,
  }) => {
    const [a, b] = await pair(rigs);
    const id = b.net.peerId;
    await b.net.close();
    await until('left', () => a.left.length === 1);
    const again = await rigs.start('B', { dir: b.dir, connect: [address(a)] });
    expect(again.net.peerId).toBe(id);
    await until('connected', () => connected(a, again));
    a.net.drop(id, 'too many bad blocks', 1_500);
    await until('left', () => again.left.length === 1);
    const banned = performance.now();
    await until('connected again', () => connected(a, again));
    expect(performance.now() - banned).toBeGreaterThan(1_300);
    expect(a.net.peers()[0]!.score).toBeLessThan(0);
  });

  it('are bounded in number', async ({ rigs }) => {
    const a = await rigs.start('A', { maxPeers: 2 });
    const others = [];
    for (const name of 'BCD') others.push(await rigs.start(name, { connect: [address(a)] }));
    await until('two', () => a.net.peers().length === 2);
    await sleep(1_200);
    expect(a.net.peers().length).toBe(2);
    expect(others.filter((r) => r.net.peers().length === 1).length).toBe(2);
  });

  it('that are new, or named, find a place though strangers have taken all of them', async ({ rigs }) => {
    const a = await rigs.start('A', { maxPeers: 4 });
    // One of four places is for named peers: three strangers have taken all others.
    for (let i = 0; i < 3; i++) await rigs.start(`S${i}`, { connect: [address(a)] });
    await until('three', () => a.net.peers().length === 3);
    const late = await rigs.start('late', { connect: [address(a)] });
    await until('the newcomer is in', () => late.joined.length > 0);
    expect(a.net.peers().length).toBeLessThan(4);
    const sibling = await rigs.start('sibling');
    a.net.protect(address(sibling));
    await sibling.net.add(address(a));
    await until('the sibling is in', () => sibling.joined.length > 0);
    expect(() => a.net.protect('/ip4/127.0.0.1/tcp/9')).toThrow('does not name a peer');
    expect(() => a.net.protect('nonsense')).toThrow('is not a multiaddress');
    // Strangers come and go; it stays, and nobody is blamed.
    await sleep(1_500);
    expect(sibling.left).toEqual([]);
    expect(a.notes.filter((note) => note.includes('banned'))).toEqual([]);
  });
});

describe.concurrent('a network', () => {
  it('refuses what it cannot do with a sentence, and leaves nothing behind', async ({ rigs }) => {
    const a = await rigs.start('A');
    const taken = address(a).replace(/\/p2p\/.*/, '');
    await expect(rigs.start('B', { listen: [taken] })).rejects.toThrow(
      `cannot listen on ${taken}: the port is taken`,
    );
    await expect(rigs.start('B', { connect: ['localhost:1'] })).rejects.toThrow(
      '"localhost:1" is not a multiaddress',
    );
    await expect(a.net.add('nonsense')).rejects.toThrow('"nonsense" is not a multiaddress');
    expect(() => a.net.remove('nonsense')).toThrow('is not a multiaddress');
  });

  it('dials addresses added later, not its own, not removed ones; and tells nothing once it is closed', async ({
    rigs,
  }) => {
    const a = await rigs.start('A');
    const b = await rigs.start('B');
    await a.net.add(address(a));
    await a.net.add(address(b));
    await until('connected', () => connected(a, b));
    a.net.remove(address(b));
    b.net.drop(a.net.peerId, 'test');
    await until('gone', () => a.left.length === 1);
    await sleep(1_200);
    expect(a.joined).toEqual([b.net.peerId]);
    await a.net.add(address(b));
    await until('connected', () => connected(a, b));
    await Promise.all([a.net.close(), a.net.close()]);
    await until('B sees it', () => b.net.peers().length === 0);
    expect(a.left.length).toBe(1);
  });

  it('and larger than a transaction, from a peer that was asked for no block, costs it the same', async ({
    rigs,
  }) => {
    const asksForMuch = (frame: Uint8Array) => frame[0] === 7;
    const a = await rigs.start('A', { asksForMuch });
    const b = await rigs.start('B', { connect: [address(a)] });
    const c = await rigs.start('C', { connect: [address(a)] });
    await until('connected', () => connected(a, b) && connected(a, c));
    a.net.send(b.net.peerId, Uint8Array.of(7));
    await until('asked', () => b.frames.length === 1);
    b.net.send(a.net.peerId, blob(1, 1_000_000));
    c.net.send(a.net.peerId, blob(1, 1_000_000));
    await until('one answered, one gone', () => a.frames.length === 1 && a.net.peers().length === 1);
    expect(a.net.peers().map(({ peer }) => peer)).toEqual([b.net.peerId]);
    expect(a.notes.join()).toMatch(/banned .* a frame of 1000000 bytes, at most 400100 are allowed/);
  });
});
