import { limits } from '../../node/limits.ts';
import type { Input, PeerId } from '../../node/types.ts';
import { hostLimits } from '../limits.ts';

/** What one peer has waiting, oldest first. */
interface PeerInputs {
  readonly frames: Input[];
  readonly gossip: Input[];
  bytes: number;
  waiters: (() => void)[];
}

type Lane = 'own' | 'command' | 'gossip' | 'frame' | 'timer';

/** Each gets its turn, so that a flood on one lane delays the others by at most one step each. */
const LANES: readonly Lane[] = ['timer', 'own', 'command', 'gossip', 'frame'];

/**
 * Inputs on their way to the node, bounded and fair: comings and goings of peers and the clock first, then the lanes in
 * turn, and within gossip and frames the peers in turn. A peer above its share is not read (`room`), and gossip above
 * it is ignored; nobody else notices.
 */
export class InputQueue {
  readonly #first: Input[] = [];
  readonly #own: Input[] = [];
  readonly #commands: Input[] = [];
  readonly #peers = new Map<PeerId, PeerInputs>();
  /** Peers with waiting gossip or frames, in the order of their next turn. */
  readonly #gossipTurns = new Set<PeerId>();
  readonly #frameTurns = new Set<PeerId>();
  #lane = 0;
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Answers what will not be stepped: the input itself when a bound refuses it, or a leaving peer's waiting ones. */
  push(input: Input): Input[] {
    switch (input.kind) {
      case 'joined':
        this.#put(this.#first, input);
        return [];
      case 'clock': {
        // Before all others, since a node without a clock judges nothing; and only the latest matters.
        const before = this.#first.findIndex(({ kind }) => kind === 'clock');
        if (before >= 0) this.#first[before] = input;
        else {
          this.#first.unshift(input);
          this.#size++;
        }
        return [];
      }
      case 'left': {
        const dropped = this.#forget(input.peer);
        this.#put(this.#first, input);
        return dropped;
      }
      case 'flow': {
        // Only the latest matters, and it belongs to the connection that is there now.
        const before = this.#first.findIndex((one) => one.kind === 'flow' && one.peer === input.peer);
        if (before >= 0) {
          this.#first.splice(before, 1);
          this.#size--;
        }
        this.#put(this.#first, input);
        return [];
      }
      case 'timer':
        return [];
      case 'solved':
      case 'exhausted':
        this.#put(this.#own, input);
        return [];
      case 'command':
        if (this.#commands.length >= hostLimits.queuedCommands) return [input];
        this.#put(this.#commands, input);
        return [];
      case 'gossip': {
        const peer = this.#peer(input.peer);
        if (peer.gossip.length >= hostLimits.queuedGossipPerPeer || this.#full) return [input];
        this.#put(peer.gossip, input);
        this.#weigh(peer, input.bytes.length);
        this.#gossipTurns.add(input.peer);
        return [];
      }
      case 'message': {
        const peer = this.#peer(input.peer);
        this.#put(peer.frames, input);
        this.#weigh(peer, input.bytes.length);
        this.#frameTurns.add(input.peer);
        return [];
      }
    }
  }

  /** Undefined while the peer may send more; otherwise settles when it may. */
  room(id: PeerId): Promise<void> | undefined {
    const peer = this.#peers.get(id);
    if (peer === undefined || !this.#crowded(peer)) return undefined;
    return new Promise((resolve) => peer.waiters.push(resolve));
  }

  /** The next input; `due`: a timer is wanted too. */
  next(due: boolean): Input | undefined {
    if (this.#first.length > 0) return this.#take(this.#first);
    for (let tried = 0; tried < LANES.length; tried++) {
      const lane = LANES[this.#lane]!;
      this.#lane = (this.#lane + 1) % LANES.length;
      const input = this.#from(lane, due);
      if (input !== undefined) return input;
    }
    return undefined;
  }

  /** Empties it; answers what was in it. */
  clear(): Input[] {
    const dropped = [...this.#first, ...this.#own, ...this.#commands];
    this.#first.length = this.#own.length = this.#commands.length = 0;
    this.#size -= dropped.length;
    for (const id of [...this.#peers.keys()]) dropped.push(...this.#forget(id));
    return dropped;
  }

  get #full(): boolean {
    return this.#size >= limits.queuedInputs || this.#bytes >= limits.queuedInputBytes;
  }

  #from(lane: Lane, due: boolean): Input | undefined {
    switch (lane) {
      case 'timer':
        return due ? { kind: 'timer' } : undefined;
      case 'own':
        return this.#take(this.#own);
      case 'command':
        return this.#take(this.#commands);
      case 'gossip':
        return this.#turn(this.#gossipTurns, (peer) => peer.gossip);
      case 'frame':
        return this.#turn(this.#frameTurns, (peer) => peer.frames);
    }
  }

  #turn(turns: Set<PeerId>, lane: (peer: PeerInputs) => Input[]): Input | undefined {
    for (const id of turns) {
      const peer = this.#peer(id);
      const input = this.#take(lane(peer));
      turns.delete(id);
      if (lane(peer).length > 0) turns.add(id);
      if (input?.kind === 'gossip' || input?.kind === 'message') this.#weigh(peer, -input.bytes.length);
      this.#releaseWaiters(id, peer);
      return input;
    }
    return undefined;
  }

  #peer(id: PeerId): PeerInputs {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = { frames: [], gossip: [], bytes: 0, waiters: [] };
      this.#peers.set(id, peer);
    }
    return peer;
  }

  /** Over its share; or all together are, and it is one of those who have something waiting. */
  #crowded(peer: PeerInputs): boolean {
    if (peer.frames.length >= hostLimits.queuedFramesPerPeer) return true;
    return this.#full && peer.frames.length > 0;
  }

  #releaseWaiters(id: PeerId, peer: PeerInputs): void {
    if (peer.waiters.length > 0 && !this.#crowded(peer)) settle(peer);
    if (peer.frames.length === 0 && peer.gossip.length === 0) this.#peers.delete(id);
  }

  #forget(id: PeerId): Input[] {
    const peer = this.#peers.get(id);
    if (peer === undefined) return [];
    const dropped = [...peer.frames, ...peer.gossip];
    this.#size -= dropped.length;
    this.#bytes -= peer.bytes;
    this.#peers.delete(id);
    this.#gossipTurns.delete(id);
    this.#frameTurns.delete(id);
    settle(peer);
    return dropped;
  }

  #weigh(peer: PeerInputs, bytes: number): void {
    peer.bytes += bytes;
    this.#bytes += bytes;
  }

  #put(lane: Input[], input: Input): void {
    lane.push(input);
    this.#size++;
  }

  #take(lane: Input[]): Input | undefined {
    const input = lane.shift();
    if (input !== undefined) this.#size--;
    return input;
  }
}

function settle(peer: PeerInputs): void {
  const { waiters } = peer;
  peer.waiters = [];
  for (const waiter of waiters) waiter();
}
