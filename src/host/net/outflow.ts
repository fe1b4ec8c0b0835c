import type { Connection, Stream } from '@libp2p/interface';
import type { PeerId } from '../../node/types.ts';
import type { FrameWriter } from './frames.ts';
import { netLimits } from './limits.ts';
import type { LinkConnection } from './link.ts';

/** A connection that we send by; net/sessions.ts has one for each peer. */
export interface Sender {
  readonly peer: PeerId;
  /** The node knows of it: before that it is sent nothing. */
  readonly joined: boolean;
  readonly connection: Pick<Connection, 'streams'>;
  readonly link: Pick<LinkConnection, 'unsentBytes' | 'takenBytes' | 'heldBytes' | 'heldUntil'>;
  readonly stream: Stream | undefined;
  readonly writer: Pick<FrameWriter, 'queuedBytes' | 'queuedFrames' | 'givenBytes'> | undefined;
}

export interface OutflowOptions {
  /** The node shall give no more answers to this peer (`false`), or may again. */
  readonly onFlow: (peer: PeerId, open: boolean) => void;
  /** The peer does not read: its connection ends. */
  readonly onDeaf: (sender: Sender, why: string) => void;
}

interface State {
  /** Bytes that wait for the peer to read, at the last look; and those with what a delay of the link holds back. */
  unsent: number;
  all: number;
  open: boolean;
  /** By queue: how far it had come, and since when it has come no further. */
  readonly marks: Map<string, { taken: number; since: number }>;
}

interface Queue {
  readonly name: string;
  readonly waiting: number;
  /** Grows when something has left the queue. */
  readonly taken: number;
}

/**
 * What waits in memory to be sent, of one peer and of all together. Above its window a peer gets no more answers from
 * the node, which keeps the requests instead (an id each) and reads a block when the peer has taken the ones before. When
 * all together are above the budget, only peers that have taken everything get answers, and who has stopped reading is
 * hung up soon. A peer that reads slowly and goes on reading keeps its connection.
 */
export class Outflow {
  readonly #o: OutflowOptions;
  readonly #states = new Map<Sender, State>();
  readonly #closed = new Set<Sender>();
  #total = 0;

  constructor(o: OutflowOptions) {
    this.#o = o;
  }

  /** Bytes that wait, of all peers, at the last look at each. */
  get totalBytes(): number {
    return this.#total;
  }

  /** Something was queued for this peer, or has left. */
  look(sender: Sender): void {
    const state = this.#state(sender);
    this.#measure(sender, state);
    this.#decide(sender, state);
    if (this.#total >= netLimits.sendTotalBytes) return;
    for (const other of this.#closed) this.#decide(other, this.#state(other));
  }

  /** The connection has ended; what was queued is gone. */
  left(sender: Sender): void {
    const state = this.#states.get(sender);
    if (state === undefined) return;
    this.#total -= state.all;
    this.#states.delete(sender);
    this.#closed.delete(sender);
  }

  /** Looks at all peers, and ends the connections of those that do not read. */
  sweep(senders: Iterable<Sender>, now: number): void {
    const stuck: { sender: Sender; unsent: number; ms: number }[] = [];
    for (const sender of [...senders]) {
      this.look(sender);
      const state = this.#state(sender);
      const ms = now - this.#stuckSince(sender, state, now);
      if (ms > 0) stuck.push({ sender, unsent: state.unsent, ms });
    }
    stuck.sort((a, b) => b.unsent - a.unsent);
    for (const { sender, unsent, ms } of stuck) {
      const patience = this.#patience(unsent);
      if (ms < patience) continue;
      const why = `it has read nothing for ${Math.floor(ms / 1_000)} s, and ${unsent} bytes wait for it`;
      this.#o.onDeaf(sender, why);
      this.left(sender);
    }
  }

  /** How long a peer may read nothing: long, unless all together hold too much, and it more than its share. */
  #patience(unsent: number): number {
    if (this.#total < netLimits.sendTotalBytes) return netLimits.writeStallMs;
    const holders = [...this.#states.values()].filter((state) => state.unsent > 0).length;
    const share = netLimits.sendTotalBytes / Math.max(1, holders);
    return unsent < share / 2 ? netLimits.writeStallMs : netLimits.crowdedStallMs;
  }

  #state(sender: Sender): State {
    let state = this.#states.get(sender);
    if (state === undefined) {
      state = { unsent: 0, all: 0, open: true, marks: new Map() };
      this.#states.set(sender, state);
    }
    return state;
  }

  #measure(sender: Sender, state: State): void {
    const { link, writer } = sender;
    let unsent = link.unsentBytes;
    if (writer !== undefined) unsent += writer.queuedBytes + netLimits.frameCost * writer.queuedFrames;
    for (const stream of sender.connection.streams) unsent += stream.writeBufferLength;
    const all = unsent + link.heldBytes;
    this.#total += all - state.all;
    state.unsent = unsent;
    state.all = all;
  }

  #decide(sender: Sender, state: State): void {
    if (!sender.joined) return;
    const { sendWindowBytes, sendTotalBytes } = netLimits;
    const most = state.open ? sendWindowBytes : sendWindowBytes / 2;
    const crowded = this.#total >= sendTotalBytes && state.unsent > 0;
    const open = state.unsent < most && !crowded && this.#total < 2 * sendTotalBytes;
    if (open === state.open) return;
    state.open = open;
    if (open) this.#closed.delete(sender);
    else this.#closed.add(sender);
    this.#o.onFlow(sender.peer, open);
  }

  /** Since when one of its queues has come no further; `now` when none is stuck. */
  #stuckSince(sender: Sender, { marks }: State, now: number): number {
    const { link } = sender;
    // A delay of the link is ours. And while the link itself is full, the streams above it wait for it.
    const delayed = link.heldUntil !== undefined && link.heldUntil > now;
    const full = link.unsentBytes > 0 || link.heldBytes > 0;
    let first = now;
    const seen = new Set<string>();
    for (const { name, waiting, taken } of queuesOf(sender)) {
      if (waiting === 0) continue;
      seen.add(name);
      const mark = marks.get(name);
      const excused = delayed || (full && name !== 'link');
      if (mark === undefined || taken > mark.taken || excused) marks.set(name, { taken, since: now });
      else {
        mark.taken = taken;
        first = Math.min(first, mark.since);
      }
    }
    for (const name of marks.keys()) if (!seen.has(name)) marks.delete(name);
    return first;
  }
}

function* queuesOf({ connection, link, stream, writer }: Sender): Generator<Queue> {
  yield { name: 'link', waiting: link.unsentBytes + link.heldBytes, taken: link.takenBytes };
  for (const other of connection.streams) {
    const waiting = other.writeBufferLength;
    if (other !== stream || writer === undefined) yield { name: other.id, waiting, taken: -waiting };
    else yield { name: 'sync', waiting: waiting + writer.queuedBytes, taken: writer.givenBytes - waiting };
  }
}
