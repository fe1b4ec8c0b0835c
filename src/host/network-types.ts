import type { GossipVerdict, PeerId, Topic } from '../node/types.ts';

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
}

export interface PeerInfo {
  readonly peer: PeerId;
  readonly address: string;
  readonly inbound: boolean;
  readonly connectedAt: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
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
  /** false: close all, refuse all (setnetworkactive). */
  setActive(on: boolean): void;
  readonly active: boolean;
  add(address: string): Promise<void>;
  remove(address: string): void;
  peers(): readonly PeerInfo[];
  close(): Promise<void>;
}
