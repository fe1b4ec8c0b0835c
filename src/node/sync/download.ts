import { ancestorAt, type BlockEntry, forkPoint, isAncestor } from '../../consensus/tree/tree.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import { keyOf } from '../../util/bytes.ts';
import type { Peer } from '../peers/peers.ts';
import type { StepContext } from '../step-context.ts';
import { type Micros, NEVER } from '../types.ts';

/**
 * Bodies, in parallel from all peers that have them: of branches that beat the tip, and of those that fork within
 * `limits.nearTipBlocks` of it. A window moves over each branch; a body is asked of one peer at a time, of another one
 * when the first brings nothing for a while, or holds up a window that others have finished. Under GHOST, which is for
 * experiments, every branch counts: whatever a peer has told of is wanted.
 */
export class Download {
  readonly #context: StepContext;
  /** Who was last asked for a body. Never iterated. */
  readonly #asked = new Map<string, Peer>();
  /** Announced bodies that gossip should bring: not asked for before. */
  readonly #grace: BoundedMap<string, Micros>;
  /** Bodies that are here and being checked: nobody needs to send them. Never iterated. */
  readonly #checking = new Set<string>();
  #soon = false;

  constructor(context: StepContext) {
    this.#context = context;
    this.#grace = new BoundedMap(context.limits.graceBlocks);
  }

  /** Something changed: look at the end of this step what to ask for. */
  soon(): void {
    this.#soon = true;
  }

  /** An announced body that comes another way until then, or, with 0, does not. */
  grace(hash: Uint8Array, until: Micros): void {
    this.#grace.set(keyOf(hash), until);
  }

  /** At the end of a step: the requests that it makes possible. */
  run(): void {
    for (const peer of this.#context.peers.takeEnded()) {
      this.#release(peer);
      this.#soon = true;
    }
    if (!this.#soon || this.#context.params.headersOnly === true) return;
    this.#soon = false;
    const peers = this.#context.peers.ready().filter((peer) => this.#mayWant(peer) && this.#mayAsk(peer));
    // In rounds of one request each, so that a short branch is shared too.
    let busy = peers.length > 0;
    while (busy) {
      busy = false;
      for (const peer of peers) busy = this.#askSome(peer) || busy;
    }
  }

  /** With an arrival, the body of its best block and all before it are here: the usual case. */
  #mayWant({ best }: Peer): boolean {
    const { forkChoice } = this.#context.chain;
    return forkChoice === 'ghost' || (best !== undefined && best.arrival === undefined);
  }

  #mayAsk(peer: Peer): boolean {
    const { limits, now } = this.#context;
    // Half empty before it is filled again: the window is walked once for many bodies.
    return 2 * peer.bodies.inFlight.size <= limits.inFlightPerPeer && peer.bodies.pausedUntil <= now;
  }

  #askSome(peer: Peer): boolean {
    const { limits, now } = this.#context;
    const room = Math.min(limits.maxBlocksPerRequest, limits.inFlightPerPeer - peer.bodies.inFlight.size);
    if (room <= 0) return false;
    const wanted = this.#wantedOf(peer, room);
    if (wanted.length === 0) return false;
    if (peer.bodies.inFlight.size === 0) peer.bodies.progressAt = now;
    peer.bodies.patience = limits.blockTimeout + peer.roundTripNow(now, limits);
    for (const entry of wanted) {
      const key = keyOf(entry.hash);
      peer.bodies.inFlight.set(key, { entry, at: now });
      this.#asked.set(key, peer);
    }
    this.#context.send(peer, { kind: 'getblocks', ids: wanted.map((entry) => entry.hash) });
    return true;
  }

  /** Under GHOST: the peer has this block, and so its ancestors. */
  told(peer: Peer, entry: BlockEntry): void {
    const { told } = peer.bodies;
    for (let e: BlockEntry | undefined = entry; e !== undefined && !e.hasBody; e = e.parent) {
      if (told.has(e.id)) return;
      told.set(e.id, e);
    }
  }

  /** ... of which those are still missing, lowest first: each of them has its weight, whatever branch it is on. */
  #toldOf({ bodies: { told } }: Peer): readonly BlockEntry[] {
    const missing: BlockEntry[] = [];
    for (const e of told.values()) {
      if (e.hasBody || e.condemned !== undefined) told.delete(e.id);
      else missing.push(e);
    }
    missing.sort((a, b) => a.height - b.height || (a.id < b.id ? -1 : 1));
    return missing.slice(0, this.#context.limits.downloadWindow);
  }

  /** The window of this peer's best branch that it could serve, lowest first; empty if the branch is not worth it. */
  #window(peer: Peer): readonly BlockEntry[] {
    const { chain, limits } = this.#context;
    const { best, bodies } = peer;
    if (chain.forkChoice === 'ghost') return this.#toldOf(peer);
    if (best === undefined || best.condemned !== undefined) return [];
    const fork = forkPoint(chain.tip, best);
    const near = chain.tip.height - fork.height <= limits.nearTipBlocks;
    if (best.work <= chain.tip.work && !(near && this.#context.side.hasRoom)) return [];
    const { common } = bodies;
    // Its best may since have become a shorter branch: one of more work, or the longer one was condemned.
    const keeps = common !== undefined && common.height >= fork.height && isAncestor(common, best);
    let from = keeps ? common : fork;
    const top = ancestorAt(best, Math.min(best.height, from.height + limits.downloadWindow));
    const path: BlockEntry[] = [];
    for (let e: BlockEntry | undefined = top; e !== undefined && e !== from; e = e.parent) path.push(e);
    path.reverse();
    let here = 0;
    while (here < path.length && path[here]!.hasBody) from = path[here++]!;
    bodies.common = from;
    return path.slice(here);
  }

  #wantedOf(peer: Peer, most: number): BlockEntry[] {
    const { limits, now } = this.#context;
    const wanted: BlockEntry[] = [];
    const held: BlockEntry[] = [];
    for (const entry of this.#window(peer)) {
      if (entry.hasBody) continue;
      const key = keyOf(entry.hash);
      if (peer.bodies.inFlight.has(key) || this.#checking.has(key)) continue;
      if ((peer.bodies.missing.get(key) ?? 0) > now || (this.#grace.get(key) ?? 0) > now) continue;
      const other = this.#asked.get(key);
      if (other === undefined) wanted.push(entry);
      else if (now - (other.bodies.inFlight.get(key)?.at ?? now) >= limits.stealAfter) held.push(entry);
      if (wanted.length === most) return wanted;
    }
    // Nothing left but what others are slow with: ask for the first of those too.
    return wanted.length > 0 || peer.bodies.inFlight.size > 0 ? wanted : held.slice(0, most);
  }

  /** A body came from this peer; true if we had asked it. */
  arrived(peer: Peer, hash: Uint8Array): boolean {
    const key = keyOf(hash);
    if (!peer.bodies.inFlight.delete(key)) return false;
    if (this.#asked.get(key) === peer) this.#asked.delete(key);
    peer.bodies.progressAt = this.#context.now;
    this.#soon = true;
    return true;
  }

  /** A body has come and is being checked, or (`false`) that is over. */
  checking(hash: Uint8Array, on: boolean): void {
    if (on) this.#checking.add(keyOf(hash));
    else if (this.#checking.delete(keyOf(hash))) this.#soon = true;
  }

  /** This peer's copy was bad: get it elsewhere. */
  bodyUnusable(peer: Peer, hash: Uint8Array): void {
    peer.bodies.missing.set(keyOf(hash), this.#context.now + this.#context.limits.notFoundPause);
    this.#soon = true;
  }

  notFound(peer: Peer, ids: readonly Uint8Array[]): void {
    for (const hash of ids) {
      if (!this.arrived(peer, hash)) {
        this.#context.fault(peer, 'unrequested', 'notfound for a block that nobody asked for');
        return;
      }
      this.bodyUnusable(peer, hash);
      this.#context.fault(peer, 'no-body', 'it has told of a block and has no body');
      if (peer.dropped) return;
    }
  }

  tick(): void {
    const { now, limits } = this.#context;
    for (const peer of this.#context.peers.ready()) {
      const { inFlight, progressAt, patience } = peer.bodies;
      if (inFlight.size === 0 || progressAt + patience > now) continue;
      const lacking = [...inFlight.values()].filter(({ entry }) => !entry.hasBody).length;
      this.#release(peer);
      if (lacking === 0) continue;
      peer.bodies.pausedUntil = now + limits.blockTimeout;
      this.#context.fault(peer, 'stalled', lacking + ' bodies asked for, none came');
    }
    this.#soon = true;
  }

  /** When to look again: a stall, a pause or a grace that ends, a window that may be held up. */
  due(): Micros {
    const { limits, now } = this.#context;
    let due = NEVER;
    let waiting = false;
    for (const peer of this.#context.peers.ready()) {
      const { inFlight, progressAt, patience, pausedUntil } = peer.bodies;
      if (inFlight.size > 0) {
        due = Math.min(due, progressAt + patience);
        waiting = true;
      }
      if (pausedUntil > now) due = Math.min(due, pausedUntil);
      due = Math.min(due, soonest(peer.bodies.missing, now));
    }
    due = Math.min(due, soonest(this.#grace, now));
    return waiting ? Math.min(due, now + limits.stealAfter) : due;
  }

  #release(peer: Peer): void {
    for (const key of peer.bodies.inFlight.keys()) if (this.#asked.get(key) === peer) this.#asked.delete(key);
    peer.bodies.inFlight.clear();
  }
}

/** The first of these times that is still to come. */
function soonest(times: BoundedMap<string, Micros>, now: Micros): Micros {
  let due = NEVER;
  if (times.size === 0) return due;
  for (const until of times.values()) if (until > now && until < due) due = until;
  return due;
}
