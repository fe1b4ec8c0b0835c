import type { Header } from '../../bitcoin/header.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import type { Limits } from '../limits.ts';
import type { Micros, PeerId } from '../types.ts';
import type { Presync } from './presync.ts';
import { Bucket } from './token-bucket.ts';

/** A header that was judged and is not in the tree; `entry` is detached. */
export interface BufferedHeader {
  readonly header: Header;
  readonly entry: BlockEntry;
}

/** Where header sync with one peer stands (node/sync/headers.ts alone changes it). */
export interface HeaderState {
  request: { readonly id: number; readonly deadline: Micros } | undefined;
  nextId: number;
  /** Judged headers in a row, on top of a tree entry; they enter the tree when their branch has enough work. */
  buffer: BufferedHeader[];
  /** The last header judged in this sync, in the tree or on the buffer: the next answer must go on from there. */
  last: BlockEntry | undefined;
  /** An answer is being judged, in pieces. */
  judging: boolean;
  /** Its branch is too long for the buffer. */
  presync: Presync | undefined;
  /** The buffer is on its way into the tree. */
  flushing: boolean;
  /** The last answer was full: there are more. */
  more: boolean;
  /** Something new was heard while a request was out. */
  again: boolean;
  readonly starts: Bucket;
}

/** One block id asked of a peer. */
interface Wanted {
  readonly entry: BlockEntry;
  readonly at: Micros;
}

/** Where body download from one peer stands (node/sync/download.ts alone changes it). */
export interface BodyState {
  readonly inFlight: Map<string, Wanted>;
  /** Last body asked for that came, or the first request after a pause. */
  progressAt: Micros;
  /** How long it may bring nothing: set with each request, by how far away it is. */
  patience: Micros;
  pausedUntil: Micros;
  /** Ids that it has no body for, or sent a bad one, until when. */
  readonly missing: BoundedMap<string, Micros>;
  /** The last ancestor of its best block up to which all bodies are here. */
  common: BlockEntry | undefined;
  /** Under GHOST: blocks that it has and we have not, by id. */
  readonly told: BoundedMap<string, BlockEntry>;
}

/** What a peer waits for from us (node/relay/serve.ts alone changes it). */
export type Served =
  | { readonly kind: 'headers'; readonly id: number; readonly from: BlockEntry; readonly stop: Uint8Array }
  | { readonly kind: 'block'; readonly hash: Uint8Array }
  | { readonly kind: 'blocktxs'; readonly hash: Uint8Array; readonly indexes: readonly number[] }
  | { readonly kind: 'tx'; readonly txid: Uint8Array };

export class Peer {
  readonly id: PeerId;
  readonly inbound: boolean;
  readonly joinedAt: Micros;
  ready = false;
  name = '';
  version = 0;
  /** Best tip as told: a claim. */
  height = 0;
  work = 0n;
  tip: Uint8Array;
  /** Entry of the tree with most work that it has told a header of: what we may ask it for. */
  best: BlockEntry | undefined;
  /** After a drop: its inputs are ignored until it is gone. */
  dropped = false;
  score: number;
  scoreAt: Micros;
  blocksRefused = 0;
  lastHeard: Micros;
  pingSentAt: Micros | undefined;
  pingNonce: Uint8Array | undefined;
  ping: Micros | undefined;
  helloAt: Micros | undefined;
  framesIn = 0;
  framesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly frames: Bucket;
  readonly gossip: Bucket;
  /** New headers of side branches. */
  readonly side: Bucket;
  /** Transactions of its mempool that we ask for. */
  readonly inv: Bucket;
  /** Txids asked of it, and how often without an answer: on a slow link one may be asked for again before it comes. */
  readonly txsAsked: BoundedMap<string, number>;
  readonly serveBytes: Bucket;
  readonly headers: HeaderState;
  readonly bodies: BodyState;
  readonly queue: Served[] = [];
  /** The peer reads what it is sent: it may have answers. */
  flowing = true;
  /** The answer to its last ping, while it may have none. */
  pongDue: Uint8Array | undefined;

  constructor(id: PeerId, inbound: boolean, genesis: Uint8Array, now: Micros, limits: Limits) {
    this.id = id;
    this.inbound = inbound;
    this.joinedAt = now;
    this.lastHeard = now;
    this.tip = genesis;
    this.score = limits.scoreFull;
    this.scoreAt = now;
    this.frames = new Bucket(limits.framesBurst, limits.framesPerSecond, now);
    this.gossip = new Bucket(limits.gossipBurst, limits.gossipPerSecond, now);
    this.side = new Bucket(limits.sideHeadersBurst, limits.sideHeadersPerMinute / 60, now);
    this.inv = new Bucket(limits.maxInv, limits.invFetchPerSecond, now);
    this.txsAsked = new BoundedMap(limits.txsAskedPerPeer);
    this.serveBytes = new Bucket(limits.serveBytesPerSecond, limits.serveBytesPerSecond, now);
    this.headers = {
      request: undefined,
      nextId: 1,
      buffer: [],
      last: undefined,
      judging: false,
      presync: undefined,
      flushing: false,
      more: false,
      again: false,
      starts: new Bucket(limits.syncStartsBurst, limits.syncStartsPerSecond, now),
    };
    this.bodies = {
      inFlight: new Map(),
      progressAt: now,
      patience: limits.blockTimeout,
      pausedUntil: 0,
      missing: new BoundedMap(4 * limits.inFlightPerPeer),
      common: undefined,
      told: new BoundedMap(limits.ghostTold),
    };
  }

  /** How long the way there and back takes: by its hello, which came one way, or by its last ping. */
  roundTrip(limits: Limits): Micros {
    const hello = this.helloAt === undefined ? 0 : 2 * (this.helloAt - this.joinedAt);
    return Math.min(limits.maxRoundTrip, Math.max(hello, this.ping ?? 0));
  }

  /** The same, for a new request: a ping that is still out shows that the way has become longer. */
  roundTripNow(now: Micros, limits: Limits): Micros {
    const out = this.pingNonce === undefined || this.pingSentAt === undefined ? 0 : now - this.pingSentAt;
    return Math.min(limits.maxRoundTrip, Math.max(out, this.roundTrip(limits)));
  }

  /** The score with what time gave back. */
  scoreNow(now: Micros, limits: Limits): number {
    const back = Math.floor(((now - this.scoreAt) * limits.scoreRefillPerMinute) / 60_000_000);
    return Math.min(limits.scoreFull, this.score + back);
  }

  /** Forgets what was asked of it and what it asked for. Nothing is sent to it and nothing of it is read any more. */
  end(): void {
    this.dropped = true;
    this.queue.length = 0;
    const { headers } = this;
    headers.request = undefined;
    headers.buffer = [];
    headers.last = undefined;
    headers.flushing = false;
    headers.again = false;
    headers.judging = false;
    headers.presync = undefined;
  }

  /** Takes points; true when none is left. */
  punish(points: number, now: Micros, limits: Limits): boolean {
    this.score = Math.max(0, this.scoreNow(now, limits) - points);
    this.scoreAt = now;
    return this.score === 0;
  }
}

/** The connected peers. Loops that reach an effect run in the order of ids, which does not depend on who came first. */
export class Peers {
  readonly #byId = new Map<PeerId, Peer>();
  #sorted: readonly Peer[] = [];
  #ready: readonly Peer[] | undefined;
  #ended: Peer[] = [];

  get(id: PeerId): Peer | undefined {
    return this.#byId.get(id);
  }

  get size(): number {
    return this.#byId.size;
  }

  add(peer: Peer): void {
    this.#byId.set(peer.id, peer);
    this.#sort();
  }

  remove(id: PeerId): void {
    const peer = this.#byId.get(id);
    if (peer === undefined) return;
    this.end(peer);
    this.#byId.delete(id);
    this.#sort();
  }

  /** The peer was dropped or has left. */
  end(peer: Peer): void {
    peer.end();
    this.#ended.push(peer);
    this.changed();
  }

  /** Peers that ended since the last call. A peer that was dropped and then left is in it twice. */
  takeEnded(): readonly Peer[] {
    const ended = this.#ended;
    if (ended.length > 0) this.#ended = [];
    return ended;
  }

  /** By id. */
  all(): readonly Peer[] {
    return this.#sorted;
  }

  /** Both hellos exchanged and not dropped, by id. */
  ready(): readonly Peer[] {
    this.#ready ??= this.#sorted.filter((peer) => peer.ready && !peer.dropped);
    return this.#ready;
  }

  /** A peer has become ready, or was dropped. */
  changed(): void {
    this.#ready = undefined;
  }

  #sort(): void {
    this.changed();
    this.#sorted = [...this.#byId.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }
}
