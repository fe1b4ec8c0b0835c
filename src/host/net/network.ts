// First of all imports: libp2p needs it on Node 20.
import './polyfill.ts';
import { performance } from 'node:perf_hooks';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import type { PeerId, Topic } from '../../node/types.ts';
import { describeFrame } from '../../node/wire/describe.ts';
import { listenError, parseAddress, parseListenAddress } from './address.ts';
import { Reputation } from './bans.ts';
import { netClock } from './clock.ts';
import { Dialer } from './dialer.ts';
import { Doors } from './door.ts';
import { Gate } from './gate.ts';
import { Gossip } from './gossip.ts';
import type { GossipRouter } from './gossip-router.ts';
import { loadIdentity } from './identity.ts';
import { createLibp2pNode } from './libp2p.ts';
import { netLimits } from './limits.ts';
import { Links } from './link.ts';
import { Places } from './places.ts';
import { answerProbes, probeLink } from './probe.ts';
import { ReceiveBudget } from './receive-budget.ts';
import { checkRules, shapeFor } from './rules.ts';
import { type Session, Sessions } from './sessions.ts';
import type { HeldMessage, LinkRules, Network, NetworkOptions, PeerInfo, ProbeResult } from './types.ts';

/** One long-lived stream per pair of nodes, of length-prefixed frames (net/frames.ts). */
export const syncProtocol = (genesisId: string): string => `/forkyard/${genesisId}/sync/1`;
/** Measures a link (net/probe.ts); opened for the purpose, then closed. */
const probeProtocol = (genesisId: string): string => `/forkyard/${genesisId}/probe/1`;

/**
 * Starts this node's side of the peer-to-peer network: libp2p over TCP, noise and yamux, with gossip and
 * one sync stream to each peer. Listens on `o.listen` and nowhere else. Every event comes after this
 * promise has settled or while it does.
 * @throws Error with a sentence: a malformed address, a taken port, an identity file that is none.
 */
export async function createNetwork(o: NetworkOptions): Promise<Network> {
  for (const text of o.listen) parseListenAddress(text);
  for (const text of o.connect) parseAddress(text);
  const host = new Host(o, await buildNode(o));
  await host.start();
  return host;
}

type Libp2pNode = Awaited<ReturnType<typeof buildNode>>;

async function buildNode(o: NetworkOptions) {
  const privateKey = await loadIdentity(o.dir);
  const links = new Links();
  /** What the parts need of the host before it exists. */
  const wiring: { host: Host | undefined } = { host: undefined };
  const reputation = new Reputation(() => performance.now());
  const self = peerIdFromPrivateKey(privateKey).toString();
  const places = new Places({
    maxPeers: o.maxPeers,
    sessions: () => wiring.host!.sessions,
    dialled: (peer) => wiring.host!.dialer.names(peer),
  });
  const gate = new Gate({
    self,
    active: () => wiring.host?.active ?? false,
    refuses: (peer) => wiring.host?.refuses(peer) ?? true,
    openedAt: (peer) => wiring.host?.sessions.get(peer)?.openedAt,
    makeRoom: (peer, pending) => places.makeRoom(peer, pending),
    replace: (peer) => wiring.host?.hangUp(peer, 'it has connected anew'),
    stopDialling: (peer) => wiring.host?.dialer.cancel(peer),
    learn: (address, peer) => wiring.host?.dialer.learn(address, peer),
  });
  const { libp2p } = await createLibp2pNode({
    ...o,
    privateKey,
    links,
    gate,
    syncProtocol: syncProtocol(o.genesisId),
    points: (peer) => reputation.points(peer),
  });
  return { libp2p, links, wiring, reputation, gate, places, self };
}

class Host implements Network {
  readonly peerId: PeerId;
  readonly sessions: Sessions;
  readonly dialer: Dialer;
  readonly #o: NetworkOptions;
  readonly #node: Libp2pNode;
  readonly #gossip: Gossip;
  readonly #doors: Doors;
  #links: LinkRules = { refuse: [], delayMs: 0, delayTo: {} };
  #refused: ReadonlySet<PeerId> = new Set();
  /** Peers that have left and of whom libp2p still keeps what they told. */
  #gone = new Set<PeerId>();
  #active = true;
  #sweeper: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(o: NetworkOptions, node: Libp2pNode) {
    this.#o = o;
    this.#node = node;
    this.peerId = node.self;
    node.wiring.host = this;
    this.dialer = new Dialer({
      dial: ({ multiaddr }, signal) => node.libp2p.dial(multiaddr, { signal }),
      wanted: (peer) => this.#wanted(peer),
      note: o.note,
    });
    const budget = new ReceiveBudget(netLimits.halfFrameBytes, netLimits.smallFrameBytes);
    this.#doors = new Doors({
      now: () => performance.now(),
      overflow: (peer) => {
        o.note(`more is held from ${peer} than there is room for; hanging up`);
        this.hangUp(peer, 'too much is held');
      },
    });
    this.sessions = this.#newSessions(budget);
    this.#gossip = this.#newGossip(node.libp2p.services.gossip as unknown as GossipRouter, budget);
  }

  #newSessions(budget: ReceiveBudget): Sessions {
    const o = this.#o;
    return new Sessions({
      protocol: syncProtocol(o.genesisId),
      links: this.#node.links,
      maxFrame: o.maxFrame,
      asksForMuch: o.asksForMuch,
      budget,
      now: netClock.now,
      events: o.events,
      onFrame: (peer, frame) =>
        this.#doors.pass(
          peer,
          frame.length,
          () => describeFrame(frame),
          () => o.events.message(peer, frame),
        ),
      shapeOf: (peer) => shapeFor(this.#links, peer),
      seedOf: (peer) => `${o.genesisId} ${this.peerId}>${peer}`,
      // Nobody who has switched it off waits for it.
      gossipReady: (peer) => o.gossip === false || this.#gossip.ready(peer),
      gossipSends: (peer) => this.#gossip.sends(peer),
      gossipStuck: (peer, now) => this.#gossip.stuck(peer, now),
      onJoined: (peer) => this.#gossip.joined(peer),
      onGreeted: () => this.#gossip.greeted(),
      onEnded: (peer) => this.#ended(peer),
      onFault: (peer, points, why) => this.#blame(peer, points, why),
      onForeign: (session) => this.#foreign(session),
      note: o.note,
    });
  }

  #newGossip(router: GossipRouter, budget: ReceiveBudget): Gossip {
    const o = this.#o;
    return new Gossip({
      router,
      genesisId: o.genesisId,
      maxGossip: o.maxGossip,
      clock: netClock,
      budget,
      doors: this.#doors,
      onMessage: (peer, topic, bytes, verdict) => o.events.gossip(peer, topic, bytes, verdict),
      onFault: (peer, points, why) => this.#blame(peer, points, why),
      joined: (peer) => this.sessions.get(peer)?.joined ?? false,
      onCarried: (peer, messages) => {
        const session = this.sessions.get(peer);
        if (session !== undefined) session.messages += messages;
      },
      connectionOf: (peer) => this.sessions.get(peer),
      onUseful: (peer, topic) => {
        const session = this.sessions.get(peer);
        if (session !== undefined) session[topic === 'block' ? 'blockAt' : 'txAt'] = performance.now();
      },
      onDead: (session, why) => this.sessions.end(session as Session, why),
      onChange: () => this.sessions.check(),
      note: o.note,
    });
  }

  get addresses(): readonly string[] {
    return this.#node.libp2p.getMultiaddrs().map(String);
  }

  get links(): LinkRules {
    return this.#links;
  }

  get active(): boolean {
    return this.#active;
  }

  async start(): Promise<void> {
    const { libp2p, gate } = this.#node;
    libp2p.addEventListener('connection:open', (event) => {
      gate.settled(event.detail.remotePeer.toString());
      this.sessions.opened(event.detail);
    });
    libp2p.addEventListener('peer:identify', (event) => this.sessions.identified(event.detail));
    await libp2p.handle(syncProtocol(this.#o.genesisId), (stream, connection) =>
      this.sessions.accept(stream, connection),
    );
    await libp2p.handle(probeProtocol(this.#o.genesisId), answerProbes, { maxInboundStreams: 4 });
    try {
      await libp2p.start();
    } catch (e) {
      await libp2p.stop();
      throw listenError(this.#o.listen, e as Error);
    }
    this.#gossip.started();
    // Who is subscribed to nothing is sent nothing.
    if (this.#o.gossip !== false) this.#gossip.subscribe();
    this.#sweeper = setInterval(() => this.#sweep(), netLimits.sweepMs);
    for (const address of this.#o.connect) this.dialer.add(address);
    this.dialer.start();
  }

  refuses(peer: PeerId): boolean {
    return !this.#active || this.#refused.has(peer) || this.#node.reputation.banned(peer);
  }

  protect(address: string): void {
    this.#node.places.protect(address);
  }

  hangUp(peer: PeerId, why: string): void {
    const session = this.sessions.get(peer);
    if (session !== undefined) this.sessions.end(session, why);
  }

  send(peer: PeerId, frame: Uint8Array): void {
    this.sessions.send(peer, frame);
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    if (this.#closing === undefined && this.#o.gossip !== false) this.#gossip.publish(topic, bytes);
  }

  drop(peer: PeerId, why: string, banMs?: number): void {
    // Silence that the yard itself makes is nobody's fault: without a ban the link is back as soon as it may.
    const blameless = this.#doors.isShut(peer) || this.#links.mute?.includes(peer) === true;
    if (banMs !== undefined && banMs > 0 && !blameless) {
      // Its score must not be clean when it comes back: who is banned for long again and again is soon
      // graylisted.
      this.#node.reputation.blame(peer, (netLimits.banAt / 2) * Math.min(1, banMs / netLimits.banMs));
      this.#ban(peer, banMs, why);
    } else {
      this.#o.note(`dropped ${peer}: ${why}`);
      this.hangUp(peer, why);
    }
  }

  setLinks(rules: LinkRules): void {
    checkRules(rules);
    this.#links = rules;
    this.#refused = new Set(rules.refuse);
    this.#enforce('the link is cut');
    for (const s of this.sessions.all()) {
      if (s.joined) s.link.setShape(shapeFor(rules, s.peer));
    }
    this.#doors.set(rules.hold === true, rules.deaf ?? []);
    this.dialer.kick();
  }

  held(): readonly HeldMessage[] {
    return this.#doors.held();
  }

  heldByCut(): ReadonlyMap<PeerId, number> {
    return this.#doors.heldByCut();
  }

  deliver(from?: PeerId): HeldMessage | undefined {
    return this.#doors.deliver(from);
  }

  async probe(peer: PeerId, count: number): Promise<ProbeResult | undefined> {
    const session = this.sessions.get(peer);
    if (session?.joined !== true) return undefined;
    return probeLink(session.connection, probeProtocol(this.#o.genesisId), count);
  }

  setActive(on: boolean): void {
    this.#active = on;
    if (on) this.dialer.kick();
    else this.#enforce('the network is switched off');
  }

  async add(address: string): Promise<void> {
    this.dialer.add(address);
  }

  remove(address: string): void {
    this.dialer.remove(address);
  }

  peers(): readonly PeerInfo[] {
    return [...this.sessions.all()]
      .filter((s) => s.joined)
      .map((s) => ({
        peer: s.peer,
        address: s.connection.remoteAddr.toString(),
        inbound: s.inbound,
        connectedAt: s.connectedAt,
        bytesSent: s.link.bytesSent,
        bytesReceived: s.link.bytesReceived,
        messagesReceived: s.messages,
        score: this.#gossip.score(s.peer),
      }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.dialer.close();
    this.#gossip.close();
    // The gate lets nobody in while the listener still stands.
    this.#active = false;
    this.sessions.close();
    await this.#node.libp2p.stop();
  }

  #wanted(peer: PeerId | undefined): boolean {
    // The bound on peers is for those who come; whom the user names is dialled in any case, or strangers
    // could keep it out.
    if (!this.#active || peer === undefined) return this.#active;
    return (
      peer !== this.peerId &&
      this.sessions.get(peer) === undefined &&
      !this.#node.gate.pending(peer) &&
      !this.refuses(peer)
    );
  }

  /** Cuts every connection, dial and handshake that the rules refuse by now. */
  #enforce(why: string): void {
    for (const s of [...this.sessions.all()]) if (this.refuses(s.peer)) this.sessions.end(s, why);
    this.#node.gate.enforce(why);
    if (!this.#active) this.dialer.cancelAll();
    for (const peer of this.#refused) this.dialer.cancel(peer);
  }

  #ended(peer: PeerId): void {
    this.#doors.left(peer);
    this.#gossip.left(peer);
    this.#gone.add(peer);
    if (this.#closing === undefined) this.dialer.look();
  }

  #blame(peer: PeerId, points: number, why: string): void {
    if (this.#node.reputation.blame(peer, points)) this.#ban(peer, netLimits.banMs, why);
  }

  #ban(peer: PeerId, ms: number, why: string): void {
    this.#node.reputation.ban(peer, ms);
    this.#o.note(`banned ${peer} for ${Math.ceil(ms / 1_000)} s: ${why}`);
    this.dialer.cancel(peer);
    this.hangUp(peer, why);
  }

  /**
   * A peer of another yard. It is told by the same means as we were (it asks for a protocol we do not
   * speak), so it gets a moment to see that; then neither bothers the other for a while.
   */
  #foreign(session: Session): void {
    const { peer } = session;
    if (this.#node.reputation.banned(peer)) return;
    const address = session.connection.remoteAddr.toString();
    this.#o.note(`${address} is of another network (ours is ${this.#o.genesisId.slice(0, 16)}…); refused`);
    this.#node.reputation.ban(peer, netLimits.foreignBanMs);
    const hangUp = () => this.sessions.end(session, 'it is of another network');
    // A process that ends need not wait for it.
    setTimeout(hangUp, netLimits.foreignGraceMs).unref();
  }

  #sweep(): void {
    const now = performance.now();
    this.#gossip.sweep(now);
    this.sessions.sweep(now);
    this.#clearRows();
    for (const s of [...this.sessions.all()]) {
      if (this.#gossip.graylisted(s.peer)) this.#ban(s.peer, netLimits.banMs, 'its gossip score is too low');
    }
    this.dialer.look();
  }

  /** libp2p tells its services who has left by what it keeps of that peer, so it goes a moment later. */
  #clearRows(): void {
    const gone = this.#gone;
    this.#gone = new Set();
    for (const peer of gone) {
      if (this.sessions.get(peer) !== undefined || this.#node.gate.pending(peer)) continue;
      const id = peerIdFromString(peer);
      this.#gossip.gone(id);
      this.#node.libp2p.peerStore
        .delete(id)
        .catch((e: Error) => this.#o.note(`cannot delete what ${peer} told of itself: ${e.message}`));
    }
  }
}
