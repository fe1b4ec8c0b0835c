import { encodeHeader } from '../bitcoin/header.ts';
import { equal, idOf, writeU32LE } from '../util/bytes.ts';
import { Peer } from './peers/peers.ts';
import type { Server } from './relay/serve.ts';
import type { TxRelay } from './relay/tx-relay.ts';
import type { StepContext } from './step-context.ts';
import type { HeaderSync } from './sync/headers.ts';
import { type Micros, NEVER, type PeerId } from './types.ts';
import type { Message } from './wire/messages.ts';

/** A peer's life: joined, hello in both directions, tips told, pings, left. What a connection needs besides blocks. */
export class Session {
  readonly #context: StepContext;
  readonly #headers: HeaderSync;
  readonly #relay: TxRelay;
  readonly #server: Server;
  #probeAt: Micros = NEVER;

  constructor(context: StepContext, parts: { headers: HeaderSync; relay: TxRelay; server: Server }) {
    this.#context = context;
    this.#headers = parts.headers;
    this.#relay = parts.relay;
    this.#server = parts.server;
  }

  joined(id: PeerId, inbound: boolean): void {
    const { peers, params, limits, now } = this.#context;
    // A second `joined` without `left` is the host's new connection: the old one's requests are void.
    if (peers.get(id) !== undefined) this.left(id);
    if (peers.size >= limits.maxPeers) {
      this.#context.effect({
        kind: 'drop',
        peer: id,
        why: 'this node has ' + peers.size + ' peers, its maximum',
      });
      return;
    }
    const peer = new Peer(id, inbound, params.genesisHash, now, limits);
    peers.add(peer);
    this.#context.tell({ kind: 'peer-joined', peer: id, inbound });
    this.#hello(peer);
    if (this.#probeAt === NEVER) this.#probeAt = this.#nextProbe();
  }

  #hello(peer: Peer): void {
    const { chain, params, limits, name } = this.#context;
    const { tip } = chain;
    this.#context.send(peer, {
      kind: 'hello',
      version: limits.protocolVersion,
      genesis: params.genesisHash,
      name,
      height: tip.height,
      work: tip.work,
      tip: tip.hash,
    });
  }

  left(id: PeerId): void {
    const { peers } = this.#context;
    const peer = peers.get(id);
    if (peer === undefined) return;
    this.#relay.peerLeft(peer);
    peers.remove(id);
    this.#context.tell({ kind: 'peer-left', peer: id });
  }

  /** The first frame. After it the peer counts as ready, and whoever has less work asks for headers. */
  hello(peer: Peer, message: Message & { kind: 'hello' }): void {
    const { params } = this.#context;
    if (peer.ready) {
      this.#context.fault(peer, 'second-hello', 'hello twice');
      return;
    }
    if (!equal(message.genesis, params.genesisHash)) {
      const theirs = idOf(message.genesis);
      const why = 'of another network: its genesis block is ' + theirs + ', ours is ' + params.genesisId;
      this.#context.tellRefusal({
        kind: 'fault',
        peer: peer.id,
        rule: 'wrong-genesis',
        detail: why,
        banned: true,
      });
      this.#context.drop(peer, why, this.#context.limits.banMs);
      return;
    }
    peer.ready = true;
    this.#context.peers.changed();
    peer.helloAt = this.#context.now;
    peer.name = message.name;
    peer.version = message.version;
    this.#context.tell({ kind: 'peer-ready', peer: peer.id, name: peer.name, height: message.height });
    this.#claim(peer, message.tip.slice(), message.height, message.work);
    // A tip that we do not know is asked for even with less work: it may be a near side branch.
    this.#headers.catchUp(peer);
    this.#relay.tellPool(peer);
  }

  tip(peer: Peer, message: Message & { kind: 'tip' }, hash: Uint8Array): void {
    this.#claim(peer, hash, message.height, message.work);
    this.#headers.announced(peer, message.header, message.gossiped);
  }

  #claim(peer: Peer, tip: Uint8Array, height: number, work: bigint): void {
    peer.tip = tip;
    peer.height = height;
    peer.work = work;
  }

  /** Answers a ping, or the last one as soon as the peer reads again. */
  pinged(peer: Peer, nonce: Uint8Array): void {
    if (peer.flowing) this.#context.send(peer, { kind: 'pong', nonce });
    else peer.pongDue = nonce.slice();
  }

  /** Whether the peer reads what it is sent. While it does not, its requests wait, and they are bounded. */
  flow(id: PeerId, open: boolean): void {
    const peer = this.#context.peers.get(id);
    if (peer === undefined || peer.dropped) return;
    peer.flowing = open;
    if (!open) return;
    const nonce = peer.pongDue;
    peer.pongDue = undefined;
    if (nonce !== undefined) this.#context.send(peer, { kind: 'pong', nonce });
    this.#server.run();
  }

  pong(peer: Peer, nonce: Uint8Array): void {
    if (peer.pingNonce === undefined || peer.pingSentAt === undefined || !equal(peer.pingNonce, nonce))
      return;
    peer.ping = this.#context.now - peer.pingSentAt;
    peer.pingNonce = undefined;
  }

  /** Every 30 s ± jitter one peer hears our tip and our mempool: what was lost is repaired even if nothing else happens. */
  #probe(): void {
    const { peers, chain, random } = this.#context;
    this.#probeAt = this.#nextProbe();
    const ready = peers.ready();
    if (ready.length === 0) return;
    const { tip } = chain;
    const peer = ready[random.below(ready.length)]!;
    this.#relay.tellPool(peer);
    this.#context.send(peer, {
      kind: 'tip',
      header: encodeHeader(tip.header),
      height: tip.height,
      work: tip.work,
      gossiped: false,
    });
  }

  #nextProbe(): Micros {
    const { limits, random, now } = this.#context;
    return now + limits.probeEvery - limits.probeJitter + random.below(2 * limits.probeJitter + 1);
  }

  tick(): void {
    const { peers, now, limits } = this.#context;
    for (const peer of peers.all()) {
      if (peer.dropped) continue;
      if (!peer.ready) {
        if (peer.joinedAt + limits.helloTimeout <= now) this.#context.drop(peer, 'no hello in time');
      } else if (peer.pingNonce !== undefined) {
        if (this.#silentUntil(peer) <= now) this.#context.drop(peer, 'silent: no answer to a ping in time');
      } else if (this.#pingAt(peer) <= now) {
        this.#ping(peer);
      }
    }
    if (this.#probeAt <= now) {
      if (peers.size === 0) this.#probeAt = NEVER;
      else this.#probe();
    }
  }

  #ping(peer: Peer): void {
    const nonce = new Uint8Array(8);
    writeU32LE(nonce, 0, this.#context.random.u32());
    writeU32LE(nonce, 4, this.#context.random.u32());
    peer.pingNonce = nonce;
    peer.pingSentAt = this.#context.now;
    this.#context.send(peer, { kind: 'ping', nonce });
  }

  /** After `limits.pingEvery` without a ping; the first one soon, since it measures the link. */
  #pingAt(peer: Peer): Micros {
    return (peer.pingSentAt ?? peer.joinedAt) + this.#context.limits.pingEvery;
  }

  /** Anything heard counts as a sign of life: an answer may stand behind megabytes of blocks. */
  #silentUntil(peer: Peer): Micros {
    const { limits } = this.#context;
    return Math.max(peer.lastHeard, peer.pingSentAt ?? 0) + limits.pingTimeout + peer.roundTrip(limits);
  }

  due(): Micros {
    const { peers, limits } = this.#context;
    let due = this.#probeAt;
    for (const peer of peers.all()) {
      if (peer.dropped) continue;
      if (!peer.ready) due = Math.min(due, peer.joinedAt + limits.helloTimeout);
      else due = Math.min(due, peer.pingNonce === undefined ? this.#pingAt(peer) : this.#silentUntil(peer));
    }
    return due;
  }
}
