import { decodeHeader, HEADER_SIZE, type Header, headerHash } from '../../bitcoin/header.ts';
import type { Checked, Refusal } from '../../consensus/params/rules.ts';
import { type BlockEntry, detachedEntry, isAncestor } from '../../consensus/tree/tree.ts';
import { proofOfWorkFault } from '../../consensus/validate/check.ts';
import { assert } from '../../util/assert.ts';
import { equal } from '../../util/bytes.ts';
import { err, ok } from '../../util/result.ts';
import { Pace, type Steps } from '../../util/steps.ts';
import { faultOfRule } from '../peers/misbehaviour.ts';
import type { BufferedHeader, Peer } from '../peers/peers.ts';
import { Presync } from '../peers/presync.ts';
import { type StepContext, workHex } from '../step-context.ts';
import { type Micros, NEVER } from '../types.ts';
import { type Message, NO_STOP } from '../wire/messages.ts';
import type { WorkQueue } from '../work-queue.ts';
import type { Download } from './download.ts';
import type { FutureBlocks } from './future.ts';

/** The median of eleven times, and the parent's parent. */
const RULES_LOOK_BACK = 12;

/** Headers that entered the tree and are not told yet. */
class Told {
  count = 0;
  last: BlockEntry | undefined = undefined;
}

/**
 * Headers first: who has more work than we, and by which headers? One request a peer at a time. A peer's headers are
 * judged in full but stay in its own bounded buffer until their branch comes within `limits.nearTipBlocks` of our tip's
 * work: an attacker's cheap branch costs us memory that goes when he goes, and never a tree entry or a disk write.
 */
export class HeaderSync {
  readonly #context: StepContext;
  readonly #download: Download;
  readonly #queue: WorkQueue;
  readonly #future: FutureBlocks;

  constructor(context: StepContext, parts: { download: Download; queue: WorkQueue; future: FutureBlocks }) {
    this.#context = context;
    this.#download = parts.download;
    this.#queue = parts.queue;
    this.#future = parts.future;
  }

  /** Asks this peer what it has beyond us; when a request is out already, once more after it. */
  start(peer: Peer): void {
    const { headers: state } = peer;
    if (!peer.ready || peer.dropped) return;
    const busy = state.request !== undefined || state.flushing || state.judging;
    if (busy || !state.starts.take(1, this.#context.now)) {
      state.again = true;
      return;
    }
    state.again = false;
    state.buffer = [];
    state.last = undefined;
    state.presync = undefined;
    this.#ask(peer);
  }

  #ask(peer: Peer): void {
    const { chain, limits, now } = this.#context;
    const state = peer.headers;
    const { last } = state;
    const from = last === undefined ? chain.locator(chain.bestHeader) : this.#locatorOn(last);
    state.request = {
      id: state.nextId,
      deadline: now + limits.headersTimeout + peer.roundTripNow(now, limits),
    };
    this.#context.send(peer, {
      kind: 'getheaders',
      id: state.nextId,
      locator: from.slice(0, limits.maxLocator),
      stop: NO_STOP,
    });
    state.nextId = (state.nextId + 1) >>> 0;
  }

  /** Where to go on after `last`: there, or higher on its branch where another peer has brought us meanwhile. */
  #locatorOn(last: BlockEntry): Uint8Array[] {
    const { chain } = this.#context;
    if (this.#weighsAll) return chain.locator(last);
    const locator = chain.locator(chain.bestHeader);
    const known = chain.entry(last.hash);
    if (known === undefined || !isAncestor(known, chain.bestHeader)) return [last.hash, ...locator];
    const above = locator.filter((hash) => (chain.entry(hash)?.height ?? 0) > last.height);
    return [...above, last.hash, ...locator.slice(above.length)];
  }

  /** An answer: judge the headers in order, then decide whether their branch deserves the tree. */
  answer(peer: Peer, message: Message & { kind: 'headers' }): void {
    const state = peer.headers;
    if (state.request?.id !== message.id) {
      // An answer that came after its deadline is no offence; one to a request never made is.
      if (message.id >= state.nextId || message.id === 0) {
        this.#context.fault(peer, 'unrequested', 'headers that nobody asked for');
      }
      return;
    }
    state.request = undefined;
    state.judging = true;
    this.#queue.start(this.#answer(peer, message.headers), HEADER_SIZE * message.headers.length);
  }

  *#answer(peer: Peer, headers: readonly Uint8Array[]): Steps<void> {
    const state = peer.headers;
    const before = state.last;
    state.more = headers.length === this.#context.limits.maxHeadersPerMessage;
    const useful = yield* this.#take(peer, headers);
    if (peer.dropped) return;
    state.judging = false;
    if (!useful) {
      state.more = false;
      state.presync = undefined;
    }
    // Full answers that lead nowhere would go on for ever; the second pass begins again below.
    const led = (state.last?.work ?? 0n) > (before?.work ?? -1n) || state.last === state.presync?.start;
    if (before !== undefined && !led) state.more = false;
    this.#admit(peer);
    if (!state.flushing) this.#goOn(peer);
  }

  *#take(peer: Peer, headers: readonly Uint8Array[]): Steps<boolean> {
    const { presync } = peer.headers;
    if (this.#weighsAll) return yield* this.#judgeTree(peer, headers);
    if (presync === undefined) return yield* this.#judge(peer, headers, false);
    if (!presync.proven) return yield* this.#measure(peer, presync, headers);
    if (!presync.matches(headers)) {
      // Its branch has changed meanwhile, which is no offence: from the beginning.
      peer.headers.again = true;
      return false;
    }
    if (presync.done) peer.headers.presync = undefined;
    return yield* this.#judge(peer, headers, true);
  }

  /** First pass over a long branch: judged in full, and not kept. */
  *#measure(peer: Peer, presync: Presync, headers: readonly Uint8Array[]): Steps<boolean> {
    const { chain, limits } = this.#context;
    const state = peer.headers;
    const pace = new Pace(limits.headersPerStep);
    let parent = state.last ?? presync.start;
    for (const bytes of headers) {
      const decoded = decodeHeader(bytes);
      assert(decoded.ok, 'any 80 bytes are a header');
      const hash = headerHash(bytes);
      if (!equal(parent.hash, decoded.value.prev)) {
        this.#context.fault(peer, 'unconnected-headers', 'headers that do not follow what we named');
        return false;
      }
      const judged = chain.judgeHeader(decoded.value, this.#context.wallS, parent, hash);
      if (!judged.ok) {
        this.#refused(peer, bytes, hash, judged.error);
        return false;
      }
      parent = detachedEntry(decoded.value, hash, parent);
      if (pace.due(1)) {
        yield;
        if (peer.dropped) return false;
      }
    }
    const room = presync.note(headers, parent);
    state.last = parent;
    if (parent.work > chain.tip.work) {
      presync.proven = true;
      state.last = presync.start;
      state.more = true;
      return true;
    }
    return room && state.more;
  }

  /** False when the rest of the answer, and what would follow it, is of no use. `proven`: its branch may enter the tree. */
  *#judge(peer: Peer, headers: readonly Uint8Array[], proven: boolean): Steps<boolean> {
    const { chain, limits } = this.#context;
    const state = peer.headers;
    const pace = new Pace(limits.headersPerStep);
    const told = new Told();
    let parent: BlockEntry | undefined;
    for (const [i, bytes] of headers.entries()) {
      const decoded = decodeHeader(bytes);
      assert(decoded.ok, 'any 80 bytes are a header');
      const header = decoded.value;
      if (i === 0) {
        const tail = state.buffer.at(-1)?.entry;
        const follows = tail !== undefined && equal(tail.hash, header.prev);
        parent = follows ? tail : chain.entry(header.prev);
        if (!follows) state.buffer = [];
      }
      if (parent === undefined || !equal(parent.hash, header.prev)) {
        this.#tellEntered(peer, told);
        this.#context.fault(peer, 'unconnected-headers', 'headers that do not follow what we named');
        state.buffer = [];
        return false;
      }
      const hash = headerHash(bytes);
      const known = chain.entry(hash);
      if (known !== undefined) {
        if (known.condemned !== undefined) {
          this.#tellEntered(peer, told);
          return false;
        }
        state.buffer = [];
        parent = known;
        state.last = known;
        this.knows(peer, known);
        continue;
      }
      // On top of our tip or better: no need to wait for more.
      const beats = proven || (state.buffer.length === 0 && parent.work >= chain.tip.work);
      const judged = beats
        ? this.#enterOne(peer, header, hash, parent, told)
        : this.#buffer(peer, header, hash, parent);
      if (!judged.ok) {
        this.#tellEntered(peer, told);
        this.#refused(peer, bytes, hash, judged.error);
        return false;
      }
      parent = judged.value;
      state.last = parent;
      if (pace.due(1)) {
        this.#tellEntered(peer, told);
        yield;
        if (peer.dropped) return false;
      }
    }
    this.#tellEntered(peer, told);
    return true;
  }

  #buffer(peer: Peer, header: Header, hash: Uint8Array, parent: BlockEntry): Checked<BlockEntry> {
    const judged = this.#context.chain.judgeHeader(header, this.#context.wallS, parent, hash);
    if (!judged.ok) return judged;
    const entry = detachedEntry(header, hash, parent);
    peer.headers.buffer.push({ header, entry });
    return ok(entry);
  }

  /** Moves the buffer towards the tree if its branch has the work; gives it up if it is too long without. */
  #admit(peer: Peer): void {
    const { chain, limits, now } = this.#context;
    const state = peer.headers;
    const tail = state.buffer.at(-1)?.entry;
    if (tail === undefined) return;
    const near = tail.work > this.#context.workBelowTip(limits.nearTipBlocks);
    // While there are more to come the branch may still beat the tip: only its end is a side branch, and costs tokens.
    const side = near && !state.more && this.#context.side.takeHeaders(peer, state.buffer.length, now);
    if (tail.work > chain.tip.work || side) {
      state.flushing = true;
      this.#flush(peer);
      return;
    }
    const full = state.buffer.length + limits.maxHeadersPerMessage > limits.headerBufferPerPeer;
    if (state.more && !full && this.#room()) return;
    const start = state.buffer[0]?.entry.parent;
    state.buffer = [];
    if (state.more && start !== undefined && peer.work > chain.tip.work) {
      const { retarget } = this.#context.params;
      const keep = RULES_LOOK_BACK + (retarget.kind === 'bitcoin' ? retarget.window : 0);
      state.presync = new Presync(start, limits.presyncAnswers, keep);
      state.last = start;
    } else {
      state.more = false;
    }
  }

  #room(): boolean {
    let total = 0;
    for (const peer of this.#context.peers.all()) total += peer.headers.buffer.length;
    return total <= this.#context.limits.headerBufferTotal;
  }

  /** At most `limits.headersPerStep` buffered headers into the tree. */
  #flush(peer: Peer): void {
    const { limits } = this.#context;
    const state = peer.headers;
    const piece: readonly BufferedHeader[] = state.buffer.slice(0, limits.headersPerStep);
    state.buffer = state.buffer.slice(piece.length);
    const told = new Told();
    for (const { header, entry } of piece) {
      const parent = this.#context.chain.entry(header.prev);
      if (parent !== undefined && this.#enterOne(peer, header, entry.hash, parent, told).ok) continue;
      // Judged before, on the same ancestors: only a condemned ancestor since then, or a clock set back, can refuse it.
      state.buffer = [];
      state.more = false;
      break;
    }
    this.#tellEntered(peer, told);
    state.flushing = state.buffer.length > 0;
  }

  #goOn(peer: Peer): void {
    const state = peer.headers;
    if (state.more) {
      state.more = false;
      this.#ask(peer);
      return;
    }
    state.buffer = [];
    if (state.again) this.start(peer);
    this.#download.soon();
  }

  /**
   * A single header that a peer told us: its tip. `gossiped`: its body is on its way, so wait a little before asking.
   * Unknown parent: ask for what is between.
   */
  announced(peer: Peer, bytes: Uint8Array, gossiped: boolean): void {
    const { chain, limits, now, wallS } = this.#context;
    const decoded = decodeHeader(bytes);
    assert(decoded.ok, 'any 80 bytes are a header');
    const hash = headerHash(bytes);
    const known = chain.entry(hash);
    if (known !== undefined) {
      this.knows(peer, known);
      return;
    }
    const parent = chain.entry(decoded.value.prev);
    if (parent === undefined) {
      const pow = this.claimsWork(decoded.value.bits, hash);
      if (pow.ok) this.start(peer);
      else this.blame(peer, pow.error.rule, pow.error.detail);
      return;
    }
    const judged = chain.judgeHeader(decoded.value, wallS, parent, hash);
    if (!judged.ok) {
      if (judged.error.rule === 'time-too-new') this.#future.add(bytes.slice(), hash, peer.id);
      else this.blame(peer, judged.error.rule, judged.error.detail);
      return;
    }
    if (!this.worthEntry(judged.value.work, peer)) return;
    const added = this.enter(peer, decoded.value, hash);
    if (added.ok && gossiped && parent.hasBody && !added.value.hasBody)
      this.#download.grace(hash, now + limits.gossipGrace);
  }

  /** Something that held branches back has changed (the clock, a pardon): look at every peer's tip again. */
  recheck(): void {
    for (const peer of this.#context.peers.ready()) this.catchUp(peer);
  }

  /** To the tip that the peer claims: ask for its headers, or, if they are here, for the bodies. */
  catchUp(peer: Peer): void {
    const known = this.#context.chain.entry(peer.tip);
    if (known === undefined || this.#weighsAll) this.start(peer);
    else this.knows(peer, known);
  }

  /** Timeouts, the rest of a flush, postponed starts. */
  tick(): void {
    const { now } = this.#context;
    for (const peer of this.#context.peers.ready()) {
      const state = peer.headers;
      if (state.flushing) {
        this.#flush(peer);
        if (!state.flushing) this.#goOn(peer);
      } else if (state.request !== undefined && state.request.deadline <= now) {
        state.request = undefined;
        state.buffer = [];
        state.presync = undefined;
        this.#context.fault(peer, 'no-headers', 'no answer to getheaders in time');
        this.start(peer);
      } else if (state.again && state.request === undefined && !state.judging && state.starts.has(1, now)) {
        this.start(peer);
      }
    }
  }

  due(): Micros {
    let due = NEVER;
    for (const peer of this.#context.peers.ready()) {
      const state = peer.headers;
      if (state.flushing) return this.#context.now;
      if (state.request !== undefined) due = Math.min(due, state.request.deadline);
      else if (state.again && !state.judging) due = Math.min(due, state.starts.readyAt(1, this.#context.now));
    }
    return due;
  }

  // ---- single headers: into the tree, or refused ----

  /** One new header into tree and index, with its news; the peer is known to have it. */
  enter(peer: Peer, header: Header, hash: Uint8Array): Checked<BlockEntry> {
    const told = new Told();
    const added = this.#enterOne(peer, header, hash, this.#context.chain.entry(header.prev), told);
    this.#tellEntered(peer, told);
    return added;
  }

  /** The same for one header of a batch. The caller emits one event for the batch. */
  #enterOne(
    peer: Peer,
    header: Header,
    hash: Uint8Array,
    parent: BlockEntry | undefined,
    told: Told,
  ): Checked<BlockEntry> {
    const added = this.#context.chain.addHeader(header, this.#context.wallS, hash, parent);
    if (!added.ok) return added;
    told.count++;
    told.last = added.value;
    this.#best(peer, added.value);
    return added;
  }

  /** Emits one event for a header or for a batch of them, so that a chain of 100,000 takes hundreds of log lines. */
  #tellEntered(peer: Peer, told: Told): void {
    const { count, last } = told;
    if (last === undefined) return;
    const { id, height } = last;
    const news = { id, prev: last.parent?.id ?? '', height, work: workHex(last.work), from: peer.id };
    this.#context.tell(count === 1 ? { kind: 'header', ...news } : { kind: 'headers', count, ...news });
    this.#download.soon();
    told.count = 0;
    told.last = undefined;
  }

  /** GHOST: a block counts on whatever branch it is. Only experiments choose it, so nobody has to be kept from flooding. */
  get #weighsAll(): boolean {
    return this.#context.chain.forkChoice === 'ghost';
  }

  /** An answer under GHOST: headers of all branches, parents first, each into the tree. */
  *#judgeTree(peer: Peer, headers: readonly Uint8Array[]): Steps<boolean> {
    const { chain, limits } = this.#context;
    const pace = new Pace(limits.headersPerStep);
    const told = new Told();
    for (const bytes of headers) {
      const decoded = decodeHeader(bytes);
      assert(decoded.ok, 'any 80 bytes are a header');
      const hash = headerHash(bytes);
      const known = chain.entry(hash);
      const parent = chain.entry(decoded.value.prev);
      if (known !== undefined) {
        peer.headers.last = known;
        this.knows(peer, known);
      } else if (parent !== undefined && parent.condemned === undefined) {
        const added = this.#enterOne(peer, decoded.value, hash, parent, told);
        if (!added.ok) {
          this.#tellEntered(peer, told);
          this.#refused(peer, bytes, hash, added.error);
          return false;
        }
        peer.headers.last = added.value;
      }
      if (pace.due(1)) {
        this.#tellEntered(peer, told);
        yield;
        if (peer.dropped) return false;
      }
    }
    this.#tellEntered(peer, told);
    return true;
  }

  /** The peer has this block (or says so). */
  knows(peer: Peer, entry: BlockEntry): void {
    if (entry.condemned !== undefined) return;
    this.#best(peer, entry);
    this.#download.soon();
  }

  #best(peer: Peer, entry: BlockEntry): void {
    if (this.#weighsAll) this.#download.told(peer, entry);
    if (peer.best === undefined || peer.best.condemned !== undefined || entry.work > peer.best.work) {
      peer.best = entry;
    }
  }

  /** Whether a new header of this total work may enter the tree on a peer's word: if it beats nothing, from its ration. */
  worthEntry(work: bigint, peer: Peer): boolean {
    const { chain, limits, now } = this.#context;
    if (work > chain.tip.work || this.#weighsAll) return true;
    return (
      work > this.#context.workBelowTip(limits.nearTipBlocks) && this.#context.side.takeHeaders(peer, 1, now)
    );
  }

  /** What can be said of a header whose parent is unknown: it must at least meet the target that it names itself. */
  claimsWork(bits: number, hash: Uint8Array): Checked<void> {
    const fault = proofOfWorkFault({ bits }, hash, this.#context.params);
    return fault === undefined ? ok(undefined) : err(fault);
  }

  blame(peer: Peer, rule: Parameters<typeof faultOfRule>[0], detail: string): void {
    const fault = faultOfRule(rule);
    // A child of a condemned block is no proof of bad will: the peer may not have judged the parent yet.
    if (fault !== undefined && rule !== 'bad-prevblk' && rule !== 'duplicate-invalid') {
      this.#context.fault(peer, fault, rule + ': ' + detail);
    }
  }

  #refused(peer: Peer, bytes: Uint8Array, hash: Uint8Array, refusal: Refusal): void {
    if (refusal.rule === 'time-too-new') this.#future.add(bytes.slice(), hash, peer.id);
    else this.blame(peer, refusal.rule, refusal.detail);
  }
}
