import { describe, expect, it, vi } from 'vitest';
import '../../src/host/net/polyfill.ts';
import { peerIdFromString } from '@libp2p/peer-id';
import { Doors } from '../../src/host/net/door.ts';
import { Gossip } from '../../src/host/net/gossip.ts';
import { type GossipRouter, openSideBySide, type Rpc, topicName } from '../../src/host/net/gossip-router.ts';
import { demerits, netLimits } from '../../src/host/net/limits.ts';
import { ReceiveBudget } from '../../src/host/net/receive-budget.ts';
import type { GossipVerdict } from '../../src/node/types.ts';
import { blob, GENESIS } from './network-rig.ts';
import { TestStream } from './test-stream.ts';

const PEER = '12D3KooWEySue5voK23qPgeUMUKfHTZTwzqp9TzyMnBp9ycmJdyB';
const ID = peerIdFromString(PEER);
/** The bound only ends a hopeless wait. */
const PATIENT = { timeout: 240_000 };

/** gossipsub's part, played: it records what it is told, and a test says what arrives. */
class FakeRouter extends EventTarget {
  readonly reports: [string, string][] = [];
  readonly published: [string, Uint8Array][] = [];
  readonly streamsOutbound = new Map<string, unknown>();
  /** Of every topic but the `silent` ones. */
  subscribers: (typeof ID)[] = [];
  readonly silent = new Set<string>();
  readonly mesh = new Set<string>();
  readonly grafts: [string, readonly string[]][] = [];
  #next = 0;

  subscribe(): void {}
  getSubscribers(topic: string) {
    return this.silent.has(topic) ? [] : this.subscribers;
  }
  getScore(): number {
    return 0;
  }
  graftOnSubscribe(peer: string, topic: string): boolean {
    const key = `${peer} ${topic}`;
    return !this.mesh.has(key) && this.mesh.add(key).size > 0;
  }
  sendGraft(peer: string, topics: readonly string[]): void {
    this.grafts.push([peer, topics]);
  }
  async publish(topic: string, data: Uint8Array): Promise<void> {
    this.published.push([topic, data]);
  }
  reportMessageValidationResult(msgId: string, _: string, result: string): void {
    this.reports.push([msgId, result]);
  }
  /** A frame of a test holds its messages, each with its length in a byte before it. */
  decodeRpc(bytes: Uint8Array): Rpc {
    const messages: Rpc['messages'] = [];
    for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) {
      messages.push({ topic: topicName(GENESIS, 'tx'), data: bytes.subarray(at + 1, at + 1 + bytes[at]!) });
    }
    return { subscriptions: [], messages };
  }
  async handleReceivedRpc(_: unknown, { messages }: Rpc): Promise<void> {
    for (const { data } of messages) this.arrive(data!);
  }
  readonly sent: object[] = [];
  sendRpc(_peer: string, rpc: object): boolean {
    this.sent.push(rpc);
    return true;
  }
  removePeer(): void {}
  readonly seenCache = { entries: new Map() };
  readonly publishedMessageIds = { entries: new Map() };
  readonly mcache = { msgs: new Map(), history: [] };
  readonly gossipTracer = { promises: new Map() };
  readonly score = { deliveryRecords: { records: new Map(), queue: {} } };

  arrive(data: Uint8Array, topic = topicName(GENESIS, 'tx')): string {
    const msgId = `m${this.#next++}`;
    const detail = { propagationSource: ID, msgId, msg: { topic, data } };
    this.dispatchEvent(new CustomEvent('gossipsub:message', { detail }));
    return msgId;
  }
}

function setup() {
  const router = new FakeRouter();
  /** Does the link lose what is sent now? */
  const link = { lost: false, drops: () => link.lost };
  const state = { joined: true, connection: { link } as { link: typeof link } | undefined };
  const given: { bytes: Uint8Array; verdict: (v: GossipVerdict) => void }[] = [];
  const faults: [number, string][] = [];
  const notes: string[] = [];
  const dead: string[] = [];
  const clock = {
    ms: 0,
    now: () => clock.ms,
    sleep: async (ms: number) => {
      clock.ms += ms;
    },
  };
  const useful: string[] = [];
  const gossip = new Gossip({
    router: router as unknown as GossipRouter,
    genesisId: GENESIS,
    maxGossip: 1_000_000,
    clock,
    budget: new ReceiveBudget(1e9, 0),
    doors: new Doors({ now: () => 0, overflow: () => undefined }),
    onMessage: (_, __, bytes, verdict) => void given.push({ bytes, verdict }),
    onFault: (_, points, why) => void faults.push([points, why]),
    joined: () => state.joined,
    connectionOf: () => state.connection,
    onCarried: () => undefined,
    onDead: (_, why) => void dead.push(why),
    onUseful: (_, topic) => void useful.push(topic),
    onChange: () => undefined,
    note: (text) => void notes.push(text),
  });
  return { router, link, state, given, faults, notes, dead, useful, clock, gossip };
}

describe('gossip messages', () => {
  it('get exactly one verdict; a rejected one counts against its sender', () => {
    const t = setup();
    const ids = [0, 1, 2].map((i) => t.router.arrive(blob(i, 10)));
    t.given[0]!.verdict('accept');
    t.given[0]!.verdict('reject');
    t.given[1]!.verdict('ignore');
    t.given[2]!.verdict('reject');
    expect(t.router.reports).toEqual([
      [ids[0], 'accept'],
      [ids[1], 'ignore'],
      [ids[2], 'reject'],
    ]);
    expect(t.faults).toEqual([[demerits.rejectedMessage, 'an invalid tx by gossip']]);
  });

  it('wait for their peer to join, and are ignored when it leaves instead', () => {
    const t = setup();
    t.state.joined = false;
    t.router.arrive(blob(1, 10));
    t.router.arrive(blob(2, 10));
    expect(t.given).toEqual([]);
    t.state.joined = true;
    t.gossip.joined(PEER);
    expect(t.given.map((g) => g.bytes[0])).toEqual([1, 2]);
    t.state.joined = false;
    const late = t.router.arrive(blob(3, 10));
    t.gossip.left(PEER);
    expect(t.router.reports.at(-1)).toEqual([late, 'ignore']);
    t.gossip.joined(PEER);
    expect(t.given.length).toBe(2);
  });

  it('go to a peer from the moment that it has joined, though its subscription came before our stream to it', () => {
    const t = setup();
    const topics = [topicName(GENESIS, 'block'), topicName(GENESIS, 'tx')];
    t.router.subscribers = [ID];
    t.router.mesh.add(`${PEER} ${topics[0]}`);
    t.gossip.joined(PEER);
    expect([...t.router.mesh]).toEqual(topics.map((name) => `${PEER} ${name}`));
    expect(t.router.grafts).toEqual([[PEER, [topics[1]]]]);
    t.gossip.joined(PEER);
    expect(t.router.grafts.length).toBe(1);
  });

  it('go to nobody who has not subscribed to them', () => {
    const t = setup();
    t.gossip.joined(PEER);
    expect([...t.router.mesh]).toEqual([]);
    expect(t.router.grafts).toEqual([]);
    t.router.subscribers = [ID];
    t.router.silent.add(topicName(GENESIS, 'block'));
    t.gossip.joined(PEER);
    expect(t.router.grafts).toEqual([[PEER, [topicName(GENESIS, 'tx')]]]);
  });

  it('are lost on a link that drops them, and what keeps up the mesh is not', () => {
    const { router, link } = setup();
    const message = (n: number) => ({ topic: topicName(GENESIS, 'tx'), data: Uint8Array.of(n) });
    const control = { graft: [] };
    const send = (messages: object[], more: object = {}) =>
      (router.sendRpc as (peer: string, rpc: object) => boolean)('p', {
        subscriptions: [],
        messages,
        ...more,
      });
    expect(send([message(1)], { control })).toBe(true);
    link.lost = true;
    expect(send([message(2)], { control })).toBe(true);
    expect(send([message(3), message(4)])).toBe(true);
    expect(send([], { control })).toBe(true);
    expect(router.sent).toEqual([
      { subscriptions: [], messages: [message(1)], control },
      { subscriptions: [], messages: [], control },
      { subscriptions: [], messages: [], control },
    ]);
  });

  it('of a peer without a connection, or of a topic that is none, are ignored', () => {
    const t = setup();
    t.router.arrive(blob(1, 10), '/forkyard/other/tx/1');
    t.state.connection = undefined;
    t.router.arrive(blob(2, 10));
    expect(t.router.reports.map(([, r]) => r)).toEqual(['ignore', 'ignore']);
    expect(t.given).toEqual([]);
  });

  it('that nobody judges in time are ignored, and judging them later changes nothing', () => {
    const t = setup();
    const id = t.router.arrive(blob(1, 10));
    t.gossip.sweep(performance.now());
    expect(t.router.reports).toEqual([]);
    t.gossip.sweep(performance.now() + netLimits.judgeMs);
    expect(t.router.reports).toEqual([[id, 'ignore']]);
    expect(t.notes[0]).toMatch(/got no verdict/);
    t.given[0]!.verdict('accept');
    expect(t.router.reports.length).toBe(1);
  });
});

describe('the gossip stream of a peer', () => {
  /** Opens one, as gossipsub would be told of it. */
  function open(t: ReturnType<typeof setup>): TestStream {
    const stream = new TestStream();
    (t.router as unknown as GossipRouter).createInboundStream(ID, stream);
    return stream;
  }

  /** A frame of the messages `from` to `to`. */
  function frame(from: number, to: number): Uint8Array {
    const body = new Uint8Array((to - from) * 11);
    for (let i = from; i < to; i++) {
      body[(i - from) * 11] = 10;
      body.set(blob(i, 10), (i - from) * 11 + 1);
    }
    return Uint8Array.of((body.length & 127) | 128, (body.length >> 7) | 128, body.length >> 14, ...body);
  }

  const numberOf = (g: { bytes: Uint8Array }) =>
    new DataView(g.bytes.buffer, g.bytes.byteOffset).getUint32(0, true);
  const settled = () => new Promise((done) => setTimeout(done, 20));

  it('is not read while too much of it waits for a verdict, however much one frame brings; nothing is lost', async () => {
    const t = setup();
    const stream = open(t);
    expect(stream.flowing).toBe(true);
    const count = 5 * netLimits.waitingPerPeer;
    stream.onData(frame(0, count / 2));
    stream.onData(frame(count / 2, count));
    await vi.waitFor(() => expect(t.given.length).toBe(netLimits.waitingPerPeer), PATIENT);
    await settled();
    expect([t.given.length, stream.flowing]).toEqual([netLimits.waitingPerPeer, false]);
    // One verdict is not enough: it goes on when half of them are given.
    t.given[0]!.verdict('accept');
    await settled();
    expect(t.given.length).toBe(netLimits.waitingPerPeer);
    for (let judged = 1; judged < count; judged++) {
      await vi.waitFor(() => expect(t.given.length).toBeGreaterThan(judged), PATIENT);
      t.given[judged]!.verdict('accept');
      expect(t.given.length - judged).toBeLessThan(2 * netLimits.waitingPerPeer);
    }
    expect(t.given.map(numberOf)).toEqual(Array.from({ length: count }, (_, i) => i));
    await vi.waitFor(() => expect(stream.flowing).toBe(true), PATIENT);
    expect(t.useful.length).toBe(count);
  });

  it('ends with its peer, though verdicts were waited for', async () => {
    const t = setup();
    const stream = open(t);
    stream.onData(frame(0, 3 * netLimits.waitingPerPeer));
    await vi.waitFor(() => expect(t.given.length).toBe(netLimits.waitingPerPeer), PATIENT);
    t.gossip.left(PEER);
    stream.onData(frame(0, 10));
    await settled();
    expect(t.given.length).toBe(netLimits.waitingPerPeer);
    expect(t.router.reports.map(([, r]) => r)).toEqual(t.given.map(() => 'ignore'));
    expect(t.dead).toEqual([]);
  });

  it('is one for each connection; its end is told', async () => {
    const t = setup();
    const first = open(t);
    const second = open(t);
    expect([first.status, second.status]).toEqual(['open', 'aborted']);
    first.abort(new Error('gone'));
    expect(t.dead).toEqual(['its gossip stream closed']);
    t.state.connection = undefined;
    expect(open(t).status).toBe('aborted');
  });

  it('is held back when it brings more than its rate, and is a flood when that lasts and nothing is of use', async () => {
    const floods = async (verdict: GossipVerdict) => {
      const t = setup();
      const stream = open(t);
      // Each frame counts as one message at least: a peer cannot keep us busy with empty ones.
      const empty = new Uint8Array(1_000);
      const enough = netLimits.gossipBurst + 2 * (netLimits.floodMs / 1_000) * netLimits.gossipRate;
      for (let sent = 0; sent < enough && t.faults.length === 0; sent += 1_000) {
        stream.onData(empty);
        stream.onData(frame(sent, sent + 1));
        await vi.waitFor(() => expect(t.given.length + t.faults.length).toBeGreaterThan(0), PATIENT);
        for (const g of t.given.splice(0)) g.verdict(verdict);
      }
      return { faults: t.faults, seconds: t.clock.ms / 1_000 };
    };
    const rude = await floods('ignore');
    expect(rude.faults[0]).toEqual([demerits.flood, 'a flood of gossip']);
    expect(rude.seconds).toBeCloseTo(netLimits.floodMs / 1_000, 0);
    const busy = await floods('accept');
    expect(busy.faults).toEqual([]);
    expect(busy.seconds).toBeCloseTo((2 * netLimits.floodMs) / 1_000, 0);
  });

  it('with too long a frame, or with one that is none, is a fault', async () => {
    const t = setup();
    open(t).onData(Uint8Array.of(255, 255, 255, 127));
    await settled();
    expect(t.faults).toEqual([
      [demerits.brokenFraming, expect.stringMatching(/^oversize gossip: a frame of 268435455/)],
    ]);
    const u = setup();
    u.router.decodeRpc = () => {
      throw new Error('no RPC');
    };
    open(u).onData(Uint8Array.of(1, 0));
    await vi.waitFor(
      () => expect(u.faults).toEqual([[demerits.malformedGossip, 'malformed gossip']]),
      PATIENT,
    );
  });
});

describe('our gossip streams', () => {
  it('are opened side by side, and those of one peer one after another: who does not answer keeps nobody waiting', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const router = {
      outboundInflightQueue: { push: expect.unreachable, end: () => undefined },
      createOutboundStream: (peer: { toString(): string }) => {
        asked.push(String(peer));
        return new Promise<void>((done) => answers.push(done));
      },
    } as unknown as GossipRouter;
    openSideBySide(router);
    const open = (peer: string) =>
      router.outboundInflightQueue.push({ peerId: peer, connection: undefined } as never);
    for (const peer of ['mute', 'mute', 'honest']) open(peer);
    await vi.waitFor(() => expect(asked).toEqual(['mute', 'honest']), PATIENT);
    answers[0]!();
    await vi.waitFor(() => expect(asked).toEqual(['mute', 'honest', 'mute']), PATIENT);
  });
});

describe('publishing', () => {
  it('waits for a peer that can be sent to, in order, the oldest giving way at the bound', () => {
    const t = setup();
    for (let i = 0; i < netLimits.unpublished + 5; i++) t.gossip.publish('block', blob(i, 100));
    t.router.subscribers = [ID];
    // Subscribed, but our stream to it is not open yet: gossipsub would mark the message as sent, and send nothing.
    t.gossip.greeted();
    expect(t.router.published).toEqual([]);
    t.router.streamsOutbound.set(PEER, { rawStream: { writeBufferLength: 0 } });
    t.gossip.greeted();
    expect(t.router.published.map(([, b]) => b[0])).toEqual(
      Array.from({ length: netLimits.unpublished }, (_, i) => i + 5),
    );
    t.gossip.publish('tx', blob(200, 100));
    expect(t.router.published.at(-1)![0]).toBe(topicName(GENESIS, 'tx'));
  });

  it('is bounded in bytes too', () => {
    const t = setup();
    for (let i = 0; i < 40; i++) t.gossip.publish('block', blob(i, 1_000_000));
    t.router.subscribers = [ID];
    t.router.streamsOutbound.set(PEER, { rawStream: { writeBufferLength: 0 } });
    t.gossip.greeted();
    expect(t.router.published.length).toBe(Math.floor(netLimits.unpublishedBytes / 1_000_000));
    expect(t.router.published.at(-1)![1][0]).toBe(39);
  });
});
