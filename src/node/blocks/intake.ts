import type { Block } from '../../bitcoin/block.ts';
import { encodeHeader, HEADER_SIZE, type Header, headerHash } from '../../bitcoin/header.ts';
import { type Checked, type Refusal, refuse, ruleOf } from '../../consensus/params/rules.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { type BlockSource, bytesOf, headOf, sizeOf } from '../../consensus/validate/check.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import { equal, idOf, writeU32LE } from '../../util/bytes.ts';
import { ok } from '../../util/result.ts';
import type { Steps } from '../../util/steps.ts';
import type { Peer } from '../peers/peers.ts';
import { type StepContext, workHex } from '../step-context.ts';
import type { Download } from '../sync/download.ts';
import type { FutureBlocks } from '../sync/future.ts';
import type { HeaderSync } from '../sync/headers.ts';
import { type GossipVerdict, type Micros, NEVER, type Ticket } from '../types.ts';
import { compactSize, encodeCompact } from '../wire/compact.ts';
import type { WorkQueue } from '../work-queue.ts';

/** How a block came: `sync` answers our own request, `late` is its body come again or after its time. */
export type Way = 'gossip' | 'sync' | 'late' | 'own';

export interface Taken {
  readonly entry: BlockEntry;
  readonly isNew: boolean;
}

/** 'unwanted': nothing wrong with it, but its branch has too little work. */
export type Outcome = Checked<Taken> | 'unwanted';

/** The entry's gossip verdict is held back until connect has spoken. */
interface Held {
  readonly ticket: Ticket;
  readonly entry: BlockEntry;
  readonly until: Micros;
}

/**
 * Blocks on their way in: the rungs `header`, `check` and `context`, then the body is stored. Connecting is another
 * step's work (node/tip-updater.ts). The gossip verdict follows the rule table; an accepted block is one whose parent's body
 * is here and whose work is near the tip's.
 */
export class BlockIntake {
  readonly #context: StepContext;
  readonly #headers: HeaderSync;
  readonly #download: Download;
  readonly #queue: WorkQueue;
  readonly #future: FutureBlocks;
  #held: Held[] = [];
  /** Who brought a body, by block id, for the day when it fails in connect. Never iterated. */
  readonly #origin: BoundedMap<string, { readonly peer: string; readonly way: Way }>;
  /** Accepted from gossip, which carries them on: their header needs no announcement. Never iterated. */
  readonly #accepted: BoundedMap<string, true>;
  /** Put on gossip by us: their body is on its way to everybody. Never iterated. */
  readonly #published: BoundedMap<string, true>;

  constructor(
    context: StepContext,
    parts: { headers: HeaderSync; download: Download; queue: WorkQueue; future: FutureBlocks },
  ) {
    this.#context = context;
    this.#headers = parts.headers;
    this.#download = parts.download;
    this.#queue = parts.queue;
    this.#future = parts.future;
    this.#origin = new BoundedMap(context.limits.blockOrigins);
    this.#accepted = new BoundedMap(context.limits.blockOrigins);
    this.#published = new BoundedMap(context.limits.blockOrigins);
  }

  /** A whole block by gossip; the compact form is compact-relay.ts's. */
  gossip(peer: Peer, ticket: Ticket, bytes: Uint8Array): void {
    this.take(bytes, 'gossip', peer, (outcome) => this.verdict(peer, ticket, outcome, bytes));
  }

  /** What gossip is told of a block, or of its announcement, that came with this ticket. */
  verdict(peer: Peer, ticket: Ticket, outcome: Outcome, source: BlockSource): void {
    if (outcome === 'unwanted') {
      this.#judge(ticket, 'ignore');
      return;
    }
    if (!outcome.ok) {
      const { rule, detail } = outcome.error;
      this.#judge(ticket, ruleOf(rule).gossip);
      if (ruleOf(rule).gossip === 'reject') this.#headers.blame(peer, rule, detail);
      return;
    }
    const { entry, isNew } = outcome.value;
    const near = entry.work >= this.#context.workBelowTip(this.#context.limits.gossipAcceptDepth);
    if (!near || entry.parent?.hasBody !== true || !(isNew || this.#isBodyOf(entry, source))) {
      this.#judge(ticket, 'ignore');
    } else if (isNew && this.#overBudget(peer)) {
      this.#hold(ticket, entry);
    } else {
      this.#accepted.set(entry.id, true);
      this.#judge(ticket, 'accept');
    }
  }

  /** A body that is here already was not looked at when it came again: what is passed on must be the same. */
  #isBodyOf(entry: BlockEntry, source: BlockSource): boolean {
    if (sizeOf(source) !== entry.size) return false;
    const body = this.#context.chain.blockBytes(entry);
    return body !== undefined && equal(body, bytesOf(source));
  }

  /** The answer to getblocks. */
  answer(peer: Peer, bytes: Uint8Array): void {
    if (bytes.length < HEADER_SIZE) {
      this.#context.fault(peer, 'malformed-frame', 'a block of ' + bytes.length + ' bytes');
      return;
    }
    const { hash } = this.#context.reading.header(bytes);
    const asked = this.#download.arrived(peer, hash);
    const known = this.#context.chain.entry(hash);
    if (!asked && known === undefined) {
      this.#context.fault(peer, 'unrequested', 'a block that nobody asked for');
      return;
    }
    if (known?.hasBody === true) return;
    this.take(bytes, asked ? 'sync' : 'late', peer, (outcome) => {
      if (outcome === 'unwanted' || outcome.ok) return;
      this.#headers.blame(peer, outcome.error.rule, outcome.error.detail);
      if (!peer.dropped) this.#download.bodyUnusable(peer, hash);
    });
  }

  /** A block that was too new, at its time. */
  again(bytes: Uint8Array, peer: Peer | undefined): void {
    this.take(bytes, 'late', peer, () => undefined);
  }

  /**
   * Down the ladder as far as `context`. A small block, or one whose header decides, has its outcome in this step; a
   * big one is checked in pieces. `source`: the bytes, or a block put together from transactions that were parsed before.
   */
  take(source: BlockSource, way: Way, peer: Peer | undefined, done: (outcome: Outcome) => void): void {
    this.#queue.start(this.#taking(source, way, peer, done), sizeOf(source));
  }

  *#taking(
    source: BlockSource,
    way: Way,
    peer: Peer | undefined,
    done: (outcome: Outcome) => void,
  ): Steps<void> {
    const outcome = yield* this.#take(source, way, peer);
    if (outcome === 'unwanted') {
      done(outcome);
    } else if (outcome.ok) {
      this.#taken(outcome.value, way, peer);
      done(outcome);
    } else {
      this.refused(headOf(source), outcome.error, peer);
      done(outcome);
    }
  }

  #taken({ entry, isNew }: Taken, way: Way, peer: Peer | undefined): void {
    const from = peer?.id ?? 'self';
    if (peer !== undefined) this.#headers.knows(peer, entry);
    if (!isNew) return;
    this.#origin.set(entry.id, { peer: from, way });
    if (way === 'sync' || way === 'late') this.#passOn(entry, peer);
    this.#download.soon();
    this.#context.tell({
      kind: 'block',
      id: entry.id,
      prev: entry.parent?.id ?? '',
      height: entry.height,
      work: workHex(entry.work),
      miner: entry.miner,
      time: entry.header.time,
      txs: entry.txs,
      size: entry.size,
      from,
    });
  }

  /** Under GHOST what gossip did not bring is news for others too, on whatever branch it is. */
  #passOn(entry: BlockEntry, from: Peer | undefined): void {
    if (this.#context.chain.forkChoice !== 'ghost') return;
    const header = encodeHeader(entry.header);
    const { height, work } = entry;
    for (const peer of this.#context.peers.ready())
      if (peer !== from)
        this.#context.send(peer, { kind: 'tip', header, height, work, gossiped: false }, true);
  }

  *#take(source: BlockSource, way: Way, peer: Peer | undefined): Steps<Outcome> {
    const { chain, params, limits, reading } = this.#context;
    const size = sizeOf(source);
    if (size < HEADER_SIZE) return refuse('bad-encoding', 'a block of ' + size + ' bytes');
    const head = this.judgeHeader(headOf(source), way, peer, source);
    if (head === 'unwanted' || !head.ok) return head;
    const { hash, here, work } = head.value;
    if (here !== undefined) return ok({ entry: here, isNew: false });
    // Under GHOST no branch is beside the chain.
    const side = way !== 'own' && work <= chain.tip.work && chain.forkChoice !== 'ghost';
    // What we asked for was worth it when we asked.
    if (side && way !== 'sync' && !this.#context.side.hasRoom) return 'unwanted';
    this.#download.checking(hash, true);
    const sane = yield* reading.check(source, params, limits.checkBytesPerStep);
    this.#download.checking(hash, false);
    if (!sane.ok) {
      const known = chain.entry(hash);
      if (known !== undefined && ruleOf(sane.error.rule).condemns) chain.condemn(known.hash, sane.error.rule);
      return sane;
    }
    const added = chain.addBlock(sane.value, this.#context.wallS);
    if (side && added.ok && added.value.isNew) this.#context.side.store(size);
    return added;
  }

  /**
   * The rung `header`: 80 bytes and one hash decide before megabytes are looked at. `block`: the whole block, if that is
   * what came, to be kept if it is too new.
   */
  judgeHeader(
    head: Uint8Array,
    way: Way,
    peer: Peer | undefined,
    block?: BlockSource,
  ):
    | Checked<{
        readonly header: Header;
        readonly hash: Uint8Array;
        /** Of its whole branch. */
        readonly work: bigint;
        readonly here?: BlockEntry;
      }>
    | 'unwanted' {
    const { chain, wallS, reading } = this.#context;
    // The bytes that came, if some did: a reading may know them again. A block of ours has told it already.
    const { header, hash } =
      block === undefined || block instanceof Uint8Array ? reading.header(block ?? head) : block.block;
    const known = chain.entry(hash);
    if (known?.condemned !== undefined) return refuse('duplicate-invalid', known.condemned);
    if (known?.hasBody === true) return ok({ header, hash, work: known.work, here: known });
    const parent = chain.entry(header.prev);
    if (parent === undefined) {
      const pow = this.#headers.claimsWork(header.bits, hash);
      if (!pow.ok) return pow;
      if (peer !== undefined) this.#headers.start(peer);
      return refuse('prev-blk-not-found', idOf(header.prev));
    }
    const judged = chain.judgeHeader(header, wallS, parent, hash);
    if (!judged.ok) {
      const early = judged.error.rule === 'time-too-new' && peer !== undefined;
      if (early) this.#future.add(head.slice(), hash, peer.id, block && bytesOf(block).slice());
      return judged;
    }
    const pushed = known === undefined && way !== 'own' && peer !== undefined;
    if (pushed && !this.#headers.worthEntry(judged.value.work, peer)) return 'unwanted';
    return ok({ header, hash, work: judged.value.work });
  }

  /** News of a refusal; `head` is what there is of the header. */
  refused(head: Uint8Array, { rule, detail }: Refusal, peer: Peer | undefined): void {
    // Neither is news: the one is answered by header sync, the other was told when it was condemned.
    if (rule === 'prev-blk-not-found' || rule === 'duplicate-invalid') return;
    const whole = head.length === HEADER_SIZE;
    const id = whole ? idOf(headerHash(head)) : '';
    const parent = whole ? this.#context.chain.entry(head.subarray(4, 36)) : undefined;
    const height = parent === undefined ? 0 : parent.height + 1;
    this.#context.tellRefusal({ kind: 'refused', id, height, rule, detail, from: peer?.id ?? 'self' });
  }

  /** It passed `context` and failed `connect`: the block is condemned; who is to blame depends on who asked. */
  failed(entry: BlockEntry, refusal: Refusal): void {
    const { rule, detail } = refusal;
    const origin = this.#origin.get(entry.id);
    const from = origin?.peer ?? 'self';
    this.#context.tellRefusal({ kind: 'refused', id: entry.id, height: entry.height, rule, detail, from });
    const peer = origin === undefined ? undefined : this.#context.peers.get(origin.peer);
    if (peer === undefined) return;
    peer.blocksRefused++;
    if (origin?.way === 'sync') this.#context.fault(peer, 'bad-connect', rule + ': ' + detail);
  }

  /** Mined or submitted here, in this life of the process. */
  isOwn(entry: BlockEntry): boolean {
    return this.#origin.get(entry.id)?.way === 'own';
  }

  wasAccepted(entry: BlockEntry): boolean {
    return this.#accepted.has(entry.id);
  }

  wasPublished(entry: BlockEntry): boolean {
    return this.#published.has(entry.id);
  }

  /**
   * Makes one of our own blocks public: whole, or in the compact form where that is much shorter. What is too large for
   * gossip even so is pulled by those who hear of its header.
   */
  publish(entry: BlockEntry, block: Block): void {
    const { limits } = this.#context;
    if (this.#published.has(entry.id)) return;
    const short = block.size >= limits.compactFromBytes && 2 * compactSize(block) <= block.size;
    const bytes = short ? encodeCompact(block, this.#nonce()) : block.bytes;
    if (bytes.length > limits.maxGossipBytes) return;
    this.#published.set(entry.id, true);
    this.#context.effect({ kind: 'publish', topic: 'block', bytes });
  }

  #nonce(): Uint8Array {
    const nonce = new Uint8Array(8);
    writeU32LE(nonce, 0, this.#context.random.u32());
    writeU32LE(nonce, 4, this.#context.random.u32());
    return nonce;
  }

  #overBudget(peer: Peer): boolean {
    return peer.blocksRefused >= this.#context.limits.badConnectBudget;
  }

  #hold(ticket: Ticket, entry: BlockEntry): void {
    const { limits, now, chain } = this.#context;
    if (this.#held.length >= limits.heldVerdicts || !chain.connecting) this.#judge(ticket, 'ignore');
    else this.#held.push({ ticket, entry, until: now + limits.heldVerdictTimeout });
  }

  /** After a piece of connecting, and at timeouts: the held verdicts that can be given now. */
  settle(): void {
    if (this.#held.length === 0) return;
    const { chain, now } = this.#context;
    const waiting: Held[] = [];
    for (const held of this.#held) {
      if (chain.isActive(held.entry)) {
        this.#accepted.set(held.entry.id, true);
        this.#judge(held.ticket, 'accept');
      } else if (held.entry.condemned !== undefined || !chain.connecting || held.until <= now) {
        this.#judge(held.ticket, 'ignore');
      } else {
        waiting.push(held);
      }
    }
    this.#held = waiting;
  }

  tick(): void {
    this.settle();
  }

  due(): Micros {
    return this.#held[0]?.until ?? NEVER;
  }

  #judge(ticket: Ticket, verdict: GossipVerdict): void {
    this.#context.effect({ kind: 'judge', ticket, verdict });
  }
}
