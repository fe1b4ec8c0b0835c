import { encodeHeader } from '../bitcoin/header.ts';
import type { TipChange } from '../consensus/batch.ts';
import type { BlockRef } from '../consensus/news.ts';
import type { Refusal } from '../consensus/rules.ts';
import { type BlockEntry, isAncestor } from '../consensus/tree.ts';
import { BoundedMap } from '../util/bounded-map.ts';
import { equal } from '../util/bytes.ts';
import { Pace, type Steps } from '../util/steps.ts';
import { type Core, NEVER, workHex } from './core.ts';
import type { LostTx, PoolChange, RemovedTx } from './mempool-change.ts';
import type { CommandResult, Micros, Ticket } from './types.ts';

/** A caller waits to hear how connecting ends. */
interface Waiting {
  readonly ticket: Ticket;
  /** Refused with its block, if that is condemned meanwhile. */
  readonly entry: BlockEntry | undefined;
  readonly result: CommandResult;
}

/**
 * Connecting, one bounded piece a step, and all that follows from a new tip: mempool, job, news, announcement, and the
 * answers of those who wait for it.
 */
export class Connector {
  readonly #core: Core;
  #waiting: Waiting[] = [];
  /** The tip changed other than by an accepted gossip message: every peer hears its header, once, when we are done. */
  #announce = false;
  /** A task is under way: it goes on at once. */
  #midway = false;
  #tipAt: Micros = 0;
  #settling: Steps<void> | undefined;
  /** Why the last blocks were refused in connect, for callers who wait for them. */
  readonly #refusals: BoundedMap<string, Refusal>;
  /** Submitted by a local caller: published when they become the tip. */
  readonly #submitted: BoundedMap<string, true>;

  constructor(core: Core) {
    this.#core = core;
    this.#refusals = new BoundedMap(core.limits.keptRefusals);
    this.#submitted = new BoundedMap(core.limits.keptRefusals);
  }

  due(): Micros {
    const { chain, mempool, now } = this.#core;
    if (this.settling) return now;
    if (chain.connecting) return this.#connectAt();
    return mempool.pending || this.#waiting.length > 0 || this.#announce ? now : NEVER;
  }

  /**
   * At once, but for an initial sync: there every tip costs a disk sync, and blocks come faster than a disk can do
   * those, so they gather for a moment and become the tip together.
   */
  #connectAt(): Micros {
    const { chain, limits, now, initialSync } = this.#core;
    const urgent = this.#midway || this.#waiting.length > 0 || !initialSync;
    if (urgent || chain.goal.height - chain.tip.height >= limits.syncGatherBlocks) return now;
    return Math.max(now, this.#tipAt + limits.syncGather);
  }

  /** Answers `ticket` when connecting has come to rest: with the refusal of `entry`, or with `result`. */
  answerWhenDone(ticket: Ticket, entry: BlockEntry | undefined, result: CommandResult): void {
    this.#waiting.push({ ticket, entry, result });
  }

  /** Publishes this local caller's block once it is on the active chain. */
  publishWhenActive(entry: BlockEntry): void {
    this.#submitted.set(entry.id, true);
  }

  /** One piece of connecting; when there is none, one piece of what waits behind it. */
  tick(): void {
    const { chain, mempool, limits, now, wallS } = this.#core;
    if (this.settling) {
      this.#settlePiece();
    } else if (chain.connecting) {
      if (this.#connectAt() <= now) this.#piece();
    } else if (mempool.pending) {
      const change = mempool.readmit(limits.readmitWeightPerStep, now, wallS);
      this.#tellPool(change);
      for (const tx of change.returned) this.#core.parts.relay.returned(tx);
      this.#core.parts.mining.poolChanged();
    }
    if (!chain.connecting && !this.settling) this.#rest();
  }

  /** First thing in a step, whatever its input: the batch of the last one holds a tip that nobody has seen yet. */
  catchUp(): boolean {
    const change = this.#core.chain.catchUp();
    if (change === undefined) return false;
    this.#midway = false;
    this.#tipChanged(change);
    this.#core.parts.blocks.settle();
    if (!this.#core.chain.connecting && !this.settling) this.#rest();
    return true;
  }

  #piece(): void {
    const { chain, limits } = this.#core;
    const result = chain.connectPiece(limits.connectWeightPerStep, limits.batchAheadRows);
    this.#midway = result.kind === 'more' || result.kind === 'ahead';
    switch (result.kind) {
      case 'ahead':
        // Nothing else may show before it is on disk.
        return;
      case 'idle':
      case 'more':
        break;
      case 'tip':
        this.#tipChanged(result.change);
        break;
      case 'refused':
        this.#refusals.set(result.entry.id, result.refusal);
        this.#core.parts.blocks.failed(result.entry, result.refusal);
        this.#core.parts.download.soon();
        break;
    }
    this.#core.parts.blocks.settle();
  }

  /** Nothing to connect: whoever waited hears, and the peers hear of the new tip. */
  #rest(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { ticket, entry, result } of waiting) {
      const refusal = entry?.condemned === undefined ? undefined : this.#refusalOf(entry);
      this.#core.effect({
        kind: 'answer',
        ticket,
        result: refusal === undefined ? result : { kind: 'refused', refusal },
      });
    }
    if (this.#announce) this.#announceTip();
    this.#announce = false;
    this.#core.parts.mining.rested();
  }

  #refusalOf(entry: BlockEntry): Refusal {
    return this.#refusals.get(entry.id) ?? { rule: entry.condemned ?? 'bad-prevblk', detail: entry.id };
  }

  /**
   * The tip has moved: what follows from it, in pieces when the blocks are big or many. Until it is done the miner works on
   * an empty block, and nobody is told of the tip.
   */
  #tipChanged(change: TipChange): void {
    const { now, limits, parts, mempool } = this.#core;
    this.#tipAt = now;
    const bytes = change.inEntries.concat(change.outEntries).reduce((sum, { size }) => sum + size, 0);
    this.#settling = this.#settle(change);
    if (bytes <= limits.settleBytesAtOnce) this.#settlePiece();
    if (!this.settling) return;
    mempool.begin(change);
    parts.mining.tipChanged();
  }

  #settlePiece(): void {
    if (this.#settling?.next().done === true) this.#settling = undefined;
  }

  *#settle(change: TipChange): Steps<void> {
    const { mempool, limits, parts, now, wallS } = this.#core;
    const pace = new Pace(limits.settleWeightPerStep);
    const lost: LostTx[] = [];
    const removed: RemovedTx[] = [];
    for (const entry of change.outEntries) {
      this.#core.tell({ kind: 'disconnected', id: entry.id, height: entry.height, miner: entry.miner });
    }
    yield* mempool.disconnected(change, now, wallS, lost, pace);
    parts.relay.tipChanged();
    for (const entry of change.inEntries) {
      const block = change.blockOf(entry);
      yield* mempool.connected(block, entry, lost, removed, pace);
      parts.relay.blockConnected(block);
      const txids = block.txs.slice(0, limits.newsTxids).map((tx) => tx.id);
      this.#core.tell({ kind: 'connected', id: entry.id, height: entry.height, miner: entry.miner, txids });
      if (this.#submitted.delete(entry.id)) parts.blocks.publish(entry, block);
    }
    mempool.settled(change, this.#core.now);
    this.#settling = undefined;
    parts.mining.tipChanged();
    if (!parts.blocks.wasAccepted(change.tip)) this.#announce = true;
    this.#tellTip(change);
    this.#tellPool({ returned: [], lost, removed });
    parts.download.soon();
  }

  /** The pool is being brought to the new tip: it still holds what the tip has confirmed. */
  get settling(): boolean {
    return this.#settling !== undefined;
  }

  #tellTip(change: TipChange): void {
    const { limits } = this.#core;
    const { tip, old, fork, because } = change;
    const { id, height, miner, work } = tip;
    this.#core.tell({ kind: 'tip', id, height, work: workHex(work), miner, old: old.id, because });
    if (change.outEntries.length === 0) return;
    this.#core.tell({
      kind: 'reorg',
      fork: refOf(fork),
      depth: change.outEntries.length,
      length: change.inEntries.length,
      out: change.outEntries.slice(0, limits.newsRefs).map(refOf),
      in: change.inEntries.slice(0, limits.newsRefs).map(refOf),
      because,
    });
  }

  #tellPool(change: PoolChange): void {
    for (const tx of change.returned) this.#core.tell({ kind: 'tx-returned', txid: tx.id });
    for (const lost of change.lost) this.#core.tell({ kind: 'tx-lost', ...lostNews(lost) });
    for (const { entry, why, by } of change.removed) {
      const txid = entry.tx.id;
      this.#core.tell(
        by === undefined ? { kind: 'tx-removed', txid, why } : { kind: 'tx-removed', txid, why, by: by.id },
      );
    }
  }

  #announceTip(): void {
    const { chain, peers, parts } = this.#core;
    const { tip } = chain;
    const header = encodeHeader(tip.header);
    const gossiped = parts.blocks.wasPublished(tip);
    // What somebody else announced needs no durability here; our own block must not be heard of before it is on disk.
    const early = !parts.blocks.isOwn(tip);
    // Also those whose hello is still on its way: ours, with the old tip, has gone out before this.
    for (const peer of peers.all()) {
      // Whoever told us of this very block, or of one above it, needs no reminder.
      if (equal(peer.tip, tip.hash) || (peer.best !== undefined && isAncestor(tip, peer.best))) continue;
      this.#core.send(peer, { kind: 'tip', header, height: tip.height, work: tip.work, gossiped }, early);
    }
  }
}

function refOf(entry: BlockEntry): BlockRef {
  return { id: entry.id, height: entry.height, miner: entry.miner };
}

function lostNews({ tx, by, block }: LostTx): { txid: string; by?: string; block?: string } {
  return {
    txid: tx.id,
    ...(by === undefined ? {} : { by: by.id }),
    ...(block === undefined ? {} : { block: block.id }),
  };
}
