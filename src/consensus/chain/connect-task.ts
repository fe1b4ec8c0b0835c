import { isUnspendable } from '../../bitcoin/lock.ts';
import { outpointKey } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import type { Params } from '../params/params.ts';
import type { Refusal } from '../params/rules.ts';
import type { Coin } from '../store/coin.ts';
import { CoinsOverlay } from '../store/coins.ts';
import { StoreDamage } from '../store/damage.ts';
import { decodeUndo, encodeUndo } from '../store/records.ts';
import { ancestorAt, isAncestor, type TreeEntry } from '../tree/tree.ts';
import type { SaneBlock } from '../validate/check.ts';
import {
  advanceBlock,
  type BlockProgress,
  beginBlock,
  type ConnectMeans,
  isWhole,
} from '../validate/connect-block.ts';
import { forgetChecks } from '../validate/spend.ts';
import type { Verify } from '../validate/verify.ts';
import type { ChainStore } from './chain-store.ts';
import type { Foresight } from './prefetch.ts';

/** What any block costs on top of its weight: reading it, its index rows. About 4,000 weight units' time. */
const BLOCK_OVERHEAD = 4_000;
/** Wire bytes of bodies that a task keeps parsed: a parsed body takes about ten times as much. */
const RECENT_BYTES = 4_000_000;
/** The block being connected. */
interface PartialBlock extends BlockProgress {
  readonly entry: TreeEntry;
  readonly block: SaneBlock;
}

function unfitting(entry: TreeEntry): StoreDamage {
  return new StoreDamage('undo', `the undo record of block ${entry.id} has not one coin for each input`);
}

export type TaskResult =
  | { readonly kind: 'more' }
  /** It stands on its goal, or on a whole chain before it that is worth writing. */
  | { readonly kind: 'arrived' }
  | { readonly kind: 'failed'; readonly entry: TreeEntry; readonly refusal: Refusal };

/**
 * The way from the stored tip to a better one: an overlay of coins, and how far it got. Nothing of it is on disk until
 * the chain writes all of it as one batch. The goal may change on the way; blocks connected here can be disconnected
 * here again, so the way always goes on from where it stands.
 */
export class ConnectTask {
  readonly from: TreeEntry;
  readonly overlay: CoinsOverlay;
  /** Txids of all blocks that were disconnected or connected on the way; their bodies are too large to be kept. */
  readonly txids = new Map<TreeEntry, readonly Uint8Array[]>();
  /** Undo records of the blocks that were connected here. */
  readonly undo = new Map<TreeEntry, Uint8Array>();
  /** The last few bodies, for whoever asks for them when the tip has moved. */
  readonly #recent = new Map<TreeEntry, SaneBlock>();
  #recentBytes = 0;
  /** The last whole block: the overlay is its coins, plus those of `partial`. */
  at: TreeEntry;
  goal: TreeEntry;
  partial: PartialBlock | undefined;
  #weight = 0;
  readonly #params: Params;
  readonly #store: ChainStore;
  readonly #foresight: Foresight;
  readonly #means: ConnectMeans;

  constructor(
    from: TreeEntry,
    goal: TreeEntry,
    o: { params: Params; store: ChainStore; verify: Verify; foresight: Foresight },
  ) {
    this.from = from;
    this.at = from;
    this.goal = goal;
    this.overlay = new CoinsOverlay(o.store);
    this.#params = o.params;
    this.#store = o.store;
    this.#foresight = o.foresight;
    this.#means = {
      overlay: this.overlay,
      params: o.params,
      verify: o.verify,
      checks: (tx, coins) => o.foresight.checks(tx, coins),
    };
  }

  retarget(goal: TreeEntry): void {
    this.goal = goal;
    const { partial } = this;
    if (partial !== undefined && !isAncestor(partial.entry, goal)) this.#dropPartial();
  }

  #dropPartial(): void {
    this.overlay.rollback();
    this.partial = undefined;
  }

  /**
   * Goes on for about `budget` weight units, at least one unit of work. When nothing had to be disconnected it stops
   * at a whole block once `pieceWeight` has gathered, so that a long sync is written in bounded pieces.
   */
  step(budget: number, pieceWeight: number): TaskResult {
    for (let left = budget; left > 0; ) {
      if (this.at === this.goal) return { kind: 'arrived' };
      if (this.#weight >= pieceWeight && this.#extendsTip()) return { kind: 'arrived' };
      let cost: number;
      if (!isAncestor(this.at, this.goal)) {
        cost = this.#disconnect();
      } else {
        const partial = this.#begin();
        cost = partial.next === 0 ? BLOCK_OVERHEAD : 0;
        const done = advanceBlock(partial, left - cost, this.#means);
        if (typeof done !== 'number') {
          this.#dropPartial();
          return { kind: 'failed', entry: partial.entry, refusal: done };
        }
        if (isWhole(partial)) this.#end(partial);
        cost += done;
      }
      left -= cost;
      this.#weight += cost;
    }
    return this.at === this.goal ? { kind: 'arrived' } : { kind: 'more' };
  }

  /** It stands between two blocks, and they only add to the stored chain. */
  #extendsTip(): boolean {
    return this.partial === undefined && this.at.height > this.from.height && isAncestor(this.from, this.at);
  }

  /** Takes the last block off the overlay. Core: DisconnectBlock. */
  #disconnect(): number {
    const entry = this.at;
    assert(entry.parent !== undefined, 'the genesis block is never disconnected');
    const block = this.block(entry);
    const undo = this.#undoOf(entry);
    let last = undo.length;
    for (let t = block.txs.length - 1; t >= 0; t--) {
      const tx = block.txs[t]!;
      for (let o = 0; o < tx.outputs.length; o++) {
        const { value, script } = tx.outputs[o]!;
        if (isUnspendable(script)) continue;
        const coin = { value, script, height: entry.height, coinbase: t === 0 };
        this.overlay.spend(outpointKey({ txid: tx.txid, index: o }), coin);
      }
      if (t === 0) continue;
      for (let i = tx.inputs.length - 1; i >= 0; i--) {
        const coin = undo[--last];
        if (coin === undefined) throw unfitting(entry);
        this.overlay.add(outpointKey(tx.inputs[i]!.prevout), coin);
      }
    }
    if (last !== 0) throw unfitting(entry);
    this.overlay.mark();
    this.undo.delete(entry);
    this.#keep(entry, block);
    this.at = entry.parent;
    return block.weight + BLOCK_OVERHEAD;
  }

  /** A block on the way, from memory or from the disk. */
  block(entry: TreeEntry): SaneBlock {
    return this.#recent.get(entry) ?? this.#store.body(entry);
  }

  #undoOf(entry: TreeEntry): readonly Coin[] {
    const made = this.undo.get(entry);
    if (made === undefined) return this.#store.undo(entry);
    const coins = decodeUndo(made);
    assert(coins !== undefined, 'an undo record made here is whole');
    return coins;
  }

  #keep(entry: TreeEntry, block: SaneBlock): void {
    this.txids.set(
      entry,
      block.txs.map((tx) => tx.txid),
    );
    if (this.#recent.has(entry)) return;
    if (this.#recentBytes + block.size > RECENT_BYTES) {
      this.#recent.clear();
      this.#recentBytes = 0;
    }
    this.#recent.set(entry, block);
    this.#recentBytes += block.size;
  }

  #begin(): PartialBlock {
    if (this.partial !== undefined) return this.partial;
    const parent = this.at;
    const entry = ancestorAt(this.goal, parent.height + 1) as TreeEntry;
    const block = this.#recent.get(entry) ?? this.#store.body(entry, this.#foresight.parsed(entry));
    this.overlay.mark();
    this.partial = { ...beginBlock(block, parent, this.#params), entry, block };
    return this.partial;
  }

  #end({ entry, block, undo }: PartialBlock): void {
    this.undo.set(entry, encodeUndo(undo));
    for (const tx of block.txs) forgetChecks(tx);
    this.#keep(entry, block);
    this.overlay.mark();
    this.partial = undefined;
    this.at = entry;
    this.#foresight.passed(entry);
  }
}
