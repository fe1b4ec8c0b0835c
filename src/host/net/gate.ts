import { performance } from 'node:perf_hooks';
import type { ConnectionGater, PeerId as Libp2pPeerId, MultiaddrConnection } from '@libp2p/interface';
import type { PeerId } from '../../node/types.ts';
import { netLimits } from './limits.ts';

export interface GateOptions {
  readonly self: PeerId;
  /** Refused by the link rules, banned, or the network is switched off. */
  readonly refuses: (peer: PeerId) => boolean;
  readonly active: () => boolean;
  /** When the peer's connection was opened, by `performance.now()`; undefined without one. */
  readonly openedAt: (peer: PeerId) => number | undefined;
  /** Finds a place for a peer beside `pending` others that are coming in, if need be somebody else's. */
  readonly makeRoom: (peer: PeerId, pending: number) => boolean;
  /** End the connection that the peer has: a newer one proves it dead. */
  readonly replace: (peer: PeerId) => void;
  /** Stop dialling it: it has come to us. */
  readonly stopDialling: (peer: PeerId) => void;
  /** The peer that answers at an address which did not name one. */
  readonly learn: (address: string, peer: PeerId) => void;
}

/**
 * Decides who may connect, and that there is one connection per pair. When two nodes dial each other at the
 * same moment, the one with the smaller id decides, alone: it refuses the other's connection while its own
 * is under way, and else takes it and stops dialling. The other side just follows. So both never drop both,
 * and never keep both.
 */
export class Gate {
  readonly #o: GateOptions;
  /** Connections past the point where we know the peer, not yet open. */
  readonly #incoming = new Map<PeerId, MultiaddrConnection>();
  readonly #outgoing = new Map<PeerId, MultiaddrConnection>();
  readonly gater: ConnectionGater;

  constructor(o: GateOptions) {
    this.#o = o;
    this.gater = {
      denyDialPeer: (peer) => o.refuses(peer.toString()),
      denyInboundConnection: () => !o.active(),
      denyOutboundConnection: (peer, connection) => this.#outbound(peer, connection),
      denyInboundEncryptedConnection: (peer, connection) => this.#inboundKnown(peer.toString(), connection),
      denyOutboundEncryptedConnection: (peer, connection) => this.#outboundKnown(peer.toString(), connection),
      // The rules may have changed during the handshake.
      denyInboundUpgradedConnection: (peer) => o.refuses(peer.toString()),
      denyOutboundUpgradedConnection: (peer) => o.refuses(peer.toString()),
      // We dial the addresses that we were given, never the ones that peers tell.
      filterMultiaddrForPeer: () => true,
    };
  }

  /** A connection to this peer is on its way, in either direction. */
  pending(peer: PeerId): boolean {
    return this.#incoming.has(peer) || this.#outgoing.has(peer);
  }

  /** Cuts what is under way to peers that are refused by now. */
  enforce(why: string): void {
    for (const pending of [this.#incoming, this.#outgoing]) {
      for (const [peer, connection] of pending) if (this.#o.refuses(peer)) connection.abort(new Error(why));
    }
  }

  /** The connection is open (or given up): it is no longer this gate's. */
  settled(peer: PeerId): void {
    this.#incoming.delete(peer);
    this.#outgoing.delete(peer);
  }

  /** TCP has connected, to an address that names its peer. */
  #outbound(libp2pPeer: Libp2pPeerId, connection: MultiaddrConnection): boolean {
    const peer = libp2pPeer.toString();
    if (this.#o.refuses(peer) || this.#has(peer)) return true;
    this.#track(this.#outgoing, peer, connection);
    return false;
  }

  #outboundKnown(peer: PeerId, connection: MultiaddrConnection): boolean {
    this.#o.learn(connection.remoteAddr.toString(), peer);
    if (this.#o.refuses(peer) || this.#has(peer)) return true;
    // Whom we dial gets a place in any case.
    this.#o.makeRoom(peer, this.#incoming.size);
    this.#track(this.#outgoing, peer, connection);
    return false;
  }

  #inboundKnown(peer: PeerId, connection: MultiaddrConnection): boolean {
    const o = this.#o;
    if (o.refuses(peer) || this.#incoming.has(peer)) return true;
    const openedAt = o.openedAt(peer);
    if (o.self < peer) {
      if (this.#outgoing.has(peer)) return true;
      // A dial that started before ours was done, and lost; but one that comes later says that the peer has
      // lost ours.
      if (openedAt !== undefined && performance.now() - openedAt < netLimits.duplicateMs) return true;
    }
    if (openedAt !== undefined) o.replace(peer);
    else if (!o.makeRoom(peer, this.#incoming.size)) return true;
    o.stopDialling(peer);
    this.#track(this.#incoming, peer, connection);
    return false;
  }

  #has(peer: PeerId): boolean {
    return this.#incoming.has(peer) || this.#o.openedAt(peer) !== undefined;
  }

  #track(pending: Map<PeerId, MultiaddrConnection>, peer: PeerId, connection: MultiaddrConnection): void {
    if (pending.get(peer) === connection) return;
    pending.set(peer, connection);
    connection.addEventListener('close', () => {
      if (pending.get(peer) === connection) pending.delete(peer);
    });
  }
}
