import type { Logger } from '@libp2p/interface';
import { AbstractStream, type SendResult } from '@libp2p/utils';
import { Uint8ArrayList } from 'uint8arraylist';
import { describe, expect, it } from 'vitest';
import '../../src/host/polyfill.ts';
import { FrameReader, FrameWriter } from '../../src/host/net/frames.ts';
import { netLimits } from '../../src/host/net/limits.ts';
import { seeded } from '../../src/util/random.ts';
import { blob } from './network-rig.ts';

const log: Logger = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => log,
});

/** libp2p's own stream class (so its pause, resume and buffers are the real ones) on a transport that is a list. */
class TestStream extends AbstractStream {
  readonly sent = new Uint8ArrayList();
  sends = 0;
  /** The muxer's view: false after a pause, until a resume. */
  flowing = true;
  /** Bytes the transport still takes. */
  room = Number.POSITIVE_INFINITY;

  constructor() {
    super({ id: '1', log, direction: 'outbound', protocol: '/test' });
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = Math.min(this.room, data.byteLength);
    if (sentBytes > 0) this.sent.append(data.slice(0, sentBytes));
    this.room -= sentBytes;
    this.sends++;
    return { sentBytes, canSendMore: this.room > 0 };
  }

  drain(room: number): void {
    this.room = room;
    this.safeDispatchEvent('drain');
  }

  override sendPause(): void {
    this.flowing = false;
  }

  override sendResume(): void {
    this.flowing = true;
  }

  override sendReset(): void {}
  override async sendCloseWrite(): Promise<void> {}
  override async sendCloseRead(): Promise<void> {}
}

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

function reader(onFrame: (f: Uint8Array) => void | Promise<void>, maxFrame = 1_000) {
  const stream = new TestStream();
  const faults: string[] = [];
  const r = new FrameReader(stream, { maxFrame, onFrame, onFault: (why) => void faults.push(why) });
  return { stream, faults, reader: r };
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

  it('that are wrong and came before the start let the stream resume first: hanging up within it would throw', async () => {
    const t = reader(() => undefined);
    t.stream.onData(wire(new Uint8Array(1_001)).subarray(0, 4));
    t.reader.start();
    expect([t.stream.flowing, t.faults.length]).toEqual([true, 0]);
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
