import { performance } from 'node:perf_hooks';
import {
  type AbortOptions,
  type ClearableSignal,
  type Connection,
  type ConnectionEncrypter,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type MultiaddrConnection,
  type StreamMuxerFactory,
  serviceCapabilities,
  type Transport,
  transportSymbol,
  type Upgrader,
  type UpgraderOptions,
} from '@libp2p/interface';
import { type TCPComponents, tcp } from '@libp2p/tcp';
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Uint8ArrayList } from 'uint8arraylist';
import { type LinkShape, SEGMENT_BYTES, Shaper, UNSHAPED } from '../../util/link-shape.ts';
import { netLimits } from './limits.ts';
import { Pending } from './pending.ts';

interface Held {
  readonly due: number;
  readonly bytes: Uint8ArrayList;
}

/**
 * One TCP connection as the rest of libp2p sees it, with two additions: it counts bytes, and it holds back
 * what we send, first in, first out, by the delay, jitter, loss and rate of its shape (util/link-shape.ts). It lies
 * below encryption, so gossip, sync and pings are delayed alike, as a longer wire would. The shape starts as
 * none, and net/sessions.ts sets it once the peer has joined: the handshakes (noise, identify, opening of streams: some ten one-way trips) go at full
 * speed, so that connecting stays fast.
 */
export class LinkConnection extends AbstractMultiaddrConnection {
  bytesSent = 0;
  bytesReceived = 0;
  /** When bytes last came in, by `performance.now()`. */
  heardAt = performance.now();
  /** Its handshake is under way: little may come in meanwhile. */
  opening = false;

  readonly #inner: MultiaddrConnection;
  readonly #turn: ReceiveTurn;
  /** Who reads it has asked for a pause; its turn has come to an end. */
  #paused = false;
  #resting = false;
  #resuming = false;
  readonly #held: Held[] = [];
  #first = 0;
  #heldBytes = 0;
  #pieces = 0;
  #shaper = new Shaper('');
  #timer: NodeJS.Timeout | undefined;

  constructor(inner: MultiaddrConnection, turn: ReceiveTurn) {
    super({
      remoteAddr: inner.remoteAddr,
      direction: inner.direction,
      log: inner.log,
      inactivityTimeout: inner.inactivityTimeout,
      maxReadBufferLength: inner.maxReadBufferLength,
    });
    this.maxWriteBufferLength = netLimits.linkBufferBytes;
    this.from = inner.remoteAddr.getComponents()[0]?.value ?? '';
    this.#inner = inner;
    this.#turn = turn;
    inner.addEventListener('message', (event) => {
      const began = performance.now();
      this.bytesReceived += event.data.byteLength;
      this.heardAt = began;
      this.#pieces++;
      if (this.opening && this.#talksTooMuch()) {
        this.abort(new Error('too much before the handshake has ended'));
        return;
      }
      this.onData(event.data);
      this.#turn.spend(performance.now() - began, this);
    });
    inner.addEventListener('close', (event) => {
      this.#forget();
      this.onTransportClosed(event.error);
    });
    // 'drain' says that the socket took something, not that the rest is gone; the rest is taken up in a
    // microtask.
    inner.addEventListener('drain', () => queueMicrotask(this.#pump));
    inner.addEventListener('idle', () => queueMicrotask(this.#pump));
  }

  /** The address that it comes from, without the port. */
  readonly from: string;

  /** Jitter and loss of this link are drawn from this seed: the same link has the same luck in every run. */
  seed(seed: string): void {
    this.#shaper = new Shaper(seed);
  }

  /** Applies to what is sent from now on; what is under way keeps its time, and nothing overtakes it. */
  setShape(shape: LinkShape): void {
    this.#shaper.set(shape);
  }

  /** A shape that only delays. */
  setDelay(delayMs: number): void {
    this.setShape({ ...UNSHAPED, delayMs });
  }

  /** Is the next message to the peer lost for good? */
  drops(): boolean {
    return this.#shaper.drops();
  }

  get shape(): LinkShape {
    return this.#shaper.shape;
  }

  /** Bytes sent by us that are still under way. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** When the first of them may go on, by `performance.now()`; undefined when there are none. */
  get heldUntil(): number | undefined {
    return this.#held[this.#first]?.due;
  }

  /** Bytes that wait because the peer does not take them, apart from those that are held. */
  get unsentBytes(): number {
    return this.writeBufferLength + this.#inner.writeBufferLength;
  }

  /** Bytes that the socket has taken. */
  get takenBytes(): number {
    return this.bytesSent - this.#heldBytes - this.#inner.writeBufferLength;
  }

  /** Waits for the first bytes; rejects when it ends before. */
  async firstBytes(): Promise<void> {
    if (this.bytesReceived > 0) return;
    // An eviction may have ended it already: then no event comes.
    if (this.status !== 'open') throw new Error('it ended before it said anything');
    await new Promise<void>((come, end) => {
      this.#inner.addEventListener('message', () => come(), { once: true });
      this.#inner.addEventListener('close', () => end(new Error('it ended before it said anything')), {
        once: true,
      });
    });
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength;
    this.bytesSent += sentBytes;
    if (this.#shaper.isPlain && this.#heldBytes === 0) {
      this.#inner.send(data);
    } else {
      for (const bytes of this.#cut(data)) {
        this.#held.push({ due: this.#shaper.due(performance.now(), bytes.byteLength), bytes });
      }
      this.#heldBytes += sentBytes;
      this.#arm();
    }
    return { sentBytes, canSendMore: this.#hasRoom() };
  }

  override sendReset(err: Error): void {
    this.#forget();
    this.#inner.abort(err);
  }

  /** What is still under way is lost, as it would be on a cut wire. */
  override async sendClose(options?: AbortOptions): Promise<void> {
    this.#forget();
    await this.#inner.close(options);
  }

  override sendPause(): void {
    this.#paused = true;
    this.#flow();
  }

  override sendResume(): void {
    this.#paused = false;
    this.#flow();
  }

  /** Stops reading until the next turn, or resumes. */
  rest(on: boolean): void {
    this.#resting = on;
    this.#flow();
  }

  /** Reads the socket, or does not, as `#paused` and `#resting` say. */
  #flow(): void {
    // A field of its class that its type does not name: what is closed for reading throws when it is paused.
    const inner = this.#inner as MultiaddrConnection & { readonly readStatus: string };
    // `resume` hands on what has come meanwhile, and reads on after that whatever was asked in between.
    if (this.#resuming) return;
    if (!this.#paused && !this.#resting && inner.readStatus === 'paused') {
      this.#resuming = true;
      inner.resume();
      this.#resuming = false;
    }
    if ((this.#paused || this.#resting) && inner.readStatus === 'readable') inner.pause();
  }

  /** A slow wire brings what it is given bit by bit, so that its other end sees that something comes. */
  #cut(data: Uint8ArrayList): Uint8ArrayList[] {
    const { bitsPerSecond } = this.#shaper.shape;
    const most = Math.max(SEGMENT_BYTES, Math.floor((bitsPerSecond / 8_000) * netLimits.pieceMs));
    if (bitsPerSecond === 0 || data.byteLength <= most) return [data];
    const pieces: Uint8ArrayList[] = [];
    for (let at = 0; at < data.byteLength; at += most)
      pieces.push(data.sublist(at, Math.min(data.byteLength, at + most)));
    return pieces;
  }

  #talksTooMuch(): boolean {
    return this.bytesReceived > netLimits.handshakeBytes || this.#pieces > netLimits.handshakePieces;
  }

  #hasRoom(): boolean {
    return this.#innerHasRoom() && this.#heldBytes < netLimits.delayedBytes;
  }

  #innerHasRoom(): boolean {
    return !this.#inner.writableNeedsDrain && this.#inner.writeBufferLength < netLimits.streamBufferBytes;
  }

  /** Hands on what is due; then, if there is room again, lets the writers above go on. */
  readonly #pump = (): void => {
    if (this.status !== 'open' && this.status !== 'closing') return;
    const now = performance.now();
    while (this.#first < this.#held.length && this.#innerHasRoom()) {
      const next = this.#held[this.#first]!;
      if (next.due > now) break;
      this.#first++;
      this.#heldBytes -= next.bytes.byteLength;
      this.#inner.send(next.bytes);
    }
    this.#compact();
    this.#arm();
    if (this.writableNeedsDrain && this.#hasRoom()) this.safeDispatchEvent('drain');
  };

  #arm(): void {
    const next = this.#held[this.#first];
    // Without room below, its 'drain' calls `#pump`.
    if (next === undefined || this.#timer !== undefined || !this.#innerHasRoom()) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump();
      },
      Math.max(1, Math.ceil(next.due - performance.now())),
    );
  }

  #compact(): void {
    if (this.#first === this.#held.length) {
      this.#held.length = 0;
      this.#first = 0;
    } else if (this.#first >= 1_024) {
      this.#held.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#held.length = 0;
    this.#first = 0;
    this.#heldBytes = 0;
  }
}

/**
 * What comes in on all links takes the thread for `netLimits.receiveTurnMs` at once. Whoever brings more rests until the
 * others, RPC and timers have had their turn: many peers that send much would else fill each turn of the event loop.
 */
export class ReceiveTurn {
  #spentMs = 0;
  #resting: LinkConnection[] = [];
  #ends = false;

  /** Something that this link brought took so long. */
  spend(ms: number, link: LinkConnection): void {
    this.#spentMs += ms;
    if (!this.#ends) {
      this.#ends = true;
      setImmediate(() => this.#end());
    }
    if (this.#spentMs <= netLimits.receiveTurnMs) return;
    this.#resting.push(link);
    link.rest(true);
  }

  #end(): void {
    const rested = this.#resting;
    this.#resting = [];
    this.#ends = false;
    this.#spentMs = 0;
    for (const link of rested) link.rest(false);
  }
}

/** Finds the link under a libp2p connection: they share one timeline object, and libp2p gives no other way. */
export class Links {
  readonly pending = new Pending(netLimits.pendingConnections);
  readonly #turn = new ReceiveTurn();
  readonly #byTimeline = new WeakMap<object, LinkConnection>();

  wrap(inner: MultiaddrConnection): LinkConnection {
    const link = new LinkConnection(inner, this.#turn);
    this.#byTimeline.set(link.timeline, link);
    return link;
  }

  of(connection: Connection): LinkConnection | undefined {
    return this.#byTimeline.get(connection.timeline);
  }
}

/** The TCP transport, with every connection made or taken wrapped into a link before it is upgraded. */
export function linkTransport(links: Links): (components: TCPComponents) => Transport {
  const make = tcp();
  return (components) => new LinkTransport(make(components), links);
}

class LinkTransport implements Transport {
  readonly [transportSymbol] = true;
  readonly [Symbol.toStringTag] = 'forkyard-link';
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport'];
  readonly #tcp: Transport;
  readonly #links: Links;

  constructor(tcpTransport: Transport, links: Links) {
    this.#tcp = tcpTransport;
    this.#links = links;
  }

  dial(ma: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    return this.#tcp.dial(ma, { ...options, upgrader: new LinkUpgrader(options.upgrader, this.#links) });
  }

  createListener(options: CreateListenerOptions): Listener {
    return this.#tcp.createListener({
      ...options,
      upgrader: new LinkUpgrader(options.upgrader, this.#links),
    });
  }

  listenFilter(multiaddrs: Multiaddr[]): Multiaddr[] {
    return this.#tcp.listenFilter(multiaddrs);
  }

  dialFilter(multiaddrs: Multiaddr[]): Multiaddr[] {
    return this.#tcp.dialFilter(multiaddrs);
  }
}

class LinkUpgrader implements Upgrader {
  readonly #inner: Upgrader;
  readonly #links: Links;

  constructor(inner: Upgrader, links: Links) {
    this.#inner = inner;
    this.#links = links;
  }

  upgradeOutbound(maConn: MultiaddrConnection, options: UpgraderOptions): Promise<Connection> {
    return this.#inner.upgradeOutbound(this.#links.wrap(maConn), options);
  }

  async upgradeInbound(maConn: MultiaddrConnection, options: UpgraderOptions): Promise<void> {
    const link = this.#links.wrap(maConn);
    link.opening = true;
    const leave = this.#links.pending.enter(link);
    try {
      // What libp2p keeps of a connection under way is a hundred times what a silent socket takes.
      await link.firstBytes();
      await this.#inner.upgradeInbound(link, options);
    } finally {
      leave();
      link.opening = false;
    }
  }

  createInboundAbortSignal(signal: AbortSignal): ClearableSignal {
    return this.#inner.createInboundAbortSignal(signal);
  }

  getStreamMuxers(): Map<string, StreamMuxerFactory> {
    return this.#inner.getStreamMuxers();
  }

  getConnectionEncrypters(): Map<string, ConnectionEncrypter> {
    return this.#inner.getConnectionEncrypters();
  }
}
