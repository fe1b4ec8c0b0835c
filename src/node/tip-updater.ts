import { encodeHeader } from '../bitcoin/header.ts';
import type { TipChange } from '../consensus/chain/commit.ts';
import type { Refusal } from '../consensus/params/rules.ts';
import { type BlockEntry, isAncestor } from '../consensus/tree/tree.ts';
import type { BlockRef } from '../events/events.ts';
import { BoundedMap } from '../util/bounded-map.ts';
import { equal } from '../util/bytes.ts';
import { Pace, type Steps } from '../util/steps.ts';
import type { BlockIntake } from './blocks/intake.ts';
import type { LostTx, PoolChange, RemovedTx } from './mempool/mempool.ts';
import type { Mining } from './mining/mining.ts';
import type { TxRelay } from './relay/tx-relay.ts';
import { type StepContext, workHex } from './step-context.ts';
import type { Download } from './sync/download.ts';
import { type CommandResult, type Micros, NEVER, type Ticket } from './types.ts';

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
export class TipUpdater {
  readonly #context: StepContext;
  readonly #blocks: BlockIntake;
  readonly #download: Download;
  readonly #relay: TxRelay;
  readonly #mining: Mining;
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

  constructor(
    context: StepContext,
    parts: { blocks: BlockIntake; download: Download; relay: TxRelay; mining: Mining },
  ) {
    this.#context = context;
    this.#blocks = parts.blocks;
    this.#download = parts.download;
    this.#relay = parts.relay;
    this.#mining = parts.mining;
    this.#refusals = new BoundedMap(context.limits.keptRefusals);
    this.#submitted = new BoundedMap(context.limits.keptRefusals);
  }

  due(): Micros {
    const { chain, mempool, now } = this.#context;
    if (this.#settling !== undefined) return now;
    if (chain.connecting) return this.#connectAt();
    return mempool.pending || this.#waiting.length > 0 || this.#announce ? now : NEVER;
  }

  /**
   * At once, but for an initial sync: there every tip costs a disk sync, and blocks come faster than a disk can do
   * those, so they gather for a moment and become the tip together.
   */
  #connectAt(): Micros {
    const { chain, limits, now, initialSync } = this.#context;
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
    const { chain, mempool, limits, now, wallS } = this.#context;
    if (this.#settling !== undefined) {
      this.#settlePiece();
    } else if (chain.connecting) {
      if (this.#connectAt() <= now) this.#piece();
    } else if (mempool.pending) {
      const change = mempool.readmit(limits.readmitWeightPerStep, now, wallS);
      this.#tellPool(change);
      for (const tx of change.returned) this.#relay.returned(tx);
      this.#mining.poolChanged();
    }
    if (!chain.connecting && this.#settling === undefined) this.#rest();
  }

  /** First thing in a step, whatever its input: the batch of the last one holds a tip that nobody has seen yet. */
  catchUp(): boolean {
    const change = this.#context.chain.catchUp();
    if (change === undefined) return false;
    this.#midway = false;
    this.#tipChanged(change);
    this.#blocks.settle();
    if (!this.#context.chain.connecting && this.#settling === undefined) this.#rest();
    return true;
  }

  #piece(): void {
    const { chain, limits } = this.#context;
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
        this.#blocks.failed(result.entry, result.refusal);
        this.#download.soon();
        break;
    }
    this.#blocks.settle();
  }

  /** Nothing to connect: whoever waited hears, and the peers hear of the new tip. */
  #rest(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { ticket, entry, result } of waiting) {
      const refusal = entry?.condemned === undefined ? undefined : this.#refusalOf(entry);
      this.#context.effect({
        kind: 'answer',
        ticket,
        result: refusal === undefined ? result : { kind: 'refused', refusal },
      });
    }
    if (this.#announce) this.#announceTip();
    this.#announce = false;
    this.#mining.rested();
  }

  #refusalOf(entry: BlockEntry): Refusal {
    return this.#refusals.get(entry.id) ?? { rule: entry.condemned ?? 'bad-prevblk', detail: entry.id };
  }

  /**
   * The tip has moved: what follows from it, in pieces when the blocks are big or many. Until it is done the miner works on
   * an empty block, and nobody is told of the tip.
   */
  #tipChanged(change: TipChange): void {
    const { now, limits, mempool } = this.#context;
    this.#tipAt = now;
    const bytes = change.inEntries.concat(change.outEntries).reduce((sum, { size }) => sum + size, 0);
    this.#settling = this.#settle(change);
    if (bytes <= limits.settleBytesAtOnce) this.#settlePiece();
    if (this.#settling === undefined) return;
    mempool.begin(change);
    this.#mining.tipChanged();
  }

  #settlePiece(): void {
    if (this.#settling?.next().done === true) this.#settling = undefined;
  }

  *#settle(change: TipChange): Steps<void> {
    const { mempool, limits, now, wallS } = this.#context;
    const pace = new Pace(limits.settleWeightPerStep);
    const lost: LostTx[] = [];
    const removed: RemovedTx[] = [];
    for (const entry of change.outEntries) {
      this.#context.tell({ kind: 'disconnected', id: entry.id, height: entry.height, miner: entry.miner });
    }
    yield* mempool.disconnected(change, now, wallS, lost, pace);
    this.#relay.tipChanged();
    for (const entry of change.inEntries) {
      const block = change.blockOf(entry);
      yield* mempool.connected(block, entry, lost, removed, pace);
      this.#relay.blockConnected(block);
      const txids = block.txs.slice(0, limits.newsTxids).map((tx) => tx.id);
      this.#context.tell({
        kind: 'connected',
        id: entry.id,
        height: entry.height,
        miner: entry.miner,
        txids,
      });
      if (this.#submitted.delete(entry.id)) this.#blocks.publish(entry, block);
    }
    mempool.settled(change, this.#context.now);
    this.#settling = undefined;
    this.#mining.tipChanged();
    if (!this.#blocks.wasAccepted(change.tip)) this.#announce = true;
    this.#tellTip(change);
    this.#tellPool({ returned: [], lost, removed });
    this.#download.soon();
  }

  #tellTip(change: TipChange): void {
    const { limits } = this.#context;
    const { tip, old, fork, because } = change;
    const { id, height, miner, work } = tip;
    this.#context.tell({ kind: 'tip', id, height, work: workHex(work), miner, old: old.id, because });
    if (change.outEntries.length === 0) return;
    this.#context.tell({
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
    for (const tx of change.returned) this.#context.tell({ kind: 'tx-returned', txid: tx.id });
    for (const lost of change.lost) this.#context.tell({ kind: 'tx-lost', ...lostNews(lost) });
    for (const { entry, why, by } of change.removed) {
      const txid = entry.tx.id;
      this.#context.tell(
        by === undefined ? { kind: 'tx-removed', txid, why } : { kind: 'tx-removed', txid, why, by: by.id },
      );
    }
  }

  #announceTip(): void {
    const { chain, peers } = this.#context;
    const { tip } = chain;
    const header = encodeHeader(tip.header);
    const gossiped = this.#blocks.wasPublished(tip);
    // What somebody else announced needs no durability here; our own block must not be heard of before it is on disk.
    const early = !this.#blocks.isOwn(tip);
    // Also those whose hello is still on its way: ours, with the old tip, has gone out before this.
    for (const peer of peers.all()) {
      // Whoever told us of this very block, or of one above it, needs no reminder.
      if (equal(peer.tip, tip.hash) || (peer.best !== undefined && isAncestor(tip, peer.best))) continue;
      this.#context.send(peer, { kind: 'tip', header, height: tip.height, work: tip.work, gossiped }, early);
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
