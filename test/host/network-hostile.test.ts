import { connect } from 'node:net';
import { identify } from '@libp2p/identify';
import type { Connection } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import '../../src/host/net/polyfill.ts';
import { createLibp2p } from 'libp2p';
import { netLimits } from '../../src/host/net/limits.ts';
import { syncProtocol } from '../../src/host/net/network.ts';
import type { Sessions } from '../../src/host/net/sessions.ts';
import { seeded } from '../../src/util/random.ts';
import { address, blob, connected, GENESIS, type Rig, Rigs, sleep, until } from './network-rig.ts';

const MESHSUB = '/meshsub/1.1.0';
const SYNC = syncProtocol(GENESIS);

let rigs = new Rigs();
const hostiles: { stop(): void | Promise<void> }[] = [];
afterEach(async () => {
  for (const h of hostiles.splice(0)) await h.stop();
  await rigs.close();
  rigs = new Rigs();
});

/** A peer made of bare libp2p, which has joined and does what a test wants. */
async function hostile(victim: Rig): Promise<Connection> {
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  });
  hostiles.push(node);
  await node.handle([SYNC, MESHSUB], () => undefined, { maxInboundStreams: 10, maxOutboundStreams: 10 });
  return node.dial(multiaddr(address(victim)));
}

const peerOf = (victim: Rig, c: Connection): boolean =>
  victim.net.peers().some((p) => c.remotePeer.toString() === victim.net.peerId && p.inbound);

/** Length as a varint, as gossipsub frames its RPCs. */
function prefixed(bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let n = bytes.length; ; n = Math.floor(n / 128)) {
    length.push(n >= 128 ? (n % 128) + 128 : n);
    if (n < 128) break;
  }
  return Uint8Array.from([...length, ...bytes]);
}

describe('a hostile peer', () => {
  it('that sends garbage as gossip is banned; the node lives and serves the others', async () => {
    const a = await rigs.start('A');
    const b = await rigs.start('B', { connect: [address(a)] });
    await until('B is there', () => connected(a, b));
    const c = await hostile(a);
    await c.newStream(SYNC);
    const gossip = await c.newStream(MESHSUB);
    await until('joined', () => a.joined.length === 2);
    const random = seeded('garbage');
    while (c.status === 'open') {
      const garbage = Uint8Array.from({ length: 200 }, () => random.below(256));
      if (gossip.status === 'open') gossip.send(prefixed(garbage));
      await sleep(5);
    }
    await until('banned', () => a.left.length === 1);
    expect(a.notes.join()).toMatch(/banned 12D3Koo\w+ for 600 s: malformed gossip/);
    b.net.publish('tx', blob(1, 100));
    await until('A still hears B', () => a.gossip.length === 1);
  });

  it('that floods gossip is banned', async () => {
    const a = await rigs.start('A');
    const c = await hostile(a);
    await c.newStream(SYNC);
    const gossip = await c.newStream(MESHSUB);
    await until('joined', () => a.joined.length === 1);
    // An empty RPC is well-formed and asks for nothing.
    const flood = new Uint8Array(5_000);
    for (let sent = 0; sent < 60 * netLimits.gossipBurst && gossip.status === 'open'; sent += flood.length) {
      gossip.send(flood);
      await sleep(1);
    }
    await until('banned', () => a.left.length === 1);
    expect(a.notes.join()).toMatch(/a flood of gossip/);
  });

  it('whose gossip stream dies is hung up on, without a ban, so that it can come back', async () => {
    const a = await rigs.start('A');
    const c = await hostile(a);
    await c.newStream(SYNC);
    const gossip = await c.newStream(MESHSUB);
    await until('joined', () => a.joined.length === 1);
    await sleep(100);
    gossip.abort(new Error('gone'));
    await until('hung up', () => a.left.length === 1 && c.status !== 'open');
    expect(a.notes.join()).not.toMatch(/banned/);
  });

  it('that breaks the framing below all protocols ends its connection and nothing else', async () => {
    const a = await rigs.start('A');
    const c = await hostile(a);
    await c.newStream(SYNC);
    await c.newStream(MESHSUB);
    await until('joined', () => a.joined.length === 1);
    const { muxer } = c as unknown as { muxer: { maConn: { send(bytes: Uint8Array): void } } };
    // Its streams end first, whose end ends the connection, over which yamux then says good-bye.
    muxer.maConn.send(new Uint8Array(24).fill(255));
    await until('hung up', () => a.left.length === 1);
    await sleep(100);
  });

  it('gets one sync stream; a second one is reset and changes nothing', async () => {
    const a = await rigs.start('A');
    const c = await hostile(a);
    const first = await c.newStream(SYNC);
    await until('joined', () => a.joined.length === 1);
    const second = await c.newStream(SYNC);
    await until('reset', () => second.status !== 'open');
    first.send(Uint8Array.of(2, 0, 0, 0, 7, 8));
    await until('the first works', () => a.frames.length === 1);
    expect([...a.frames[0]!.bytes]).toEqual([7, 8]);
    expect(a.joined.length).toBe(1);
    first.abort(new Error('gone'));
    await until('a session ends with its stream', () => a.left.length === 1);
    expect(peerOf(a, c)).toBe(false);
  });

  it('that sends half a frame and no more is hung up on in time', async () => {
    const a = await rigs.start('A');
    const c = await hostile(a);
    const sync = await c.newStream(SYNC);
    await until('joined', () => a.joined.length === 1);
    const { sessions } = a.net as unknown as { sessions: Sessions };
    sync.send(Uint8Array.of(100, 0, 0, 0, 7, 8));
    await until('half is there', () => [...sessions.all()][0]?.reader?.partialSince !== undefined);
    sessions.sweep(performance.now() + netLimits.frameMs - 5_000);
    expect(a.left.length).toBe(0);
    sessions.sweep(performance.now() + netLimits.frameMs);
    await until('hung up', () => a.left.length === 1);
    expect(a.notes.join()).toMatch(/half a frame and no more; hanging up/);
  });

  it('that speaks no libp2p at all disturbs nobody', async () => {
    const a = await rigs.start('A');
    const port = Number(/tcp\/(\d+)/.exec(address(a))![1]);
    const random = seeded('noise');
    for (let i = 0; i < 20; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(Uint8Array.from({ length: 1 + random.below(3_000) }, () => random.below(256)));
      if (i % 2 === 0) socket.end();
      else setTimeout(() => socket.destroy(), 100);
    }
    const b = await rigs.start('B', { connect: [address(a)] });
    await until('B gets in', () => connected(a, b));
    expect(a.joined.length).toBe(1);
  });
});
