import { connect } from 'node:net';
import { identify } from '@libp2p/identify';
import type { Connection, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../../src/host/net/polyfill.ts';
import { createLibp2p } from 'libp2p';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { syncProtocol } from '../../src/host/net/network.ts';
import { limits } from '../../src/node/limits.ts';
import { seeded } from '../../src/util/random.ts';
import { LAB } from '../dsl/networks.ts';
import { rebody, World } from '../dsl/world.ts';
import { agreed, aliceOn, connections, eventsOf, genesisFile, ofKind } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';
import { Stranger } from './stranger.ts';

const rig = new LiveRig();
const random = seeded('hostile');
const noiseOf = (size: number) => Uint8Array.from({ length: size }, () => random.below(256));
let node: LiveNode;
let honest: LiveNode;

beforeAll(async () => {
  const options = ['--genesis', genesisFile(rig, LAB)];
  node = await rig.start('node', ...options);
  honest = await rig.start('honest', ...options, '--connect', node.address);
  await connections(node, 1);
});
afterAll(() => rig.close());

/** The faults that the node has told of this peer. */
async function faultsOf(peer: string) {
  return ofKind(await eventsOf(node), 'fault').filter((fault) => fault.peer === peer);
}

/** The stranger has been banned, by the node's own account, and does not get in again. */
async function banned(stranger: Stranger, rule: string): Promise<void> {
  const faults = await until(`banned for ${rule}`, async () => {
    const told = await faultsOf(stranger.peerId);
    return told.some((fault) => fault.banned) && told;
  });
  expect(faults.at(-1)).toMatchObject({ rule, banned: true });
  await until('hung up', () => stranger.parted > 0);
  await untroubled();
  const peers = await node.call<{ peerid: string }[]>('getpeerinfo');
  await stranger.close();
  expect(peers.map(({ peerid }) => peerid)).toEqual([honest.peerId]);
}

/** The node mines, and its honest peer follows and is thought well of. */
async function untroubled(): Promise<void> {
  const [tip] = await node.call<string[]>('generatetoaddress', 1, aliceOn(LAB));
  await agreed([node, honest], tip);
  const peers = await node.call<{ name: string; score: number }[]>('getpeerinfo');
  expect(peers.find(({ name }) => name === 'honest')).toMatchObject({ score: 100 });
  expect(node.stderr).toBe('');
}

const meet = () => Stranger.meet(rig, node, LAB);
const SYNC = syncProtocol(LAB.genesisId);
const GOSSIP = '/meshsub/1.1.0';

/** A peer made of bare libp2p, which keeps none of our rules. */
async function bare() {
  const libp2p = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  });
  const stop = async () => libp2p.stop();
  rig.onClose(stop);
  await libp2p.handle([SYNC, GOSSIP], () => undefined, { maxInboundStreams: 10, maxOutboundStreams: 10 });
  const connection = await libp2p.dial(multiaddr(node.address));
  return { connection, peerId: libp2p.peerId.toString(), stop };
}

/** One thing that a peer could do next. */
async function anything(connection: Connection, streams: Stream[]): Promise<void> {
  const stream = streams[random.below(Math.max(1, streams.length))];
  const framed = (bytes: Uint8Array, length = bytes.length) =>
    Uint8Array.of(length, length >> 8, length >> 16, length >> 24, ...bytes);
  switch (random.below(9)) {
    case 0:
    case 1:
      streams.push(await connection.newStream(SYNC));
      return;
    case 2:
      streams.push(await connection.newStream(GOSSIP));
      return;
    case 3:
      stream?.send(framed(noiseOf(random.below(3_000))));
      return;
    case 4:
      stream?.send(framed(Uint8Array.of(1 + random.below(12), ...noiseOf(random.below(200))), random.u32()));
      return;
    case 5:
      stream?.send(noiseOf(1 + random.below(60_000)));
      return;
    case 6:
      stream?.abort(new Error('enough'));
      return;
    case 7:
      await stream?.close();
      return;
    default:
      if (random.below(3) === 0) connection.abort(new Error('gone'));
      else await new Promise((done) => setTimeout(done, random.below(100)));
  }
}

describe('a hostile peer', () => {
  it('that throws bytes at the port', async () => {
    const port = Number(/tcp\/(\d+)/.exec(node.address)![1]);
    const ended: Promise<void>[] = [];
    for (let i = 0; i < 20; i++) {
      const socket = connect(port, '127.0.0.1');
      ended.push(new Promise((done) => socket.once('close', () => done())));
      // Being cut off is what it is here for.
      socket.on('error', () => socket.destroy());
      socket.write(noiseOf(1 + random.below(3_000)));
      if (i % 2 === 0) socket.end();
      else setTimeout(() => socket.destroy(), 200);
    }
    await Promise.all(ended);
    await untroubled();
  });

  it('that speaks garbage where messages belong loses score, then is banned', async () => {
    const stranger = await meet();
    stranger.hello();
    await until('it is a peer', async () => {
      const peers = await node.call<{ name: string }[]>('getpeerinfo');
      return peers.some(({ name }) => name === 'stranger');
    });
    stranger.frame(Uint8Array.of(99, 1, 2, 3));
    const score = await until('its score falls', async () => {
      const peers = await node.call<{ name: string; score: number }[]>('getpeerinfo');
      const now = peers.find(({ name }) => name === 'stranger')!.score;
      return now < 100 ? now : undefined;
    });
    expect(score).toBeGreaterThan(0);
    for (let i = 0; i < 50; i++) stranger.frame(noiseOf(random.below(2_000)));
    await banned(stranger, 'malformed-frame');
  });

  it('that does not say hello first', async () => {
    const stranger = await meet();
    stranger.say({ kind: 'ping', nonce: new Uint8Array(8) });
    await banned(stranger, 'no-hello');
  });

  it('that says hello from another genesis block', async () => {
    const stranger = await meet();
    stranger.hello({ genesis: new Uint8Array(32).fill(7) });
    await banned(stranger, 'wrong-genesis');
  });

  it('that floods', async () => {
    const stranger = await meet();
    stranger.hello();
    // Twice what is allowed at once, then a ping for each answer: as fast as the node reads, and its own queue stays short.
    let unanswered = 0;
    stranger.onMessage = ({ kind }) => {
      if (kind === 'pong') unanswered--;
    };
    const flooding = (async () => {
      while (stranger.parted === 0) {
        for (; unanswered < 2 * limits.framesBurst; unanswered++)
          stranger.say({ kind: 'ping', nonce: noiseOf(8) });
        await new Promise((done) => setTimeout(done, 20));
      }
    })();
    await banned(stranger, 'flood');
    await flooding;
  });

  it('that sends blocks which nobody asked for', async () => {
    const stranger = await meet();
    stranger.hello();
    const { bytes } = new World(LAB).draw('G-1').get('1').block;
    for (let i = 0; i < 50; i++) stranger.say({ kind: 'block', bytes });
    await banned(stranger, 'unrequested');
  });

  it('that announces headers without work', async () => {
    const world = new World(LAB).draw('G-X', { X: { lazy: true } });
    const header = encodeHeader(world.get('X').block.header);
    const stranger = await meet();
    stranger.hello();
    stranger.say({ kind: 'tip', header, height: 1_000_000, work: 2n ** 200n, gossiped: false });
    await banned(stranger, 'bad-header');
    expect((await faultsOf(stranger.peerId))[0]!.detail).toMatch(/^high-hash: /);
  });

  it('that gossips blocks which everybody can see to be wrong', async () => {
    const stranger = await meet();
    stranger.hello();
    const tip = await node.call<string>('getbestblockhash');
    const world = new World(LAB).draw('G-1-2');
    const swapped = rebody(world.get('1').block, world.get('2').block.txs);
    stranger.publish('block', swapped);
    stranger.publish('block', world.bytes('1').slice(0, -1));
    await banned(stranger, 'bad-block');
    const rules = (await faultsOf(stranger.peerId)).map(({ detail }) => detail.split(':')[0]);
    expect(rules).toEqual(['bad-txnmrklroot', 'bad-encoding']);
    expect(await honest.call('getchaintips')).toHaveLength(1);
    expect(await node.call('findblock', tip)).toMatchObject([{ active: true }]);
  });

  it('that gossips transactions which are none', async () => {
    const stranger = await meet();
    stranger.hello();
    for (let i = 0; i < 10; i++) stranger.publish('tx', noiseOf(100 + i));
    await banned(stranger, 'bad-tx');
  });

  it('that begins a frame of gigabytes', async () => {
    const { connection, peerId } = await bare();
    const sync = await connection.newStream(SYNC);
    sync.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1, 2, 3));
    await until('hung up', () => connection.status !== 'open');
    const told = `banned ${peerId} for 600 s: a frame of 2147483647 bytes`;
    await until('the ban is told', async () => {
      return ofKind(await eventsOf(node), 'note').some(({ text }) => text.startsWith(told));
    });
    await untroubled();
  });

  it('that breaks the framing below all protocols, in the middle of them', async () => {
    // Its streams end first, whose end ends the connection, over which yamux then says good-bye.
    for (let round = 0; round < 3; round++) {
      const { connection, stop } = await bare();
      await connection.newStream(SYNC);
      await connection.newStream(GOSSIP);
      const { muxer } = connection as unknown as { muxer: { maConn: Stream } };
      muxer.maConn.send(new Uint8Array(24).fill(255));
      await until('hung up', () => connection.status !== 'open');
      await stop();
    }
    await untroubled();
  });

  it('that does anything at any moment, and then is gone', async () => {
    const one = async () => {
      const { connection, stop } = await bare();
      const streams: Stream[] = [];
      for (let i = 2 + random.below(12); i > 0 && connection.status === 'open'; i--) {
        // Streams and connections end under its hands, and it does not care.
        await Promise.allSettled([anything(connection, streams)]);
      }
      await stop();
    };
    for (let round = 0; round < 6; round++) await Promise.all(Array.from({ length: 8 }, one));
    await untroubled();
  });

  it('is all forgotten by the honest: nobody was banned but the hostile, and the node stops politely', async () => {
    const faults = ofKind(await eventsOf(node), 'fault');
    expect(faults.filter(({ peer }) => peer === honest.peerId)).toEqual([]);
    expect(ofKind(await eventsOf(honest), 'fault')).toEqual([]);
    expect(await node.stop()).toEqual({ code: 0, signal: null });
    expect(await honest.stop()).toEqual({ code: 0, signal: null });
  });
});
