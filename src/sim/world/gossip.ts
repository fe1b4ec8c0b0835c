import { sha256 } from '../../bitcoin/hash.ts';
import type { GossipVerdict, PeerId, Topic } from '../../node/types.ts';
import { describePublished } from '../../node/wire/describe.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import { keyOf } from '../../util/bytes.ts';
import { type Random, seeded } from '../../util/random.ts';
import { simLimits } from './limits.ts';
import type { EventQueue } from './queue.ts';
import type { Wires } from './wires.ts';

/** One message on its way through the world: its bytes are one array for everybody. */
export interface GossipMessage {
  readonly topic: Topic;
  readonly bytes: Uint8Array;
  /** Lives of parties that have it; a party that starts anew has forgotten. */
  readonly seen: Set<number>;
}

/** Who takes part: its present life, and how a message is given to it. */
export interface GossipMember {
  readonly id: PeerId;
  /** Another number after each restart. */
  readonly life: number;
  /** A message that it does not have; it answers by `judged`. */
  take(from: PeerId, message: GossipMessage): void;
}

/** What one member has accepted of late and tells its other peers by id. */
interface Recent {
  readonly message: GossipMessage;
  beats: number;
}

/**
 * Gossip as gossipsub does it, seen from outside: one's own messages go to every peer, those of others are forwarded
 * over a mesh of bounded degree when the node has accepted them, and never when it said ignore or reject. At each
 * heartbeat after news, some peers outside of the mesh hear the ids and ask for what they lack.
 */
export class GossipNet {
  readonly #queue: EventQueue;
  readonly #wires: Wires;
  readonly #members: ReadonlyMap<PeerId, GossipMember>;
  readonly #random: Random;
  readonly #degree: number;
  readonly #known = new BoundedMap<string, GossipMessage>(simLimits.gossipKnown);
  readonly #mesh = new Map<PeerId, Set<PeerId>>();
  readonly #recent = new Map<PeerId, Recent[]>();
  readonly #beating = new Set<PeerId>();
  #meshDirty = false;
  /** Nothing is published or forwarded while false. */
  on = true;

  constructor(o: {
    readonly queue: EventQueue;
    readonly wires: Wires;
    readonly members: ReadonlyMap<PeerId, GossipMember>;
    readonly seed: string;
    readonly degree: number;
  }) {
    this.#queue = o.queue;
    this.#wires = o.wires;
    this.#members = o.members;
    this.#random = seeded(`${o.seed}|gossip`);
    this.#degree = o.degree;
  }

  /** The same content is the same message, whoever made the bytes. */
  message(topic: Topic, bytes: Uint8Array): GossipMessage {
    const key = topic + keyOf(sha256(bytes));
    let message = this.#known.get(key);
    if (message === undefined) this.#known.set(key, (message = { topic, bytes, seen: new Set() }));
    return message;
  }

  publish(from: GossipMember, topic: Topic, bytes: Uint8Array): void {
    if (!this.on) return;
    const message = this.message(topic, bytes);
    message.seen.add(from.life);
    for (const peer of this.#wires.peersOf(from.id)) this.#send(from.id, peer, message);
  }

  /** To one peer, whatever the mesh says: what a hostile party does. */
  push(from: PeerId, to: PeerId, topic: Topic, bytes: Uint8Array): void {
    this.#send(from, to, this.message(topic, bytes));
  }

  #send(from: PeerId, to: PeerId, message: GossipMessage): void {
    const member = this.#members.get(to);
    if (member === undefined || message.seen.has(member.life)) return;
    const { topic, bytes } = message;
    this.#wires.carry(from, to, {
      bytes: bytes.length,
      arrive: () => this.#arrive(from, to, message),
      what: () => describePublished(topic, bytes),
    });
  }

  #arrive(from: PeerId, to: PeerId, message: GossipMessage): void {
    const member = this.#members.get(to);
    if (!this.on || member === undefined || message.seen.has(member.life)) return;
    message.seen.add(member.life);
    member.take(from, message);
  }

  /** The node's verdict; only what it accepts goes on. */
  judged(by: GossipMember, from: PeerId, message: GossipMessage, verdict: GossipVerdict): void {
    if (verdict !== 'accept' || !this.on) return;
    const peers = this.#wires.peersOf(by.id);
    const mesh = this.#meshOf(by.id, peers);
    for (const peer of peers) if (peer !== from && mesh.has(peer)) this.#send(by.id, peer, message);
    if (mesh.size < peers.length) this.#remember(by.id, message);
  }

  /** Links changed: the mesh is looked after before it is next used. */
  changed(): void {
    this.#meshDirty = true;
  }

  /** With few peers all of them are the mesh, and nothing has to be kept. */
  #meshOf(id: PeerId, peers: readonly PeerId[]): ReadonlySet<PeerId> {
    if (this.#meshDirty) this.#graft();
    return this.#mesh.get(id) ?? new Set(peers);
  }

  /** Every member looks for `degree` random mesh links; one with more than `meshHigh` lets the last ones go. */
  #graft(): void {
    this.#meshDirty = false;
    const ids = [...this.#members.keys()].sort((a, b) => (a < b ? -1 : 1));
    const peers = new Map(ids.map((id) => [id, this.#wires.peersOf(id)]));
    const crowded = ids.some((id) => peers.get(id)!.length > simLimits.meshHigh);
    if (!crowded) {
      this.#mesh.clear();
      return;
    }
    for (const id of ids) {
      const here = new Set(peers.get(id));
      const kept = [...(this.#mesh.get(id) ?? [])].filter((peer) => here.has(peer));
      this.#mesh.set(id, new Set(kept));
    }
    for (const id of ids) {
      const mine = this.#mesh.get(id)!;
      const others = peers.get(id)!.filter((peer) => !mine.has(peer));
      while (mine.size < this.#degree && others.length > 0) {
        const [peer] = others.splice(this.#random.below(others.length), 1);
        const theirs = this.#mesh.get(peer!);
        if (theirs === undefined || theirs.size >= simLimits.meshHigh) continue;
        mine.add(peer!);
        theirs.add(id);
      }
    }
  }

  #remember(id: PeerId, message: GossipMessage): void {
    const list = this.#recent.get(id);
    if (list === undefined) this.#recent.set(id, [{ message, beats: simLimits.historyBeats }]);
    else list.push({ message, beats: simLimits.historyBeats });
    if (this.#beating.has(id)) return;
    this.#beating.add(id);
    const { heartbeat } = simLimits;
    this.#queue.at((Math.floor(this.#queue.now / heartbeat) + 1) * heartbeat, () => this.#beat(id));
  }

  /** IHAVE to a few peers outside of the mesh; what one of them lacks, it asks for: two more messages on the link. */
  #beat(id: PeerId): void {
    const list = this.#recent.get(id) ?? [];
    const peers = this.#wires.peersOf(id);
    const mesh = this.#meshOf(id, peers);
    const outside = peers.filter((peer) => !mesh.has(peer));
    for (let n = 0; n < simLimits.lazyPeers && outside.length > 0; n++) {
      const [peer] = outside.splice(this.#random.below(outside.length), 1);
      this.#tellIds(
        id,
        peer!,
        list.map((recent) => recent.message),
      );
    }
    const rest = list.filter((recent) => --recent.beats > 0);
    this.#recent.set(id, rest);
    if (rest.length === 0) this.#beating.delete(id);
    else this.#queue.at(this.#queue.now + simLimits.heartbeat, () => this.#beat(id));
  }

  #tellIds(from: PeerId, to: PeerId, messages: readonly GossipMessage[]): void {
    const size = simLimits.idFrameBytes + simLimits.idBytes * messages.length;
    const arrive = () => {
      const member = this.#members.get(to);
      if (member === undefined) return;
      const lacking = messages.filter((message) => !message.seen.has(member.life));
      if (lacking.length === 0) return;
      const asked = simLimits.idFrameBytes + simLimits.idBytes * lacking.length;
      const send = () => {
        for (const message of lacking) this.#send(from, to, message);
      };
      this.#wires.carry(to, from, { bytes: asked, arrive: send, what: upkeep });
    };
    this.#wires.carry(from, to, { bytes: size, arrive, what: upkeep });
  }
}

/** Mesh upkeep: it is never held back, as on a live wire. */
function upkeep(): undefined {
  return undefined;
}
