import { describe, expect, it, vi } from 'vitest';
import '../../src/host/polyfill.ts';
import { peerIdFromString } from '@libp2p/peer-id';
import { Doors } from '../../src/host/net/door.ts';
import { Gossip } from '../../src/host/net/gossip.ts';
import { type GossipRouter, topicName } from '../../src/host/net/gossip-router.ts';
import { demerits, netLimits } from '../../src/host/net/limits.ts';
import type { GossipVerdict } from '../../src/node/types.ts';
import { blob, GENESIS } from './network-rig.ts';

const PEER = '12D3KooWEySue5voK23qPgeUMUKfHTZTwzqp9TzyMnBp9ycmJdyB';
const ID = peerIdFromString(PEER);

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
  decodeRpc(): unknown {
    return {};
  }
  async pipePeerReadStream(_: unknown, source: AsyncIterable<{ subarray(): Uint8Array }>): Promise<void> {
    for await (const chunk of source) this.arrive(chunk.subarray());
  }

  arrive(data: Uint8Array, topic = topicName(GENESIS, 'tx')): string {
    const msgId = `m${this.#next++}`;
    const detail = { propagationSource: ID, msgId, msg: { topic, data } };
    this.dispatchEvent(new CustomEvent('gossipsub:message', { detail }));
    return msgId;
  }
}

function setup() {
  const router = new FakeRouter();
  const state = { joined: true, connection: {} as object | undefined };
  const given: { bytes: Uint8Array; verdict: (v: GossipVerdict) => void }[] = [];
  const faults: [number, string][] = [];
  const notes: string[] = [];
  const gossip = new Gossip({
    router: router as unknown as GossipRouter,
    genesisId: GENESIS,
    maxGossip: 1_000_000,
    doors: new Doors({ now: () => 0, overflow: () => undefined }),
    onMessage: (_, __, bytes, verdict) => void given.push({ bytes, verdict }),
    onFault: (_, points, why) => void faults.push([points, why]),
    joined: () => state.joined,
    connectionOf: () => state.connection,
    onCarried: () => undefined,
    onDead: () => undefined,
    onChange: () => undefined,
    note: (text) => void notes.push(text),
  });
  return { router, state, given, faults, notes, gossip };
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

  it('that wait for a verdict are bounded in number and size; a verdict makes room', () => {
    const t = setup();
    for (let i = 0; i < netLimits.unjudged + 10; i++) t.router.arrive(blob(i, 4));
    expect(t.given.length).toBe(netLimits.unjudged);
    expect(t.router.reports.length).toBe(10);
    t.given[0]!.verdict('accept');
    t.router.arrive(blob(9, 4));
    expect(t.given.length).toBe(netLimits.unjudged + 1);

    const big = setup();
    while (big.router.reports.length === 0) big.router.arrive(blob(1, 1_000_000));
    expect(big.given.length).toBe(Math.floor(netLimits.unjudgedBytes / 1_000_000));
  });
});

describe('the gossip stream of a peer', () => {
  /** A stream of so many messages, and how many of them were read. */
  function stream(t: ReturnType<typeof setup>, count: number) {
    let read = 0;
    const source = async function* () {
      for (; read < count; read++) yield { subarray: () => blob(read, 10) };
    };
    const router = t.router as unknown as GossipRouter;
    return { done: router.pipePeerReadStream(ID, source()), read: () => read };
  }

  it('is not read while too much of it waits for a verdict, and nothing of it is lost', async () => {
    const t = setup();
    const count = 3 * netLimits.waitingPerPeer;
    const s = stream(t, count);
    await vi.waitFor(() => expect(t.given.length).toBe(netLimits.waitingPerPeer));
    const before = s.read();
    expect(before).toBeLessThan(netLimits.waitingPerPeer + 3);
    // One verdict is not enough: it goes on when half of them are given.
    t.given[0]!.verdict('accept');
    await new Promise((done) => setImmediate(done));
    expect(s.read()).toBe(before);
    for (let judged = 1; judged < count; judged++) {
      await vi.waitFor(() => expect(t.given.length).toBeGreaterThan(judged));
      t.given[judged]!.verdict('accept');
    }
    await s.done;
    expect(t.router.reports.map(([, result]) => result)).toEqual(
      Array.from({ length: count }, () => 'accept'),
    );
  });

  it('comes to its end when the peer leaves, though verdicts were waited for', async () => {
    const t = setup();
    const s = stream(t, netLimits.waitingPerPeer + 1);
    await vi.waitFor(() => expect(t.given.length).toBe(netLimits.waitingPerPeer));
    t.gossip.left(PEER);
    await s.done;
  });
});

describe('publishing', () => {
  it('waits for a peer that can be sent to, in order, the oldest giving way at the bound', () => {
    const t = setup();
    for (let i = 0; i < netLimits.unpublished + 5; i++) t.gossip.publish('block', blob(i, 100));
    t.router.subscribers = [ID];
    // Subscribed, but our stream to it is not open yet: gossipsub would mark the message as sent, and send nothing.
    t.gossip.joined(PEER);
    expect(t.router.published).toEqual([]);
    t.router.streamsOutbound.set(PEER, {});
    t.gossip.joined(PEER);
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
    t.router.streamsOutbound.set(PEER, {});
    t.gossip.joined(PEER);
    expect(t.router.published.length).toBe(Math.floor(netLimits.unpublishedBytes / 1_000_000));
    expect(t.router.published.at(-1)![1][0]).toBe(39);
  });
});
