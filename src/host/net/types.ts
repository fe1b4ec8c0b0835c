import type { GossipVerdict, PeerId, Topic } from '../../node/types.ts';
import type { LinkShape } from '../../util/link-shape.ts';
import type { HeldMessage } from './door.ts';
import type { ProbeResult } from './probe.ts';

export type { HeldMessage } from './door.ts';
export type { ProbeResult } from './probe.ts';

export interface NetworkOptions {
  /** Directory that keeps the identity (file `identity`, mode 0600). */
  readonly dir: string;
  /** Topics and protocols carry it, so that different yards never mix. */
  readonly genesisId: string;
  readonly listen: readonly string[];
  /** Multiaddresses with peer id, dialled for ever. */
  readonly connect: readonly string[];
  /** Largest gossip message and largest sync frame, in bytes. */
  readonly maxGossip: number;
  readonly maxFrame: number;
  /** The answer to this frame may be as large as that; a peer that was asked for nothing large sends no large frame. */
  readonly asksForMuch: (frame: Uint8Array) => boolean;
  readonly maxPeers: number;
  /** false: tells nothing by gossip and takes nothing from it, a fault to teach and test with. Sync goes on. */
  readonly gossip?: boolean;
  readonly events: NetworkEvents;
  readonly note: (text: string) => void;
}

export interface NetworkEvents {
  /** The peer is connected and its sync stream is open both ways. */
  joined(peer: PeerId, inbound: boolean): void;
  left(peer: PeerId): void;
  /** `false`: what was sent to this peer waits to be read, so nothing more shall be that can wait. `true`: it may again. */
  flow?(peer: PeerId, open: boolean): void;
  /** Return a promise to push back: no further frame of this peer is read until it settles. */
  message(peer: PeerId, frame: Uint8Array): void | Promise<void>;
  /** Every message gets exactly one verdict, within seconds. */
  gossip(peer: PeerId, topic: Topic, bytes: Uint8Array, verdict: (v: GossipVerdict) => void): void;
}

export interface LinkRules {
  /** Peers to refuse: connections are closed at once and neither made nor accepted. */
  readonly refuse: readonly PeerId[];
  /** One-way delay of what this node sends, in milliseconds: for all links, and per peer. */
  readonly delayMs: number;
  readonly delayTo: Readonly<Record<PeerId, number>>;
  /** The whole shape of what this node sends to a peer; goes before the delays. */
  readonly shapeTo?: Readonly<Record<PeerId, LinkShape>>;
  /** One-way cuts: what these peers send is held at our end until they are off this list. */
  readonly deaf?: readonly PeerId[];
  /** Peers that do not hear us, or stand still: their silence is no fault of theirs, so it is never a ban. */
  readonly mute?: readonly PeerId[];
  /** Everything that comes in is held, to be let in by `deliver` or when this ends. */
  readonly hold?: boolean;
}

export interface PeerInfo {
  readonly peer: PeerId;
  readonly address: string;
  readonly inbound: boolean;
  readonly connectedAt: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Of the node's own protocols: sync frames, and blocks and payments by gossip. */
  readonly messagesReceived: number;
  readonly score: number;
}

export interface Network {
  readonly peerId: PeerId;
  readonly addresses: readonly string[];
  send(peer: PeerId, frame: Uint8Array): void;
  publish(topic: Topic, bytes: Uint8Array): void;
  drop(peer: PeerId, why: string, banMs?: number): void;
  /** Takes effect at once: closes what it refuses, redials what it allows again. */
  setLinks(rules: LinkRules): void;
  readonly links: LinkRules;
  /** What `hold` holds at this end, oldest first. */
  held(): readonly HeldMessage[];
  /** How many messages one-way cuts hold at this end, by peer. */
  heldByCut(): ReadonlyMap<PeerId, number>;
  /** Lets the oldest held message in (of this peer); undefined when there is none. */
  deliver(from?: PeerId): HeldMessage | undefined;
  /** Measures the link to a connected peer on the same machine; undefined when it is not connected or too slow. */
  probe(peer: PeerId, count: number): Promise<ProbeResult | undefined>;
  /** false: close all, refuse all (setnetworkactive). */
  setActive(on: boolean): void;
  readonly active: boolean;
  add(address: string): Promise<void>;
  remove(address: string): void;
  /**
   * Keeps a place for the peer that the address names, as for those that this node dials, until the process ends.
   * @throws Error with a sentence: a malformed address, one without a peer id, too many peers.
   */
  protect(address: string): void;
  peers(): readonly PeerInfo[];
  close(): Promise<void>;
}
