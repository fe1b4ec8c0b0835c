import { Uint8ArrayList } from 'uint8arraylist';
import { describe, expect, it } from 'vitest';
import '../../src/host/net/polyfill.ts';
import { ByteQueue } from '../../src/host/net/byte-queue.ts';
import { FrameReader } from '../../src/host/net/frame-reader.ts';
import { FrameWriter } from '../../src/host/net/frames.ts';
import { netLimits } from '../../src/host/net/limits.ts';
import { ReceiveBudget } from '../../src/host/net/receive-budget.ts';
import { seeded } from '../../src/util/random.ts';
import { blob } from './network-rig.ts';
import { TestStream } from './test-stream.ts';

const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

const wire = (...frames: Uint8Array[]): Uint8Array => {
  const out = new Uint8ArrayList();
  for (const f of frames) {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, f.length, true);
    out.append(header, f);
  }
  return out.slice();
};

function reader(
  onFrame: (f: Uint8Array) => void | Promise<void>,
  maxFrame = 1_000,
  budget = new ReceiveBudget(1e9, 0),
) {
  const clock = { ms: 0 };
  const stream = new TestStream();
  const faults: string[] = [];
  const shed: string[] = [];
  const r = new FrameReader(stream, {
    maxFrame: () => maxFrame,
    budget,
    now: () => clock.ms,
    onFrame,
    onFault: (why) => void faults.push(why),
    onShed: (why) => void shed.push(why),
  });
  return { stream, faults, shed, clock, reader: r };
}

describe('frames read', () => {
  it('come out whole and in order however the bytes are cut', () => {
    const random = seeded('cuts');
    const frames = Array.from({ length: 60 }, (_, i) => blob(i, 4 + random.below(300)));
    frames.push(new Uint8Array(0), blob(99, 1_000));
    const bytes = wire(...frames);
    for (let round = 0; round < 12; round++) {
      const got: Uint8Array[] = [];
      const t = reader((f) => void got.push(f));
      t.reader.start();
      for (let at = 0; at < bytes.length; ) {
        const n = 1 + random.below(round < 4 ? 3 : 900);
        t.stream.onData(bytes.subarray(at, at + n));
        at += n;
      }
      expect(got).toEqual(frames);
      expect(t.faults).toEqual([]);
      expect(t.reader.partialSince).toBeUndefined();
    }
  });

  it('wait until the reader is started', () => {
    const got: Uint8Array[] = [];
    const t = reader((f) => void got.push(f));
    expect(t.stream.flowing).toBe(false);
    t.stream.onData(wire(blob(1, 10)));
    expect(got).toEqual([]);
    t.reader.start();
    expect(t.stream.flowing).toBe(true);
    expect(got.length).toBe(1);
  });

  it('of more than the allowed size are a fault, told by the header alone, and end the reading', async () => {
    const got: Uint8Array[] = [];
    const t = reader((f) => void got.push(f));
    t.reader.start();
    t.stream.onData(wire(blob(1, 1_000)));
    t.stream.onData(wire(new Uint8Array(1_001)).subarray(0, 4));
    t.stream.onData(wire(blob(2, 10)));
    expect(got.length).toBe(1);
    await microtasks();
    expect(t.faults).toEqual(['a frame of 1001 bytes, at most 1000 are allowed']);
  });

  it('that are wrong and came before the start are told after it: hanging up within it would throw', async () => {
    const t = reader(() => undefined);
    t.stream.onData(wire(new Uint8Array(1_001)).subarray(0, 4));
    t.reader.start();
    expect(t.faults.length).toBe(0);
    await microtasks();
    expect(t.faults.length).toBe(1);
  });

  it('push back: one at a time while promises are open, the stream pauses, and nothing is lost', async () => {
    const got: number[] = [];
    let settle: () => void = () => undefined;
    const t = reader((f) => {
      got.push(f[0]!);
      return new Promise<void>((done) => {
        settle = done;
      });
    });
    t.reader.start();
    t.stream.onData(wire(...[0, 1, 2, 3].map((i) => blob(i, 20))));
    expect(got).toEqual([0]);
    await microtasks();
    expect(t.stream.flowing).toBe(false);
    // What arrives meanwhile (a window's worth) stays in the stream.
    t.stream.onData(wire(blob(4, 20)));
    for (let i = 1; i <= 4; i++) {
      settle();
      await microtasks();
      expect(got).toEqual([0, 1, 2, 3, 4].slice(0, i + 1));
      // `resume` emits the stored bytes, which blocks again: the pause must survive the resume that is under way.
      expect(t.stream.flowing).toBe(false);
    }
    settle();
    await microtasks();
    expect(t.stream.flowing).toBe(true);
    expect(t.reader.bufferedBytes).toBe(0);
  });

  it('half come count as partial, but not while it is we who do not read', async () => {
    let settle: () => void = () => undefined;
    const t = reader(() => new Promise<void>((done) => (settle = done)));
    t.reader.start();
    const bytes = wire(blob(1, 20), blob(2, 20));
    t.stream.onData(bytes.subarray(0, 10));
    expect(t.reader.partialSince).toBeDefined();
    t.stream.onData(bytes.subarray(10, 30));
    expect(t.reader.partialSince).toBeUndefined();
    settle();
    await microtasks();
    expect(t.reader.partialSince).toBeDefined();
  });

  it('that come a byte at a time are kept together, and cost little more than their bytes', () => {
    const queue = new ByteQueue();
    const random = seeded('pieces');
    const all: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      const piece = Uint8Array.from({ length: i % 50 === 0 ? 300 : 1 }, () => random.below(256));
      all.push(...piece);
      queue.append(piece);
    }
    expect(queue.memory).toBeLessThan(2 * all.length + (64 << 10));
    // A piece that is large and alone in its memory is kept as it came, others follow it, and the order stays.
    const large = Uint8Array.from({ length: 40_000 }, () => random.below(256));
    queue.append(large);
    queue.append(Uint8Array.of(7));
    all.push(...large, 7);
    expect(queue.length).toBe(all.length);
    const taken: number[] = [];
    while (queue.length > 0) taken.push(...queue.take(Math.min(queue.length, 1 + random.below(3_000))));
    expect(taken).toEqual(all);
    expect(queue.memory).toBe(0);
  });

  it('half come are given up when all together are too many: the one that grows least, and only a large one', async () => {
    const budget = new ReceiveBudget(100_000, 1_000);
    const began = wire(blob(1, 50_000));
    const slow = reader(() => undefined, 60_000, budget);
    const small = reader(() => undefined, 60_000, budget);
    const blocked = reader(() => new Promise<void>(() => undefined), 60_000, budget);
    const fast = reader(() => undefined, 60_000, budget);
    for (const { reader: r } of [slow, small, blocked, fast]) r.start();
    small.stream.onData(began.subarray(0, 900));
    slow.stream.onData(began.subarray(0, 30_000));
    blocked.stream.onData(began.subarray(0, 50_004));
    blocked.stream.onData(began.subarray(0, 40_000));
    expect([slow.shed, small.shed, blocked.shed, fast.shed].map((s) => s.length)).toEqual([0, 0, 0, 0]);
    expect(budget.total).toBe(70_900);
    fast.stream.onData(began.subarray(0, 40_000));
    await microtasks();
    expect([slow.shed, small.shed, blocked.shed, fast.shed].map((s) => s.length)).toEqual([1, 0, 0, 0]);
    expect(slow.shed[0]).toMatch(/^30000 bytes of half a frame/);
    expect(budget.total).toBe(80_900);
    fast.reader.close();
    expect(budget.total).toBe(40_900);
  });

  it('are stuck when they come in too slowly for long, and never while it is we who do not read', () => {
    const bytes = wire(blob(1, 50_000));
    const t = reader(() => undefined, 100_000);
    t.reader.start();
    t.stream.onData(bytes.subarray(0, 100));
    t.clock.ms = netLimits.frameMs - 1;
    expect(t.reader.stuck(t.clock.ms)).toBe(false);
    t.clock.ms = netLimits.frameMs;
    expect(t.reader.stuck(t.clock.ms)).toBe(true);
    // A slow line's 125 bytes a second are progress, however long the frame takes.
    const slow = reader(() => undefined, 100_000);
    slow.reader.start();
    for (let at = 0; at < 12_500; at += 125) {
      slow.stream.onData(bytes.subarray(at, at + 125));
      slow.clock.ms += 1_000;
      expect(slow.reader.stuck(slow.clock.ms)).toBe(false);
    }
    const ours = reader(() => new Promise<void>(() => undefined), 100_000);
    ours.reader.start();
    ours.stream.onData(wire(blob(1, 10)));
    ours.stream.onData(bytes.subarray(0, 100));
    ours.clock.ms = 10 * netLimits.frameMs;
    expect(ours.reader.stuck(ours.clock.ms)).toBe(false);
  });
});

describe('frames written', () => {
  it('small ones travel together, and read back as they were', async () => {
    const stream = new TestStream();
    const writer = new FrameWriter(stream, expect.unreachable);
    const frames = Array.from({ length: 500 }, (_, i) => blob(i, 4 + (i % 90)));
    for (const f of frames) expect(writer.push(f)).toBe(true);
    await microtasks();
    expect(stream.sent.slice()).toEqual(wire(...frames));
    expect(stream.sends).toBeLessThan(5);
    expect(writer.queuedBytes).toBe(0);
  });

  it('wait here, not in the stream, when the peer does not read; then the queue is full, at its bound', async () => {
    const stream = new TestStream();
    const writer = new FrameWriter(stream, expect.unreachable);
    stream.room = 10_000;
    const frame = blob(7, 100_000);
    let taken = 0;
    while (writer.push(frame)) {
      taken++;
      if (taken % 50 === 0) await microtasks();
    }
    await microtasks();
    expect(stream.writeBufferLength).toBeLessThan(
      netLimits.streamBufferBytes + 2 * netLimits.coalesceBytes + 100_000,
    );
    expect(writer.queuedBytes).toBeLessThanOrEqual(netLimits.writeQueueBytes);
    expect(writer.queuedBytes).toBeGreaterThan(netLimits.writeQueueBytes - 100_000);
    // The peer reads again: all of it comes, once and in order.
    for (let i = 0; i < 2_000 && stream.sent.byteLength < taken * 100_004; i++) {
      stream.drain(100_000);
      await microtasks();
    }
    expect(stream.sent.byteLength).toBe(taken * 100_004);
    expect(stream.sent.slice(0, 200_008)).toEqual(wire(frame, frame));
    expect(writer.givenBytes).toBe(taken * 100_004);
  });

  it('are bounded in number too', async () => {
    const stream = new TestStream();
    stream.room = 0;
    const writer = new FrameWriter(stream, expect.unreachable);
    let taken = 0;
    while (writer.push(new Uint8Array(0)) && taken < 1e6) taken++;
    expect(taken).toBe(netLimits.writeQueueFrames);
  });
});
