import { performance } from 'node:perf_hooks';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import type { GossipVerdict, PeerId, Topic } from '../../node/types.ts';
import type { NetClock } from './clock.ts';
import type { Doors } from './door.ts';
import { GossipInbound } from './gossip-inbound.ts';
import { boundGossipMemory, trimGossipHistory } from './gossip-memory.ts';
import {
  type GossipRouter,
  GRAYLIST,
  openSideBySide,
  RPC_OVERHEAD,
  type Rpc,
  TOPICS,
  topicName,
} from './gossip-router.ts';
import { demerits, netLimits } from './limits.ts';
import type { ReceiveBudget } from './receive-budget.ts';

const RESULT: Record<GossipVerdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

export interface GossipOptions {
  readonly router: GossipRouter;
  readonly genesisId: string;
  readonly maxGossip: number;
  readonly clock: NetClock;
  /** Of half frames. */
  readonly budget: ReceiveBudget;
  /** Frames with messages in them come in through here, before gossipsub knows of them. */
  readonly doors: Doors;
  readonly onMessage: (
    peer: PeerId,
    topic: Topic,
    bytes: Uint8Array,
    verdict: (v: GossipVerdict) => void,
  ) => void;
  /** The peer did wrong by so many demerits. */
  readonly onFault: (peer: PeerId, points: number, why: string) => void;
  /** The node knows this peer: `joined` has been told, `left` has not. */
  readonly joined: (peer: PeerId) => boolean;
  /** What stands for the connection that a peer has now. */
  readonly connectionOf: (peer: PeerId) => GossipConnection | undefined;
  /** So many messages have come in with a frame of this peer; upkeep of the mesh carries none. */
  readonly onCarried: (peer: PeerId, messages: number) => void;
  /** The gossip stream of this connection is dead, for the life of the connection. */
  readonly onDead: (connection: object, why: string) => void;
  /** A message of this peer was the first of its kind and a good one. */
  readonly onUseful: (peer: PeerId, topic: Topic) => void;
  /** A peer may have become `ready`. */
  readonly onChange: () => void;
  readonly note: (text: string) => void;
}

interface Unjudged {
  readonly peer: PeerId;
  readonly bytes: number;
  readonly since: number;
  readonly settle: (v: GossipVerdict) => void;
}

interface Load {
  messages: number;
  bytes: number;
  /** Its stream is not read before this: too much of it waits for a verdict. */
  room: (() => void) | undefined;
}

/** Publishing, verdicts, and what each peer may cost us. */
export class Gossip {
  readonly #o: GossipOptions;
  readonly #topics: ReadonlyMap<string, Topic>;
  readonly #unjudged = new Set<Unjudged>();
  /** By peer, for as long as it is connected. */
  readonly #loads = new Map<PeerId, Load>();
  readonly #inbound: GossipInbound;
  /** Bytes that wait for a verdict, over all peers. */
  #unjudgedBytes = 0;
  #unpublished: { topic: Topic; bytes: Uint8Array }[] = [];
  /** Messages that came a moment before their peer had joined; the node would not know from whom they are. */
  readonly #early = new Map<PeerId, (() => void)[]>();

  /** Before the libp2p node starts: gossipsub reads its streams through what is set here. */
  constructor(o: GossipOptions) {
    this.#o = o;
    this.#topics = new Map(TOPICS.map((t) => [topicName(o.genesisId, t), t]));
    this.#inbound = new GossipInbound({
      ...o,
      maxFrame: o.maxGossip + RPC_OVERHEAD,
      topicOf: (name) => this.#topics.get(name),
      room: (peer) => this.#room(this.#load(peer)),
    });
    boundGossipMemory(o.router);
    o.router.createInboundStream = (id, stream) => this.#inbound.accept(id, stream);
    sendOneByOne(o.router, (peer) => o.connectionOf(peer)?.link.drops() === true);
    o.router.addEventListener('subscription-change', () => o.onChange());
    o.router.addEventListener('gossipsub:message', (event) => {
      const { propagationSource, msgId, msg } = event.detail;
      this.#onMessage(propagationSource.toString(), msgId, msg.topic, msg.data);
    });
  }

  /** After the libp2p node has started. */
  started(): void {
    openSideBySide(this.#o.router);
  }

  /** After `started`. */
  subscribe(): void {
    for (const name of this.#topics.keys()) this.#o.router.subscribe(name);
  }

  /** Messages can go both ways between this peer and us. */
  ready(peer: PeerId): boolean {
    return this.sends(peer) && [...this.#topics.keys()].every((name) => this.#subscribed(name, peer));
  }

  /** Our stream to this peer is alive. */
  sends(peer: PeerId): boolean {
    return this.#o.router.streamsOutbound.has(peer);
  }

  graylisted(peer: PeerId): boolean {
    return this.score(peer) <= GRAYLIST;
  }

  score(peer: PeerId): number {
    return this.#o.router.getScore(peer);
  }

  /**
   * To every connected peer. Without any, the message waits for the first (a bounded list, the oldest goes
   * first): gossipsub would mark it as seen and never send it.
   * @throws RangeError when it is larger than the network takes: gossipsub would mark it as seen, then throw.
   */
  publish(topic: Topic, bytes: Uint8Array): void {
    if (bytes.length > this.#o.maxGossip) {
      throw new RangeError(
        `a gossip message of ${bytes.length} bytes, at most ${this.#o.maxGossip} are allowed`,
      );
    }
    const name = topicName(this.#o.genesisId, topic);
    if (!this.#o.router.getSubscribers(name).some((p) => this.sends(p.toString()))) {
      this.#defer(topic, bytes);
      return;
    }
    this.#o.router.publish(name, bytes).catch((e: Error) => {
      // The last peer went away, or fell below the threshold, in this very moment.
      if (e.message.includes('NoPeersSubscribed')) this.#defer(topic, bytes);
      else this.#o.note(`gossip on ${topic} failed: ${e.message}`);
    });
  }

  /** A peer has joined: it is in the mesh, and what it has told already is given. */
  joined(peer: PeerId): void {
    this.#graft(peer);
    const early = this.#early.get(peer) ?? [];
    this.#early.delete(peer);
    for (const give of early) give();
  }

  /** A peer has said hello: what has waited for a peer goes out, behind our own hello, which a slow line brings first. */
  greeted(): void {
    const waiting = this.#unpublished;
    this.#unpublished = [];
    for (const { topic, bytes } of waiting) this.publish(topic, bytes);
  }

  /** The peer's half frame does not grow. */
  stuck(peer: PeerId, now: number): boolean {
    return this.#inbound.stuck(peer, now);
  }

  /** Drops what concerns a peer that has left; its messages are settled as ignored. */
  left(peer: PeerId): void {
    this.#inbound.left(peer);
    this.#early.delete(peer);
    for (const u of this.#unjudged) if (u.peer === peer) u.settle('ignore');
    this.#loads.get(peer)?.room?.();
    this.#loads.delete(peer);
  }

  /** A moment after `left`: gossipsub drops it too, whether or not libp2p has told it. */
  gone(peer: Libp2pPeerId): void {
    this.#o.router.removePeer(peer);
  }

  /** Settles what nobody has judged in time, so that nothing stays in gossipsub's hands for ever. */
  sweep(now: number): void {
    trimGossipHistory(this.#o.router);
    this.#shedUnsent();
    for (const u of this.#unjudged) {
      if (now - u.since < netLimits.judgeMs) break;
      this.#o.note(
        `a gossip message of ${u.bytes} bytes got no verdict in ${netLimits.judgeMs / 1_000} s; ignored`,
      );
      u.settle('ignore');
    }
  }

  close(): void {
    this.#inbound.close();
    for (const u of this.#unjudged) u.settle('ignore');
    for (const load of this.#loads.values()) load.room?.();
    this.#loads.clear();
    this.#early.clear();
    this.#unpublished = [];
  }

  /**
   * gossipsub grafts a peer when its subscription arrives, unless our stream to it opens only later: then the peer's own
   * GRAFT or our next heartbeat does it, and what others tell us in between would never be passed to the peer. Who has
   * not subscribed, which graftOnSubscribe takes for granted, would sit in the mesh for nothing.
   */
  #graft(peer: PeerId): void {
    const { router } = this.#o;
    const grafted = [...this.#topics.keys()].filter(
      (name) => this.#subscribed(name, peer) && router.graftOnSubscribe(peer, name),
    );
    if (grafted.length > 0) router.sendGraft(peer, grafted);
  }

  #subscribed(name: string, peer: PeerId): boolean {
    return this.#o.router.getSubscribers(name).some((p) => p.toString() === peer);
  }

  #defer(topic: Topic, bytes: Uint8Array): void {
    this.#unpublished.push({ topic, bytes });
    let total = this.#unpublished.reduce((sum, m) => sum + m.bytes.length, 0);
    while (this.#unpublished.length > netLimits.unpublished || total > netLimits.unpublishedBytes) {
      total -= this.#unpublished.shift()!.bytes.length;
    }
  }

  #onMessage(peer: PeerId, msgId: string, name: string, bytes: Uint8Array): void {
    const report = (v: GossipVerdict) => this.#o.router.reportMessageValidationResult(msgId, peer, RESULT[v]);
    const topic = this.#topics.get(name);
    if (topic === undefined || this.#o.connectionOf(peer) === undefined) {
      report('ignore');
      return;
    }
    const load = this.#load(peer);
    load.messages++;
    load.bytes += bytes.length;
    this.#unjudgedBytes += bytes.length;
    const unjudged: Unjudged = {
      peer,
      bytes: bytes.length,
      since: performance.now(),
      settle: (v) => {
        // The first verdict counts; a later one comes from a node that answered after the sweep.
        if (!this.#unjudged.delete(unjudged)) return;
        load.messages--;
        load.bytes -= bytes.length;
        this.#unjudgedBytes -= bytes.length;
        this.#makeRoom(load);
        report(v);
        if (v === 'accept') {
          this.#inbound.accepted(peer);
          this.#o.onUseful(peer, topic);
        }
        if (v === 'reject') this.#o.onFault(peer, demerits.rejectedMessage, `an invalid ${topic} by gossip`);
      },
    };
    this.#unjudged.add(unjudged);
    const give = () => {
      // Otherwise the sweep has settled it while it waited.
      if (this.#unjudged.has(unjudged)) this.#o.onMessage(peer, topic, bytes, unjudged.settle);
    };
    if (this.#o.joined(peer)) give();
    else this.#early.set(peer, [...(this.#early.get(peer) ?? []), give]);
  }

  #load(peer: PeerId): Load {
    let load = this.#loads.get(peer);
    if (load === undefined) {
      load = { messages: 0, bytes: 0, room: undefined };
      this.#loads.set(peer, load);
    }
    return load;
  }

  /**
   * Undefined while the peer may go on. A node that is busier than its neighbours reads them more slowly: a message that
   * it had to ignore unread, or judged too late, would end there for all behind it.
   */
  #room(load: Load): Promise<void> | undefined {
    if (
      load.messages < netLimits.waitingPerPeer &&
      load.bytes < netLimits.waitingBytesPerPeer &&
      !this.#crowded(load)
    )
      return undefined;
    return new Promise((resolve) => {
      load.room = resolve;
    });
  }

  #makeRoom(load: Load): void {
    if (load.room === undefined || this.#crowded(load)) return;
    if (2 * load.messages > netLimits.waitingPerPeer || 2 * load.bytes > netLimits.waitingBytesPerPeer)
      return;
    load.room();
    load.room = undefined;
  }

  /** All peers together have too much waiting, and this one is among them. */
  #crowded(load: Load): boolean {
    const full =
      this.#unjudged.size >= netLimits.waitingInAll || this.#unjudgedBytes >= netLimits.waitingBytesInAll;
    return full && load.messages > 0;
  }

  /** Of all who do not read their gossip the worst goes, when together they hold too much. */
  #shedUnsent(): void {
    const unsent = [...this.#o.router.streamsOutbound].map(
      ([peer, { rawStream }]) => [peer, rawStream.writeBufferLength] as const,
    );
    let total = unsent.reduce((sum, [, bytes]) => sum + bytes, 0);
    for (const [peer, bytes] of unsent.sort(([, a], [, b]) => b - a)) {
      if (total <= netLimits.gossipUnsentBytes) return;
      total -= bytes;
      const connection = this.#o.connectionOf(peer);
      if (connection !== undefined) this.#o.onDead(connection, 'it does not read its gossip');
    }
  }
}

/** The link of a connection, which may be asked to lose messages. */
interface GossipConnection {
  readonly link: { drops(): boolean };
}

/**
 * gossipsub answers a request for messages with one frame that holds them all, larger than any that a peer takes.
 * A message that the link drops counts as sent; the upkeep of the mesh is never dropped.
 */
function sendOneByOne(router: GossipRouter, drops: (peer: PeerId) => boolean): void {
  const send = router.sendRpc.bind(router);
  const sendUpkeep = (peer: PeerId, rpc: Rpc): boolean =>
    (rpc.subscriptions.length === 0 && rpc.control === undefined) || send(peer, { ...rpc, messages: [] });
  router.sendRpc = (peer, rpc) => {
    const isWhole = rpc.messages.length <= 1 && !(rpc.messages.length === 1 && drops(peer));
    if (isWhole) return send(peer, rpc);
    if (rpc.messages.length === 1) return sendUpkeep(peer, rpc);
    const sent = rpc.messages.map(
      (message) => drops(peer) || send(peer, { subscriptions: [], messages: [message] }),
    );
    return sendUpkeep(peer, rpc) && sent.every((ok) => ok);
  };
}
