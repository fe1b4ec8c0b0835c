import { performance } from 'node:perf_hooks';
import type { Connection, IdentifyResult, Stream } from '@libp2p/interface';
import type { PeerId } from '../../node/types.ts';
import { describeFrame } from '../../node/wire/describe.ts';
import type { LinkShape } from '../../util/link-shape.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frames.ts';
import { demerits, netLimits } from './limits.ts';
import type { LinkConnection, Links } from './link.ts';
import { Outflow } from './outflow.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import type { NetworkEvents } from './types.ts';

/** One peer, one connection, one sync stream: they begin and end together. */
export interface Session {
  readonly peer: PeerId;
  readonly connection: Connection;
  readonly link: LinkConnection;
  readonly inbound: boolean;
  /** By `performance.now()`. */
  readonly openedAt: number;
  /** Milliseconds since 1970, for people. */
  readonly connectedAt: number;
  stream: Stream | undefined;
  reader: FrameReader | undefined;
  writer: FrameWriter | undefined;
  streamAt: number;
  /** That came in from it: sync frames, and blocks and payments by gossip. Bytes are counted by the link below. */
  messages: number;
  /** When a block, and a payment, that it sent by gossip was last accepted, by `performance.now()`. */
  blockAt: number | undefined;
  txAt: number | undefined;
  /** `joined` has been told, so `left` will be. */
  joined: boolean;
  /** We have sent it a frame, which is our hello. */
  said: boolean;
  /** It has sent us one. */
  greeted: boolean;
  /** We have asked it for what may come in a large frame. */
  asked: boolean;
  ended: boolean;
}

export interface SessionsOptions {
  readonly protocol: string;
  readonly links: Links;
  readonly maxFrame: number;
  /** The answer to this frame may be large; without one, a frame of `netLimits.unaskedFrameBytes` is the largest. */
  readonly asksForMuch: (frame: Uint8Array) => boolean;
  /** Of half frames. */
  readonly budget: ReceiveBudget;
  /** `performance.now()`. */
  readonly now: () => number;
  readonly events: Pick<NetworkEvents, 'joined' | 'left' | 'flow'>;
  /** A promise pushes back: no further frame of this peer is read until it settles. */
  readonly onFrame: (peer: PeerId, frame: Uint8Array) => void | Promise<void>;
  readonly shapeOf: (peer: PeerId) => LinkShape;
  /** What the luck of the link to this peer hangs on. */
  readonly seedOf: (peer: PeerId) => string;
  readonly gossipReady: (peer: PeerId) => boolean;
  /** The peer can be published to. */
  readonly gossipSends: (peer: PeerId) => boolean;
  readonly onJoined: (peer: PeerId) => void;
  /** The first frames have gone both ways: the hellos. */
  readonly onGreeted: (peer: PeerId) => void;
  /** The peer's half gossip frame does not grow. */
  readonly gossipStuck: (peer: PeerId, now: number) => boolean;
  readonly onEnded: (peer: PeerId) => void;
  /** The peer did wrong by so many demerits. */
  readonly onFault: (peer: PeerId, points: number, why: string) => void;
  /** The peer does not know our sync protocol. */
  readonly onForeign: (session: Session) => void;
  readonly note: (text: string) => void;
}

/**
 * The connected peers. The dialler of a connection opens the sync stream, so there is one. A peer has
 * joined when that stream is open both ways and gossip runs both ways (or is late); from then on the link's
 * shape applies, frames are read, and what is published reaches it.
 */
export class Sessions {
  readonly #o: SessionsOptions;
  readonly #byPeer = new Map<PeerId, Session>();
  readonly #outflow: Outflow;
  #readyTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(o: SessionsOptions) {
    this.#o = o;
    this.#outflow = new Outflow({
      onFlow: (peer, open) => {
        if (!this.#closed) o.events.flow?.(peer, open);
      },
      onDeaf: (sender, why) => this.#deaf(sender as Session, why),
    });
  }

  get size(): number {
    return this.#byPeer.size;
  }

  get(peer: PeerId): Session | undefined {
    return this.#byPeer.get(peer);
  }

  all(): Iterable<Session> {
    return this.#byPeer.values();
  }

  /** libp2p has opened a connection. */
  opened(connection: Connection): void {
    const link = this.#o.links.of(connection);
    if (link === undefined || link.status !== 'open' || this.#closed) return;
    const peer = connection.remotePeer.toString();
    const now = performance.now();
    const old = this.#byPeer.get(peer);
    // The gate lets no second one pass; two addresses of one unnamed peer may.
    if (old !== undefined && now - old.openedAt < netLimits.duplicateMs) {
      connection.abort(new Error('a second connection'));
      return;
    }
    if (old !== undefined) this.end(old, 'replaced by a newer connection');
    const session: Session = {
      peer,
      connection,
      link,
      inbound: connection.direction === 'inbound',
      openedAt: now,
      connectedAt: Date.now(),
      stream: undefined,
      reader: undefined,
      writer: undefined,
      streamAt: 0,
      messages: 0,
      blockAt: undefined,
      txAt: undefined,
      joined: false,
      said: false,
      greeted: false,
      asked: false,
      ended: false,
    };
    this.#byPeer.set(peer, session);
    connection.addEventListener('close', () => this.end(session, 'the connection closed'));
    if (!session.inbound) void this.#openStream(session);
  }

  /** The peer has opened its sync stream. */
  accept(stream: Stream, connection: Connection): void {
    const session = this.#byPeer.get(connection.remotePeer.toString());
    if (session?.connection.id !== connection.id) stream.abort(new Error('this connection has ended'));
    else if (!session.inbound || session.stream !== undefined)
      stream.abort(new Error('one sync stream is enough'));
    else this.#attach(session, stream);
  }

  /** libp2p has learnt which protocols a peer speaks. */
  identified(result: IdentifyResult): void {
    const session = this.#byPeer.get(result.peerId.toString());
    if (session === undefined || session.connection.id !== result.connection.id) return;
    if (!result.protocols.includes(this.#o.protocol)) this.#o.onForeign(session);
  }

  /** Looks which peers have become ready, soon, as long as some are on the way. */
  check(): void {
    if (this.#readyTimer !== undefined || this.#closed) return;
    let waiting = false;
    const now = performance.now();
    for (const s of this.#byPeer.values()) {
      if (s.joined || s.stream === undefined) continue;
      const late = now - s.streamAt > netLimits.gossipReadyMs;
      if (late || this.#o.gossipReady(s.peer)) this.#join(s);
      else waiting = true;
    }
    if (!waiting) return;
    this.#readyTimer = setTimeout(() => {
      this.#readyTimer = undefined;
      this.check();
    }, 10);
  }

  /** Nothing for a peer that is not connected (any more): the sender learns it from `left`. */
  send(peer: PeerId, frame: Uint8Array): void {
    if (frame.length > this.#o.maxFrame) {
      throw new RangeError(`a frame of ${frame.length} bytes, at most ${this.#o.maxFrame} are allowed`);
    }
    const session = this.#byPeer.get(peer);
    if (session?.writer === undefined) return;
    // Keep-alives are never dropped: a link that loses messages is still a link.
    if (session.link.drops() && describeFrame(frame) !== undefined) return;
    if (!session.writer.push(frame)) {
      this.#deaf(session, 'it does not read what it is sent');
      return;
    }
    session.asked ||= this.#o.asksForMuch(frame);
    this.#outflow.look(session);
    if (session.said) return;
    session.said = true;
    this.#greet(session);
  }

  #deaf(session: Session, why: string): void {
    this.#o.note(`${session.peer}: ${why}; hanging up`);
    this.end(session, why);
    this.#o.onFault(session.peer, demerits.deaf, why);
  }

  /** Ends the session at once; what was under way is lost. Does nothing the second time. */
  end(session: Session, why: string): void {
    if (session.ended) return;
    session.ended = true;
    if (this.#byPeer.get(session.peer) === session) this.#byPeer.delete(session.peer);
    this.#outflow.left(session);
    session.reader?.close();
    session.writer?.close();
    session.connection.abort(new Error(why));
    // Told a moment later: the node may be in the middle of the step that ends it.
    if (session.joined && !this.#closed) queueMicrotask(() => this.#o.events.left(session.peer));
    this.#o.onEnded(session.peer);
  }

  /** Hangs up on peers that are silent, stuck, or deaf. */
  sweep(now: number): void {
    this.#outflow.sweep(this.#byPeer.values(), now);
    for (const s of [...this.#byPeer.values()]) {
      const why = this.#wrong(s, now);
      if (why === undefined) continue;
      this.#o.note(`${s.peer}: ${why}; hanging up`);
      this.end(s, why);
    }
  }

  /**
   * Ends all sessions and tells nobody: whoever closes the network knows. libp2p closes the connections,
   * which flushes them.
   */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#readyTimer);
    for (const s of this.#byPeer.values()) {
      s.ended = true;
      s.reader?.close();
      s.writer?.flush();
      s.writer?.close();
    }
    this.#byPeer.clear();
  }

  #greet(session: Session): void {
    if (session.said && session.greeted) this.#o.onGreeted(session.peer);
  }

  #wrong(s: Session, now: number): string | undefined {
    if (now - s.link.heardAt > netLimits.silenceMs) return 'silent';
    if (s.stream === undefined && now - s.openedAt > netLimits.syncOpenMs) return 'no sync stream';
    if (s.reader?.stuck(now) === true || this.#o.gossipStuck(s.peer, now)) return 'half a frame and no more';
    if (now - s.openedAt > netLimits.gossipDeadMs && !this.#o.gossipSends(s.peer))
      return 'its gossip stream is dead';
    return undefined;
  }

  async #openStream(session: Session): Promise<void> {
    const signal = AbortSignal.timeout(netLimits.syncOpenMs);
    try {
      const stream = await session.connection.newStream(this.#o.protocol, { signal });
      if (session.ended) stream.abort(new Error('this connection has ended'));
      else this.#attach(session, stream);
    } catch (e) {
      if (session.ended) return;
      if ((e as Error).name === 'UnsupportedProtocolError') this.#o.onForeign(session);
      else this.end(session, `no sync stream: ${(e as Error).message}`);
    }
  }

  #attach(session: Session, stream: Stream): void {
    session.stream = stream;
    session.streamAt = performance.now();
    session.reader = new FrameReader(stream, {
      maxFrame: () =>
        session.asked ? this.#o.maxFrame : Math.min(this.#o.maxFrame, netLimits.unaskedFrameBytes),
      budget: this.#o.budget,
      now: this.#o.now,
      onFrame: (frame) => {
        session.messages++;
        if (!session.greeted) {
          session.greeted = true;
          this.#greet(session);
        }
        return this.#o.onFrame(session.peer, frame);
      },
      onShed: (why) => {
        this.#o.note(`${session.peer}: ${why}; hanging up`);
        this.end(session, why);
      },
      onFault: (why) => {
        this.#o.onFault(session.peer, demerits.brokenFraming, why);
        this.end(session, why);
      },
    });
    session.writer = new FrameWriter(
      stream,
      (why) => this.end(session, why),
      () => session.ended || this.#outflow.look(session),
    );
    stream.addEventListener('close', () => this.end(session, 'the sync stream closed'));
    stream.addEventListener('remoteCloseWrite', () => this.end(session, 'the peer closed the sync stream'));
    this.check();
  }

  #join(session: Session): void {
    session.joined = true;
    session.link.seed(this.#o.seedOf(session.peer));
    session.link.setShape(this.#o.shapeOf(session.peer));
    this.#o.events.joined(session.peer, session.inbound);
    // The node may have dropped it in that call.
    if (session.ended) return;
    this.#o.onJoined(session.peer);
    session.reader!.start();
  }
}
