import { type OutPoint, outpointKey } from '../../bitcoin/tx.ts';
import type { Coin, CoinsView, KeyedCoins } from './coin.ts';
import { CoinSums } from './coin-sums.ts';

/**
 * Changes over a base, which stays untouched: what a reorg builds before its one batch.
 * Changes since `mark()` can be taken back, so that a failing block leaves the valid prefix as it was.
 */
export class CoinsOverlay implements CoinsView, KeyedCoins {
  readonly #base: KeyedCoins;
  /** null: spent here. */
  readonly #changes = new Map<string, Coin | null>();
  /** What each change since the mark replaced, in order; undefined: the overlay said nothing before. */
  #journal: { readonly key: string; readonly before: Coin | null | undefined }[] = [];
  /** What the changes add to the sums of the base, and what they added at the mark. */
  readonly sums = new CoinSums();
  readonly #marked = new CoinSums();

  constructor(base: KeyedCoins) {
    this.#base = base;
  }

  get size(): number {
    return this.#changes.size;
  }

  get(outpoint: OutPoint): Coin | undefined {
    return this.lookup(outpointKey(outpoint));
  }

  lookup(key: string): Coin | undefined {
    const own = this.#changes.get(key);
    if (own !== undefined) return own ?? undefined;
    return this.#base.lookup(key);
  }

  /** What this overlay itself says: null for a spent coin, undefined if only the base knows. */
  own(key: string): Coin | null | undefined {
    return this.#changes.get(key);
  }

  add(key: string, coin: Coin): void {
    this.#journal.push({ key, before: this.#changes.get(key) });
    this.#changes.set(key, coin);
    this.sums.add(key, coin);
  }

  /** `coin`: the one that is spent, as `lookup` answers it. */
  spend(key: string, coin: Coin): void {
    this.#journal.push({ key, before: this.#changes.get(key) });
    this.#changes.set(key, null);
    this.sums.subtract(key, coin);
  }

  /** From here on changes can be taken back; those before stand. */
  mark(): void {
    this.#journal = [];
    this.#marked.copyFrom(this.sums);
  }

  /** Takes back everything since the mark. */
  rollback(): void {
    for (let i = this.#journal.length - 1; i >= 0; i--) {
      const { key, before } = this.#journal[i]!;
      if (before === undefined) this.#changes.delete(key);
      else this.#changes.set(key, before);
    }
    this.#journal = [];
    this.sums.copyFrom(this.#marked);
  }

  /**
   * Every change, null for a spent coin. The order is that of first change: given by the blocks on the path, which
   * every replay walks alike, never by the order in which messages came.
   */
  changes(): IterableIterator<[string, Coin | null]> {
    return this.#changes.entries();
  }
}

/**
 * A bounded read cache in two generations: hits move to the young one, and when that is full the old one is dropped
 * whole. Close to least-recently-used at the price of a plain map. It never holds a coin that is not on disk.
 */
export class CoinsCache {
  readonly #half: number;
  #young = new Map<string, Coin>();
  #old = new Map<string, Coin>();
  hits = 0;
  misses = 0;

  constructor(maxCoins: number) {
    this.#half = Math.max(1, Math.floor(maxCoins / 2));
  }

  get(key: string): Coin | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.hits++;
      return young;
    }
    const old = this.#old.get(key);
    if (old === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    this.set(key, old);
    return old;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** As `get`, without moving anything: looking ahead must not change what a later read finds here. */
  peek(key: string): Coin | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, coin: Coin): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, coin);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
