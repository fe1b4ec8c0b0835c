import type { Stream } from '@libp2p/interface';
import { describe, expect, it } from 'vitest';
import { netLimits } from '../../src/host/net/limits.ts';
import { Outflow, type Sender } from '../../src/host/net/outflow.ts';

const { sendWindowBytes, sendTotalBytes, writeStallMs, crowdedStallMs } = netLimits;
const MB = 1 << 20;

/** A connection whose queues a test fills and empties. */
class Fake implements Sender {
  readonly peer: string;
  readonly joined = true;
  readonly sync = { id: 'sync', writeBufferLength: 0 };
  readonly gossip = { id: 'gossip', writeBufferLength: 0 };
  readonly link = { unsentBytes: 0, takenBytes: 0, heldBytes: 0, heldUntil: undefined as number | undefined };
  readonly writer = { queuedBytes: 0, queuedFrames: 0, givenBytes: 0 };

  constructor(peer: string) {
    this.peer = peer;
  }

  get stream(): Stream {
    return this.sync as unknown as Stream;
  }

  get connection() {
    return { streams: [this.sync, this.gossip] as unknown as Stream[] };
  }

  queue(bytes: number): this {
    this.writer.queuedBytes += bytes;
    return this;
  }

  /** The peer reads so much of its sync stream. */
  read(bytes: number): this {
    const taken = Math.min(bytes, this.writer.queuedBytes);
    this.writer.queuedBytes -= taken;
    this.writer.givenBytes += taken;
    return this;
  }
}

function rig(count: number) {
  const flows: string[] = [];
  const deaf: string[] = [];
  const outflow = new Outflow({
    onFlow: (peer, open) => flows.push(`${peer} ${open ? 'on' : 'off'}`),
    onDeaf: ({ peer }) => deaf.push(peer),
  });
  const peers = Array.from({ length: count }, (_, i) => new Fake(`p${i}`));
  const look = () => {
    for (const peer of peers) outflow.look(peer);
  };
  /** A sweep every half second; `each` is what happens in between. */
  const pass = (from: number, ms: number, each: () => void = () => undefined) => {
    for (let now = from; now <= from + ms; now += 500) {
      each();
      outflow.sweep(
        peers.filter(({ peer }) => !deaf.includes(peer)),
        now,
      );
    }
  };
  return { flows, deaf, outflow, peers, look, pass };
}

describe('what waits to be sent', () => {
  it('closes a peer at its window and opens it at half of that', () => {
    const { flows, outflow, peers } = rig(1);
    const [peer] = peers;
    outflow.look(peer!.queue(sendWindowBytes - 1));
    expect(flows).toEqual([]);
    outflow.look(peer!.queue(1));
    expect(flows).toEqual(['p0 off']);
    outflow.look(peer!.read(sendWindowBytes / 2));
    expect(flows).toEqual(['p0 off']);
    outflow.look(peer!.read(1));
    expect(flows).toEqual(['p0 off', 'p0 on']);
  });

  it('counts every buffer: of the link, of gossip, of many small frames; and not what a delay holds back', () => {
    for (const fill of [
      (p: Fake) => (p.link.unsentBytes = sendWindowBytes),
      (p: Fake) => (p.gossip.writeBufferLength = sendWindowBytes),
      (p: Fake) => (p.writer.queuedFrames = sendWindowBytes / netLimits.frameCost),
    ]) {
      const { flows, look, peers } = rig(1);
      fill(peers[0]!);
      look();
      expect(flows).toEqual(['p0 off']);
    }
    const { flows, look, peers, outflow } = rig(1);
    peers[0]!.link.heldBytes = 8 * sendWindowBytes;
    look();
    expect(flows).toEqual([]);
    expect(outflow.totalBytes).toBe(8 * sendWindowBytes);
  });

  it('above the budget of all gives more only to those who have read everything, and above twice that to nobody', () => {
    const { flows, outflow, peers, look } = rig(60);
    const reader = peers[59]!;
    for (const peer of peers.slice(0, 58)) outflow.look(peer.queue(sendTotalBytes / 40));
    expect(outflow.totalBytes).toBeGreaterThanOrEqual(sendTotalBytes);
    expect(outflow.totalBytes).toBeLessThan(2 * sendTotalBytes);
    look();
    const off = new Set(flows.filter((one) => one.endsWith('off')));
    expect([...off].length).toBe(58);
    expect(flows).not.toContain('p58 off');
    outflow.look(reader.queue(1));
    expect(flows.at(-1)).toBe('p59 off');
    outflow.look(reader.read(1));
    expect(flows.at(-1)).toBe('p59 on');
    outflow.look(peers[0]!.queue(sendTotalBytes));
    look();
    expect(flows.slice(-2).sort()).toEqual(['p58 off', 'p59 off']);
    // One leaves, and the others go on.
    outflow.left(peers[0]!);
    outflow.look(reader);
    expect(flows.at(-1)).toBe('p59 on');
  });

  it('hangs up on who reads nothing: after long, or soon when all together hold too much', () => {
    const alone = rig(1);
    alone.peers[0]!.queue(3 * MB);
    alone.pass(0, writeStallMs - 500);
    expect(alone.deaf).toEqual([]);
    alone.pass(writeStallMs, 500);
    expect(alone.deaf).toEqual(['p0']);
    expect(alone.outflow.totalBytes).toBe(0);

    const many = rig(60);
    for (const peer of many.peers) peer.queue(MB);
    many.pass(0, crowdedStallMs - 500);
    expect(many.deaf).toEqual([]);
    many.pass(crowdedStallMs, 1_000);
    // No more of them than is needed.
    expect(many.outflow.totalBytes).toBeLessThan(sendTotalBytes);
    expect(many.outflow.totalBytes).toBeGreaterThan(sendTotalBytes - 2 * MB);
  });

  it('keeps who reads slowly and goes on, however long it takes, and who holds little', () => {
    const { deaf, pass, peers, outflow } = rig(60);
    for (const peer of peers) peer.queue(MB);
    const [slow, small] = peers;
    small!.read(MB - 1_000);
    let now = 0;
    pass(0, 60_000, () => {
      now += 500;
      // Ten bytes a second; the deaf are replaced by others.
      if (now % 1_000 === 0) slow!.read(10);
      for (const peer of peers) if (deaf.includes(peer.peer)) outflow.left(peer);
    });
    expect(deaf.length).toBeGreaterThan(15);
    expect(deaf).not.toContain('p0');
    expect(deaf).not.toContain('p1');
  });

  it('excuses what a delay of the link holds, and streams while the link is full and moves', () => {
    const { deaf, pass, peers } = rig(1);
    const [peer] = peers;
    peer!.queue(3 * MB);
    peer!.link.heldBytes = 16 * MB;
    peer!.link.heldUntil = 400_000;
    pass(0, 300_000);
    expect(deaf).toEqual([]);
    peer!.link.heldUntil = undefined;
    peer!.link.heldBytes = 0;
    peer!.link.unsentBytes = MB;
    pass(300_500, 2 * writeStallMs, () => peer!.link.takenBytes++);
    expect(deaf).toEqual([]);
    pass(700_000, writeStallMs + 500);
    expect(deaf).toEqual(['p0']);
  });

  it('sees that one stream is not read while another one is', () => {
    const { deaf, pass, peers } = rig(1);
    const [peer] = peers;
    peer!.gossip.writeBufferLength = MB;
    pass(0, writeStallMs + 500, () => peer!.queue(100).read(100));
    expect(deaf).toEqual(['p0']);
  });
});
