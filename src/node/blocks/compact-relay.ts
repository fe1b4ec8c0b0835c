import { DecodeError, Reader } from '../../bitcoin/codec.ts';
import { readTx, type Tx } from '../../bitcoin/tx.ts';
import { ruleOf } from '../../consensus/params/rules.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import { idOf, keyOf } from '../../util/bytes.ts';
import { Pace, type Steps } from '../../util/steps.ts';
import type { Peer } from '../peers/peers.ts';
import type { StepContext } from '../step-context.ts';
import type { Download } from '../sync/download.ts';
import type { HeaderSync } from '../sync/headers.ts';
import { type Micros, NEVER, type Ticket } from '../types.ts';
import type { CompactCounts } from '../view.ts';
import { announcedHeader, type Compact, decodeCompact, Reconstruction } from '../wire/compact.ts';
import type { Message } from '../wire/messages.ts';
import type { WorkQueue } from '../work-queue.ts';
import type { BlockIntake, Outcome } from './intake.ts';

interface Announced {
  readonly peer: Peer;
  readonly compact: Compact;
  /** Gossip waits for its verdict; undefined once it has one. */
  ticket: Ticket | undefined;
}

/** An announced block whose transactions are looked for. */
interface Pending extends Announced {
  readonly judgeBy: Micros;
  readonly parts: Reconstruction;
  /** The missing transactions were asked of the peer, and must be here by then. */
  until: Micros | undefined;
  /** How many were asked for; 0: they have come, or none were missing. */
  asked: number;
}

/** What it costs to make one short id and look for it, in bytes hashed. */
const MATCH_WORK = 20;
/** Of the pool, between two looks at the pace. */
const MATCHED_AT_ONCE = 256;

/**
 * Blocks that come as header and short ids (node/wire/compact.ts). What the mempool has is taken from there, the rest is asked of
 * the announcer, who has the whole block, or he would not have passed it on. Anything that does not fit (two equal ids, a
 * wrong transaction under a right id, no answer) is nobody's fault and ends in asking for the whole block: short ids
 * may collide, so only the merkle root and the witness commitment say whether the block is the right one.
 */
export class CompactRelay {
  readonly #context: StepContext;
  readonly #blocks: BlockIntake;
  readonly #headers: HeaderSync;
  readonly #download: Download;
  readonly #queue: WorkQueue;
  readonly #pending = new Map<string, Pending>();
  /** Blocks that did not come together: no further announcement of them is tried. Never iterated. */
  readonly #failed: BoundedMap<string, true>;
  #counts = { announced: 0, atOnce: 0, fetched: 0, txsFetched: 0, whole: 0 };

  constructor(
    context: StepContext,
    parts: { blocks: BlockIntake; headers: HeaderSync; download: Download; queue: WorkQueue },
  ) {
    this.#context = context;
    this.#blocks = parts.blocks;
    this.#headers = parts.headers;
    this.#download = parts.download;
    this.#queue = parts.queue;
    this.#failed = new BoundedMap(context.limits.compactFailed);
  }

  get counts(): CompactCounts {
    return { ...this.#counts };
  }

  /** Announced blocks that are on their way. */
  get size(): number {
    return this.#pending.size;
  }

  gossip(peer: Peer, ticket: Ticket, bytes: Uint8Array): void {
    const { limits, now } = this.#context;
    // 80 bytes and one hash decide before a megabyte of ids and transactions is read.
    const head = announcedHeader(bytes);
    if (head === undefined) {
      this.#malformed(peer, ticket, bytes.length + ' bytes');
      return;
    }
    const judged = this.#blocks.judgeHeader(head, 'gossip', peer);
    if (judged === 'unwanted' || !judged.ok) {
      if (judged !== 'unwanted') this.#blocks.refused(head, judged.error, peer);
      this.#blocks.verdict(peer, ticket, judged, bytes);
      return;
    }
    const { here } = judged.value;
    if (here !== undefined) {
      this.#headers.knows(peer, here);
      // Nobody compares these ids with the block: passing them on would answer for what anybody can make up.
      this.#context.effect({ kind: 'judge', ticket, verdict: 'ignore' });
      return;
    }
    const decoded = decodeCompact(bytes, limits);
    if (!decoded.ok) {
      this.#malformed(peer, ticket, decoded.error.what + ' at byte ' + decoded.error.at);
      return;
    }
    const compact = decoded.value;
    this.#counts.announced++;
    const key = keyOf(compact.hash);
    const announced: Announced = { peer, compact, ticket };
    // Anybody can make a new announcement under an honest header: one is tried, once.
    if (this.#pending.has(key)) {
      // Should the first announcer not deliver, this one is known to have the block.
      this.#judgeIgnore(announced);
      this.#enter(announced);
    } else if (this.#failed.has(key) || this.#pending.size >= limits.compactPending) {
      this.#fetchWhole(announced);
    } else {
      const judgeBy = now + limits.heldVerdictTimeout;
      const pending: Pending = {
        ...announced,
        ...{ judgeBy, parts: new Reconstruction(compact), until: undefined, asked: 0 },
      };
      this.#pending.set(key, pending);
      this.#download.grace(compact.hash, pending.judgeBy);
      this.#queue.start(this.#match(pending), bytes.length);
    }
  }

  #malformed(peer: Peer, ticket: Ticket, what: string): void {
    const error = { rule: 'bad-encoding', detail: 'compact block: ' + what } as const;
    this.#blocks.verdict(peer, ticket, { ok: false, error }, new Uint8Array());
  }

  /** Looks through the mempool; then the block is whole, or what is missing is asked for. */
  *#match(pending: Pending): Steps<void> {
    const { mempool, limits } = this.#context;
    const pace = new Pace(limits.checkBytesPerStep);
    yield* pending.parts.prefill(pace);
    if (!pending.parts.ambiguous) {
      // From the last to the first: who leaves the pool between two pieces is replaced by the last, who was looked at.
      const { ids } = mempool;
      for (let to = ids.size; to > 0; ) {
        const from = Math.max(0, to - MATCHED_AT_ONCE);
        pending.parts.offer(ids, from, to);
        if (pace.due(MATCH_WORK * (to - from))) yield;
        to = Math.min(from, ids.size);
      }
    }
    const missing = pending.parts.missing();
    if (pending.parts.ambiguous) this.#giveUp(pending);
    else if (missing.length > 0) this.#ask(pending, missing);
    else {
      this.#counts.atOnce++;
      this.#whole(pending);
    }
  }

  #ask(pending: Pending, indexes: readonly number[]): void {
    const { limits, now } = this.#context;
    const { peer } = pending;
    const { hash } = pending.compact;
    if (peer.dropped || !this.#enter(pending)) {
      this.#giveUp(pending);
      return;
    }
    // How far away it is, the peer itself has told by its delays: that must not keep the block from us for long.
    const way = Math.min(peer.roundTripNow(now, limits), limits.compactRoundTrip);
    pending.until = now + limits.compactTimeout + way;
    pending.asked = indexes.length;
    this.#download.grace(hash, pending.until);
    // A question promises nothing that must be on disk.
    this.#context.send(peer, { kind: 'getblocktxs', hash, indexes }, true);
  }

  /** The answer to getblocktxs. */
  answer(peer: Peer, message: Message & { kind: 'blocktxs' }): void {
    const pending = this.#pending.get(keyOf(message.hash));
    if (pending?.peer !== peer || pending.asked === 0) {
      // One that came too late is no offence.
      if (this.#context.chain.entry(message.hash) === undefined)
        this.#context.fault(peer, 'unrequested', 'transactions of a block that nobody asked for');
      return;
    }
    if (message.count === 0 && message.bytes.length === 0) {
      this.#giveUp(pending);
      return;
    }
    if (message.count !== pending.asked) {
      const detail = message.count + ' transactions of a block for ' + pending.asked + ' asked for';
      this.#giveUp(pending);
      this.#context.fault(peer, 'malformed-frame', detail);
      return;
    }
    this.#counts.fetched++;
    this.#counts.txsFetched += message.count;
    pending.asked = 0;
    pending.until = undefined;
    this.#queue.start(this.#read(pending, message), message.bytes.length);
  }

  *#read(pending: Pending, { count, bytes }: Message & { kind: 'blocktxs' }): Steps<void> {
    const pace = new Pace(this.#context.limits.checkBytesPerStep);
    const reader = new Reader(bytes);
    const txs: Tx[] = [];
    try {
      while (txs.length < count) {
        const tx = readTx(reader);
        txs.push(tx);
        if (pace.due(tx.bytes.length)) yield;
      }
      reader.end();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#giveUp(pending);
      this.#context.fault(pending.peer, 'malformed-frame', 'transactions of a block: ' + error.message);
      return;
    }
    yield* pending.parts.fill(txs, pace);
    this.#whole(pending);
  }

  /** All transactions are here: is it the block that the header commits to? */
  #whole(pending: Pending): void {
    const { peer } = pending;
    const assembled = pending.parts.assembled();
    this.#blocks.take(assembled, 'gossip', peer, (outcome) => {
      if (isMismatch(outcome)) {
        this.#giveUp(pending);
        return;
      }
      this.#forget(pending);
      if (pending.ticket !== undefined) this.#blocks.verdict(peer, pending.ticket, outcome, assembled);
      else if (outcome !== 'unwanted' && !outcome.ok && ruleOf(outcome.error.rule).gossip === 'reject')
        this.#headers.blame(peer, outcome.error.rule, outcome.error.detail);
    });
  }

  #giveUp(pending: Pending): void {
    this.#failed.set(keyOf(pending.compact.hash), true);
    this.#forget(pending);
    this.#fetchWhole(pending);
  }

  /** Nobody is to blame: gossip hears `ignore`, and the whole block is asked for, of the announcer or of others. */
  #fetchWhole(announced: Announced): void {
    this.#counts.whole++;
    this.#judgeIgnore(announced);
    this.#download.grace(announced.compact.hash, 0);
    this.#enter(announced);
    this.#download.soon();
  }

  /** The header into the tree, so that its body can be asked for; false when that is no longer possible. */
  #enter({ peer, compact: { header, hash } }: Announced): boolean {
    const known = this.#context.chain.entry(hash);
    if (known === undefined) return this.#headers.enter(peer, header, hash).ok;
    this.#headers.knows(peer, known);
    return known.condemned === undefined;
  }

  #judgeIgnore(announced: Announced): void {
    if (announced.ticket !== undefined)
      this.#context.effect({ kind: 'judge', ticket: announced.ticket, verdict: 'ignore' });
    announced.ticket = undefined;
  }

  #forget(pending: Pending): void {
    const key = keyOf(pending.compact.hash);
    if (this.#pending.get(key) === pending) this.#pending.delete(key);
    pending.asked = 0;
    pending.until = undefined;
  }

  /** Verdicts that can wait no longer, and answers that do not come. */
  tick(): void {
    const { now } = this.#context;
    // By hash: what is done here in which order reaches the effects.
    for (const pending of this.#sorted()) {
      if (pending.judgeBy <= now) this.#judgeIgnore(pending);
      const gone = pending.peer.dropped && pending.asked > 0;
      if (gone || (pending.until !== undefined && pending.until <= now)) this.#giveUp(pending);
    }
  }

  #sorted(): Pending[] {
    if (this.#pending.size < 2) return [...this.#pending.values()];
    const named = [...this.#pending.values()].map((pending) => ({
      id: idOf(pending.compact.hash),
      pending,
    }));
    return named.sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ pending }) => pending);
  }

  due(): Micros {
    let due = NEVER;
    for (const { ticket, judgeBy, until, peer, asked } of this.#pending.values()) {
      if (peer.dropped && asked > 0) return this.#context.now;
      if (ticket !== undefined) due = Math.min(due, judgeBy);
      if (until !== undefined) due = Math.min(due, until);
    }
    return due;
  }
}

/** The transactions are not those of the header: a collision, or somebody's lie. Which one, nobody can tell. */
function isMismatch(outcome: Outcome): boolean {
  if (outcome === 'unwanted' || outcome.ok) return false;
  const { rung, condemns } = ruleOf(outcome.error.rule);
  return rung === 'check' && !condemns;
}
