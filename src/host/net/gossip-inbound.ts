import type { PeerId as Libp2pPeerId, Stream } from '@libp2p/interface';
import type { PeerId } from '../../node/types.ts';
import { describeGossip } from '../../node/wire/describe.ts';
import { Allotment } from './allotment.ts';
import type { NetClock } from './clock.ts';
import type { Doors } from './door.ts';
import { FrameReader, VARINT_LENGTH } from './frame-reader.ts';
import type { GossipRouter, Rpc } from './gossip-router.ts';
import { demerits, netLimits } from './limits.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { Turns } from './turns.ts';

export interface GossipInboundOptions {
  readonly clock: NetClock;
  readonly router: GossipRouter;
  readonly maxFrame: number;
  readonly budget: ReceiveBudget;
  /** Frames with messages in them come in through here, before gossipsub knows of them. */
  readonly doors: Doors;
  readonly topicOf: (name: string) => string | undefined;
  /** Undefined while the peer may go on; settles when it may. */
  readonly room: (peer: PeerId) => Promise<void> | undefined;
  readonly onFault: (peer: PeerId, points: number, why: string) => void;
  /** So many messages have come in with a frame of this peer; upkeep of the mesh carries none. */
  readonly onCarried: (peer: PeerId, messages: number) => void;
  /** What stands for the connection that a peer has now. */
  readonly connectionOf: (peer: PeerId) => object | undefined;
  /** The gossip stream of this connection is dead, for the life of the connection. */
  readonly onDead: (connection: object, why: string) => void;
}

/** A peer's gossip stream to us. */
interface Line {
  readonly id: Libp2pPeerId;
  readonly peer: PeerId;
  readonly reader: FrameReader;
  readonly allotment: Allotment;
  /** How long it has been held back for sending too much, since a message of it was last accepted. */
  heldBackMs: number;
  ended: boolean;
}

/**
 * Reads the peers' gossip streams in gossipsub's place: with back-pressure, and with every message, id and byte charged
 * to its sender before gossipsub sees it. gossipsub's own reader takes what comes into memory, and counts frames, of
 * which each may carry thousands of messages.
 */
export class GossipInbound {
  readonly #o: GossipInboundOptions;
  readonly #lines = new Map<PeerId, Line>();
  readonly #turns = new Turns(netLimits.gossipTurnMs);

  constructor(o: GossipInboundOptions) {
    this.#o = o;
  }

  accept(id: Libp2pPeerId, stream: Stream): void {
    const peer = id.toString();
    const connection = this.#o.connectionOf(peer);
    if (connection === undefined || this.#lines.has(peer)) {
      stream.abort(new Error('one gossip stream is enough'));
      return;
    }
    const end = (why: string) => {
      if (this.#lines.get(peer) !== line) return;
      this.left(peer);
      // gossipsub would go on without this stream, deaf towards the peer, until the connection ends.
      this.#o.onDead(connection, why);
    };
    const reader = new FrameReader(stream, {
      framing: VARINT_LENGTH,
      maxFrame: () => this.#o.maxFrame,
      budget: this.#o.budget,
      now: this.#o.clock.now,
      onFrame: (frame) => this.#frame(line, frame),
      onFault: (why) => {
        this.#o.onFault(peer, demerits.brokenFraming, `oversize gossip: ${why}`);
        end(why);
      },
      onShed: end,
    });
    const allotment = new Allotment(netLimits.gossipBurst, netLimits.gossipRate, this.#o.clock.now);
    const line: Line = { id, peer, reader, allotment, heldBackMs: 0, ended: false };
    this.#lines.set(peer, line);
    stream.addEventListener('close', () => end('its gossip stream closed'));
    stream.addEventListener('remoteCloseWrite', () => end('its gossip stream ended'));
    reader.start();
  }

  left(peer: PeerId): void {
    const line = this.#lines.get(peer);
    if (line === undefined) return;
    this.#lines.delete(peer);
    line.ended = true;
    line.reader.close();
  }

  close(): void {
    for (const peer of [...this.#lines.keys()]) this.left(peer);
  }

  /** A message of this peer was of use. */
  accepted(peer: PeerId): void {
    const line = this.#lines.get(peer);
    if (line !== undefined) line.heldBackMs = 0;
  }

  /** The peer's half frame does not grow. */
  stuck(peer: PeerId, now: number): boolean {
    return this.#lines.get(peer)?.reader.stuck(now) ?? false;
  }

  async #frame(line: Line, bytes: Uint8Array): Promise<void> {
    let rpc: Rpc | undefined;
    await this.#turns.take(() => {
      rpc = line.ended ? undefined : this.#decoded(bytes);
    });
    if (line.ended) return;
    if (rpc === undefined) {
      this.#o.onFault(line.peer, demerits.malformedGossip, 'malformed gossip');
      return;
    }
    line.allotment.charge(costOf(rpc, bytes.length));
    await this.#paid(line);
    if (line.ended) return;
    const { messages } = rpc;
    if (messages.length > 0) this.#o.onCarried(line.peer, messages.length);
    const sane = sanitized(rpc);
    const look = () => describeGossip(sane, this.#o.topicOf);
    await this.#o.doors.pass(line.peer, bytes.length, look, () => this.#give(line, sane));
  }

  /** Undefined when it is no RPC, or one with more in it than any that we send. */
  #decoded(bytes: Uint8Array): Rpc | undefined {
    try {
      return this.#o.router.decodeRpc(bytes);
    } catch {
      // Any throw says the same of these bytes.
      return undefined;
    }
  }

  /** Waits until the peer's debt is paid. Who is in debt for long, and has sent nothing of use meanwhile, floods. */
  async #paid(line: Line): Promise<void> {
    const { debtMs } = line.allotment;
    if (debtMs === 0) return;
    const ms = Math.max(debtMs, netLimits.holdBackMs);
    line.heldBackMs += ms;
    if (line.heldBackMs > netLimits.floodMs) {
      this.#o.onFault(line.peer, demerits.flood, 'a flood of gossip');
      return;
    }
    await this.#o.clock.sleep(ms);
  }

  /** Gives an RPC to gossipsub, a few messages at a time, each when it is the peer's turn and there is room. */
  async #give(line: Line, rpc: Rpc): Promise<void> {
    const parts = partsOf(rpc);
    for (const part of parts) {
      if (line.ended) return;
      await this.#o.room(line.peer);
      await this.#turns.take(() => this.#handle(line, part));
    }
  }

  async #handle(line: Line, part: Rpc): Promise<void> {
    if (line.ended) return;
    try {
      await this.#o.router.handleReceivedRpc(line.id, part);
    } catch {
      // gossipsub throws at what it cannot make sense of, and would log it.
      this.#o.onFault(line.peer, demerits.malformedGossip, 'malformed gossip');
    }
  }
}

/** In messages: ids count a fiftieth, and 4 kB of bytes one. */
function costOf({ messages, control }: Rpc, bytes: number): number {
  const lists = [...(control?.ihave ?? []), ...(control?.iwant ?? []), ...(control?.idontwant ?? [])];
  const ids = lists.reduce((sum, { messageIDs }) => sum + (messageIDs?.length ?? 0), 0);
  return Math.max(1, messages.length) + ids / 50 + bytes / 4_096;
}

/** What gossipsub would take at its word: lists of ids, whose answers cost us, and how long a prune lasts. */
function sanitized(rpc: Rpc): Rpc {
  const { control } = rpc;
  if (control === undefined) return rpc;
  const ids = <T extends { messageIDs?: Uint8Array[] }>(lists: readonly T[] | undefined): T[] => {
    let left: number = netLimits.gossipIdsPerFrame;
    return (lists ?? []).map((list) => {
      const messageIDs = (list.messageIDs ?? []).slice(0, left);
      left -= messageIDs.length;
      return { ...list, messageIDs };
    });
  };
  const prune = (control.prune ?? []).map((p) => ({
    ...p,
    peers: [],
    ...(p.backoff === undefined
      ? {}
      : { backoff: Math.min(Number(p.backoff), netLimits.pruneBackoffSeconds) }),
  }));
  return { ...rpc, control: { ...control, ihave: ids(control.ihave), iwant: ids(control.iwant), prune } };
}

function partsOf(rpc: Rpc): Rpc[] {
  const parts: Rpc[] = [{ subscriptions: rpc.subscriptions, messages: [] }];
  let bytes = 0;
  for (const m of rpc.messages) {
    const message = { ...m, ...(m.data === undefined ? {} : { data: owned(m.data) }) };
    const last = parts.at(-1)!;
    const size = message.data?.length ?? 0;
    if (
      last.messages.length >= netLimits.waitingPerPeer ||
      (bytes + size > netLimits.gossipPartBytes && bytes > 0)
    ) {
      parts.push({ subscriptions: [], messages: [message] });
      bytes = size;
    } else {
      last.messages.push(message);
      bytes += size;
    }
  }
  if (rpc.control !== undefined) parts[parts.length - 1] = { ...parts.at(-1)!, control: rpc.control };
  return parts;
}

/** Bytes that keep no more memory alive than themselves: a small message may have come in a large frame. */
function owned(bytes: Uint8Array): Uint8Array {
  return 2 * bytes.length >= bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
