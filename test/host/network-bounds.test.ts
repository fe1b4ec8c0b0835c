import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { Allotment } from '../../src/host/net/allotment.ts';
import { type Candidate, evictionVictim } from '../../src/host/net/eviction.ts';
import { BoundedMap, boundGossipMemory, trimGossipHistory } from '../../src/host/net/gossip-memory.ts';
import { RPC_OVERHEAD } from '../../src/host/net/gossip-router.ts';
import { netLimits } from '../../src/host/net/limits.ts';
import { FrameDecoder, WindowPool } from '../../src/host/net/muxer.ts';
import { PeerRows } from '../../src/host/net/peer-rows.ts';
import { type Arrival, Pending } from '../../src/host/net/pending.ts';
import { Turns } from '../../src/host/net/turns.ts';
import { limits } from '../../src/node/limits.ts';
import { seeded } from '../../src/util/random.ts';

/** A yamux header: type, flags, stream, length. */
function header(type: number, flag: number, stream: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, type);
  view.setUint16(2, flag);
  view.setUint32(4, stream);
  view.setUint32(8, length);
  return bytes;
}

const plenty = () => new Allotment(1e9, 1e9, () => 0);

describe('yamux frames', () => {
  it('are handed on as they come in, however they are cut: nothing of a data frame is kept', () => {
    const random = seeded('yamux');
    const body = Uint8Array.from({ length: 5_000 }, () => random.below(256));
    // Opens a stream and ends it with one frame; then a ping, an empty data frame, a window update.
    const wire = [
      header(0, 1 | 4, 7, 5_000),
      body,
      header(2, 1, 0, 99),
      header(0, 0, 7, 0),
      header(1, 2, 7, 4_096),
    ];
    const bytes = Uint8Array.from(wire.flatMap((part) => [...part]));
    for (let round = 0; round < 10; round++) {
      const decoder = new FrameDecoder(plenty(), plenty());
      const got: { type: number; flag: number; streamID: number; length: number; data?: number[] }[] = [];
      for (let at = 0; at < bytes.length; ) {
        const to = at + 1 + random.below(round === 0 ? 1 : 700);
        const frames = [...decoder.emitFrames(bytes.subarray(at, to))];
        for (const { header: h, data } of frames)
          got.push({ ...h, ...(data === undefined ? {} : { data: [...data.subarray()] }) });
        at = to;
      }
      const pieces = got.filter((f) => f.type === 0 && f.length > 0);
      expect(pieces.flatMap((f) => f.data)).toEqual([...body]);
      expect(pieces.reduce((sum, f) => sum + f.length, 0)).toBe(5_000);
      // SYN with the first piece, FIN with the last.
      expect(pieces.map((f) => f.flag)).toEqual(
        pieces.map((_, i) => (i === 0 ? 1 : 0) | (i === pieces.length - 1 ? 4 : 0)),
      );
      expect(got.slice(pieces.length)).toEqual([
        { type: 2, flag: 1, streamID: 0, length: 99 },
        { type: 0, flag: 0, streamID: 7, length: 0, data: [] },
        { type: 1, flag: 2, streamID: 7, length: 4_096 },
      ]);
    }
  });

  it('of one stream that come together are one frame, and pings beyond their allotment are none', () => {
    const data = (flag: number, streamID: number, ...bytes: number[]) => [
      ...header(0, flag, streamID, bytes.length),
      ...bytes,
    ];
    const bytes = Uint8Array.from([
      ...data(0, 7, 1, 2),
      ...data(0, 9, 50),
      ...header(1, 0, 7, 100),
      ...data(0, 7, 3),
      ...header(2, 1, 0, 1),
      ...header(2, 1, 0, 2),
      ...header(1, 0, 7, 20),
      ...data(4, 7, 4, 5),
      ...data(0, 9, 51),
      ...data(0, 9),
    ]);
    const decoder = new FrameDecoder(plenty(), new Allotment(1, 1, () => 0));
    const got = [...decoder.emitFrames(bytes)].map(({ header: h, data: d }) => [
      h.type,
      h.flag,
      h.streamID,
      d === undefined ? h.length : [...d.subarray()],
    ]);
    expect(got).toEqual([
      [2, 1, 0, 1],
      [0, 4, 7, [1, 2, 3, 4, 5]],
      [0, 0, 9, [50, 51]],
      [0, 0, 9, []],
      [1, 0, 7, 120],
    ]);
  });

  it('that are larger than any window, of another version, or too many, end the connection', () => {
    const decode = (bytes: Uint8Array, frames = plenty()) => [
      ...new FrameDecoder(frames, plenty()).emitFrames(bytes),
    ];
    expect(() => decode(header(0, 0, 1, netLimits.streamWindowBytes + 1))).toThrow(/more than any window/);
    expect(() => decode(header(1, 0, 1, 0xffffffff))).not.toThrow();
    expect(() => decode(new Uint8Array(12).fill(255))).toThrow(/unknown version/);
    const three = Uint8Array.from([1, 2, 3].flatMap(() => [...header(2, 1, 0, 1)]));
    expect(() => decode(three, new Allotment(2, 1, () => 0))).toThrow(/flood/);
  });
});

describe('what streams may grow by', () => {
  it('is lent out of one pool and comes back when they end', () => {
    const pool = new WindowPool(100);
    const [a, b] = [{}, {}];
    expect([pool.borrow(a, 60), pool.borrow(b, 60), pool.borrow(b, 40), pool.borrow(a, 0)]).toEqual([
      60, 0, 40, 0,
    ]);
    expect(pool.left).toBe(0);
    pool.release(a);
    pool.release(a);
    expect(pool.left).toBe(60);
  });
});

describe('an allotment', () => {
  it('fills at its rate up to its burst, and a debt is paid first', () => {
    let ms = 0;
    const allotment = new Allotment(10, 5, () => ms);
    allotment.charge(12);
    expect(allotment.debtMs).toBe(400);
    expect(allotment.take()).toBe(false);
    ms = 600;
    expect(allotment.debtMs).toBe(0);
    expect([allotment.take(), allotment.take()]).toEqual([true, false]);
    ms = 100_000;
    expect(allotment.level()).toBe(10);
  });
});

describe('who is evicted', () => {
  const o = { keepNear: 2, keepTx: 2, keepBlock: 2, graceMs: 1_000 };
  const NOW = 1_000_000;
  /** A stranger that came so many milliseconds ago. */
  const stranger = (peer: string, agoMs: number, more: Partial<Candidate> = {}): Candidate => ({
    peer,
    openedAt: NOW - agoMs,
    joined: true,
    rttMs: undefined,
    blockAt: undefined,
    txAt: undefined,
    ...more,
  });
  const victim = (...all: Candidate[]) => evictionVictim(all, NOW, o);

  it('is nobody when there is nobody, or everybody is worth keeping', () => {
    expect(victim()).toBeUndefined();
    expect(victim(stranger('near', 10, { rttMs: 1 }), stranger('useful', 10, { txAt: 1 }))).toBeUndefined();
  });

  it('is the youngest of those who are not near, useful, or here for long', () => {
    const all = [
      stranger('oldest', 90_000),
      stranger('older', 80_000),
      stranger('old', 70_000),
      stranger('young', 5_000),
      stranger('younger', 4_000),
      stranger('block', 3_000, { blockAt: NOW - 100 }),
      stranger('tx', 3_000, { txAt: NOW - 100 }),
      stranger('near', 3_000, { rttMs: 1 }),
    ];
    expect(victim(...all)).toBe('younger');
    expect(victim(...all.filter((c) => c.peer !== 'younger'))).toBe('young');
    // Order of the list does not matter.
    expect(victim(...all.toReversed())).toBe('younger');
  });

  it('of more useful ones than places: whose use was longest ago', () => {
    const used = (peer: string, ago: number) => stranger(peer, 50_000 - ago, { txAt: NOW - ago });
    expect(victim(used('a', 10), used('b', 20), used('c', 30))).toBe('c');
  });

  it('is first who has not joined, however long it is here', () => {
    const mute = (peer: string, ago: number) => stranger(peer, ago, { joined: false });
    expect(victim(stranger('a', 9_000), stranger('b', 8_000), mute('c', 7_500), stranger('d', 7_000))).toBe(
      'c',
    );
  });

  it('is no newcomer for a moment, whether it has joined yet or not; when all are new there is nobody', () => {
    const old = ['a', 'b', 'c'].map((name, i) => stranger(name, 20_000 - i));
    const fresh = [stranger('new', 500), stranger('newer', 100, { joined: false })];
    expect(victim(...old, ...fresh)).toBe('c');
    expect(victim(...['w', 'x', 'y', 'z'].map((name, i) => stranger(name, 400 - i)))).toBeUndefined();
  });

  it('is never an honest peer that was here first, however many strangers come and go', () => {
    const random = seeded('eviction');
    const honest = Array.from({ length: 5 }, (_, i) => stranger(`honest-${i}`, 600_000 + i));
    let crowd: Candidate[] = Array.from({ length: 112 }, (_, i) => stranger(`s${i}`, 60_000 - i));
    for (let i = 0, now = NOW; i < 2_000; i++, now += random.below(200)) {
      const gone = evictionVictim([...honest, ...crowd], now, o);
      expect(gone ?? '').not.toMatch(/^honest/);
      if (gone === undefined) continue;
      crowd = crowd.filter((c) => c.peer !== gone);
      crowd.push({ ...stranger(`n${i}`, 0), openedAt: now, joined: random.below(2) === 0 });
    }
  });
});

describe('connections whose handshake is under way', () => {
  class Door implements Arrival {
    aborted = '';
    readonly from: string;
    readonly bytesReceived: number;
    constructor(from: string, bytesReceived = 0) {
      this.from = from;
      this.bytesReceived = bytesReceived;
    }
    abort(error: Error): void {
      this.aborted = error.message;
    }
  }

  it('beyond the bound give way: of the busiest address, who says nothing, then who came first', () => {
    const pending = new Pending(4);
    const doors = [
      new Door('1.1.1.1'),
      new Door('2.2.2.2', 10),
      new Door('2.2.2.2'),
      new Door('2.2.2.2', 10),
      new Door('3.3.3.3', 10),
      new Door('2.2.2.2', 10),
    ];
    const leave = doors.map((door) => pending.enter(door));
    expect(doors.map((d) => d.aborted !== '')).toEqual([false, true, true, false, false, false]);
    expect(pending.size).toBe(4);
    for (const go of leave) go();
    for (const go of leave) go();
    expect(pending.size).toBe(0);
  });

  it('that say nothing are cut soon', () => {
    vi.useFakeTimers();
    try {
      const pending = new Pending(4);
      const [silent, talking, done] = [new Door('a'), new Door('a', 1), new Door('a')];
      pending.enter(silent);
      pending.enter(talking);
      pending.enter(done)();
      vi.advanceTimersByTime(netLimits.firstByteMs);
      expect([silent.aborted, talking.aborted, done.aborted]).toEqual(['it says nothing', '', '']);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('what libp2p and gossipsub keep', () => {
  it('of peers is bounded in number and bytes; the own row stays, and what is used stays longer', async () => {
    const rows = new PeerRows('/peers/me', 3, 1_000);
    rows.put('/peers/me', new Uint8Array(10));
    for (const name of ['a', 'b']) rows.put(`/peers/${name}`, new Uint8Array(10));
    expect(rows.get('/peers/a').length).toBe(10);
    rows.put('/peers/c', new Uint8Array(10));
    expect(['me', 'a', 'b', 'c'].map((n) => rows.has(`/peers/${n}`))).toEqual([true, true, false, true]);
    expect(() => rows.get('/peers/b')).toThrow(expect.objectContaining({ name: 'NotFoundError' }));
    rows.put('/peers/d', new Uint8Array(985));
    expect([rows.size, rows.bytes]).toEqual([2, 995]);
    const seen: string[] = [];
    for await (const { key } of rows.query({
      prefix: '/peers/',
      filters: [({ value }) => value.length > 10],
    }))
      seen.push(String(key));
    expect(seen).toEqual(['/peers/d']);
  });

  it('in a map is bounded by number and by weight, and its last entry stays', () => {
    const map = new BoundedMap<string, number>(3, 100, (n) => n);
    for (const [key, n] of Object.entries({ a: 10, b: 20, c: 30, d: 40 })) map.set(key, n);
    expect([...map.keys()]).toEqual(['b', 'c', 'd']);
    map.set('e', 60);
    expect([[...map.keys()], map.weight]).toEqual([['d', 'e'], 100]);
    map.set('d', 1);
    expect(map.weight).toBe(61);
    map.set('f', 1_000);
    expect([...map]).toEqual([['f', 1_000]]);
    map.clear();
    expect(map.weight).toBe(0);
  });

  it('of message ids is cut at its bound, history included', () => {
    const record = () => ({ entries: new Map() });
    const queue: { _capacity?: number } = {};
    const history = [[], []] as { msgIdStr: string }[][];
    const router = {
      seenCache: record(),
      publishedMessageIds: record(),
      mcache: { msgs: new Map(), history },
      gossipTracer: { promises: new Map() },
      score: { deliveryRecords: { records: new Map(), queue } },
    };
    boundGossipMemory(router);
    const most = netLimits.gossipIds;
    for (let i = 0; i < most + 100; i++) {
      router.seenCache.entries.set(i, i);
      router.score.deliveryRecords.records.set(i, i);
      router.mcache.msgs.set(`${i}`, { message: {} });
      history[i % 2]!.push({ msgIdStr: `${i}` });
    }
    expect(router.seenCache.entries.size).toBe(most);
    expect(router.score.deliveryRecords.records.size).toBe(most);
    expect(queue._capacity).toBe(most);
    trimGossipHistory(router);
    expect(history[0]!.length + history[1]!.length).toBe(most);
    expect(history[0]!.length).toBe(most / 2 + 50);
  });
});

describe('turns', () => {
  it('are taken one after another by all who wait, and leave the rest of the process its time', async () => {
    const turns = new Turns(2);
    const order: string[] = [];
    const busy = (name: string, pieces: number) =>
      (async () => {
        for (let i = 0; i < pieces; i++) {
          await turns.take(() => {
            const end = performance.now() + 3;
            while (performance.now() < end);
            order.push(name);
          });
        }
      })();
    const others: number[] = [];
    const timer = setInterval(() => others.push(order.length), 1);
    await Promise.all([busy('flood', 12), busy('honest', 3)]);
    clearInterval(timer);
    // After the first piece they alternate, so the honest one is done long before the flood.
    expect(order.lastIndexOf('honest')).toBeLessThanOrEqual(7);
    expect(new Set(others).size).toBeGreaterThan(5);
    await expect(turns.take(() => Promise.reject(new Error('as it is')))).rejects.toThrow('as it is');
  });
});

describe('the page of limits', () => {
  it('says what all peers together can make the receiving side keep', () => {
    const n = netLimits;
    const peers = limits.maxPeers;
    const sum =
      // Half frames, beside those too small to count.
      n.halfFrameBytes +
      2 * peers * n.smallFrameBytes +
      // Windows of the two streams that are read, and what the pool adds to them.
      2 * peers * n.firstWindowBytes +
      n.windowPoolBytes +
      // Streams that nobody reads.
      peers * (n.streamsPerPeer * n.idleStreamBytes + n.identifyBytes) +
      // A noise message under way, and handshakes.
      peers * (64 << 10) +
      n.pendingConnections * n.handshakeBytes +
      // A gossip frame under way of each, and messages without a verdict.
      peers * (limits.maxGossipBytes + RPC_OVERHEAD) +
      n.waitingBytesInAll +
      // gossipsub's memory.
      n.gossipIds * 700 +
      n.gossipCacheBytes +
      peers * n.idontwantPerBeat * 20 * 150 +
      // libp2p's store, and gossip that waits for a peer.
      n.peerRowBytes +
      n.unpublishedBytes;
    const page = readFileSync(new URL('../../src/host/net/limits.ts', import.meta.url), 'utf8');
    expect(/reached at once: (\d+) MB/.exec(page)?.[1]).toBe(`${Math.round(sum / 1e6)}`);
  });
});
