import type { Block } from '../../bitcoin/block.ts';
import type { Header } from '../../bitcoin/header.ts';
import { type OutPoint, outpointKey } from '../../bitcoin/tx.ts';
import { idOf } from '../../util/bytes.ts';
import type { Params } from '../params/params.ts';
import { nextBits } from '../params/retarget.ts';
import type { Coin, CoinsView } from '../store/coin.ts';
import { StoreDamage } from '../store/damage.ts';
import { decodeTxPlace, txKey } from '../store/records.ts';
import { competes } from '../tree/fork-choice.ts';
import { ancestorAt, type BlockEntry, type BlockTree, type TreeEntry } from '../tree/tree.ts';
import { type ChainTip, chainTips, findFork, locatorOf } from '../tree/walk.ts';
import type { SpendContext } from '../validate/spend.ts';
import type { ChainStore, CoinCacheFigures } from './chain-store.ts';

/**
 * What there is to see of a chain: the tree, the active chain through it, and the coins at its tip. `Chain` changes it.
 * Everything here may be called between two steps (while the chain is `ahead`, only what reads no coins and no index from the
 * store), and `coinsView` apart it leaves no trace.
 */
export class ChainReader {
  readonly params: Params;
  protected readonly store: ChainStore;
  protected readonly tree: BlockTree;
  /** The active chain by height. */
  protected readonly active: TreeEntry[] = [];

  protected constructor(params: Params, store: ChainStore, tree: BlockTree) {
    this.params = params;
    this.store = store;
    this.tree = tree;
  }

  get genesis(): BlockEntry {
    return this.tree.genesis;
  }

  get tip(): BlockEntry {
    return this.activeTip;
  }

  protected get activeTip(): TreeEntry {
    return this.active[this.active.length - 1]!;
  }

  /** Most work of all headers that are not condemned. */
  get bestHeader(): BlockEntry {
    return this.tree.bestHeader;
  }

  entry(hash: Uint8Array): BlockEntry | undefined {
    return this.tree.get(hash);
  }

  /** Every block known, each parent before its children. */
  entries(): Iterable<BlockEntry> {
    return this.tree.entries();
  }

  atHeight(height: number): BlockEntry | undefined {
    return this.active[height];
  }

  isActive(entry: BlockEntry): boolean {
    return this.active[entry.height] === entry;
  }

  /** Core: getchaintips. The highest first, then by id. */
  tips(): readonly ChainTip[] {
    return chainTips(this.tree.leaves(), this.activeTip);
  }

  /** Hashes from `from` (the tip) down, ever sparser. Core: GetLocator. */
  locator(from: BlockEntry = this.activeTip): Uint8Array[] {
    return locatorOf(from);
  }

  /** The first hash of a locator that is on the active chain; the genesis if none is. Core: FindForkInGlobalIndex. */
  findFork(locator: readonly Uint8Array[]): BlockEntry {
    return findFork(this, locator);
  }

  /** Headers of the active chain above `entry`; none if it is not on it. */
  headersAfter(entry: BlockEntry, max: number): Header[] {
    if (!this.isActive(entry)) return [];
    return this.active.slice(entry.height + 1, entry.height + 1 + max).map((e) => e.header);
  }

  /** Headers of all branches above a height whose bodies are here, parents first: what GHOST weighs. */
  treeAbove(height: number, max: number): Header[] {
    // The whole tree is gone through: a branch may have left the chain far below and still grow.
    const above = [...this.tree.entries()].filter((e) => e.height > Math.max(0, height) && competes(e));
    above.sort((a, b) => a.height - b.height || (a.id < b.id ? -1 : 1));
    return above.slice(0, max).map((e) => e.header);
  }

  /** The whole block, if its body is here: parsed from disk, so not for many at once. */
  block(of: BlockEntry | Uint8Array): Block | undefined {
    const entry = of instanceof Uint8Array ? this.tree.get(of) : of;
    return entry?.hasBody ? this.store.body(entry) : undefined;
  }

  /** The bytes of a block, if its body is here: what a peer is served. */
  blockBytes(entry: BlockEntry): Uint8Array | undefined {
    return entry.hasBody ? this.store.bodyBytes(entry) : undefined;
  }

  /** The coins that an active block spent, in order of its inputs. */
  undo(entry: BlockEntry): readonly Coin[] | undefined {
    if (!this.isActive(entry)) return undefined;
    return entry.height === 0 ? [] : this.store.undo(entry);
  }

  /** A coin of the active tip. Leaves no trace: for those who look in between steps. */
  coin(outpoint: OutPoint): Coin | undefined {
    return this.store.peekCoin(outpoint);
  }

  /** How the bounded cache of coins does. */
  get coinCache(): CoinCacheFigures {
    return this.store.coinCache;
  }

  /** The coins of the active tip, for use inside a step: reads fill the cache that connecting reads from. */
  coinsView(): CoinsView {
    return { get: (outpoint) => this.store.lookup(outpointKey(outpoint)) };
  }

  /** Where a transaction of the active chain is. */
  txPlace(txid: Uint8Array): { readonly entry: BlockEntry; readonly position: number } | undefined {
    const value = this.store.get(txKey(txid));
    if (value === undefined) return undefined;
    const place = decodeTxPlace(value);
    const entry = place === undefined ? undefined : this.tree.get(place.blockHash);
    if (place === undefined || entry === undefined)
      throw new StoreDamage('transaction index', `the place of transaction ${idOf(txid)} is in no block`);
    return { entry, position: place.position };
  }

  /** A loose transaction is judged as if in the next block on the tip. */
  spendContext(): SpendContext {
    const tip = this.activeTip;
    return {
      height: tip.height + 1,
      medianTime: tip.medianTime,
      medianTimeAt: (height) => ancestorAt(tip, height).medianTime,
      where: 'mempool',
      maturity: this.params.maturity,
    };
  }

  /** The bits of a block on `parent`. */
  nextBits(parent: BlockEntry = this.activeTip): number {
    return nextBits(parent, this.params);
  }

  /** The median time past that a block on `parent` must exceed, and the earliest time that it may honestly have. */
  nextTimes(parent: BlockEntry = this.activeTip): { readonly medianTime: number; readonly earliest: number } {
    return { medianTime: parent.medianTime, earliest: Math.max(parent.header.time, parent.medianTime + 1) };
  }

  /** The time of a template: now, but never before its parent's. */
  nextTime(wallS: number, parent: BlockEntry = this.activeTip): number {
    return Math.max(wallS, this.nextTimes(parent).earliest);
  }
}
