import { decodeBlock } from '../../bitcoin/block.ts';
import { encodeHeader, HEADER_SIZE } from '../../bitcoin/header.ts';
import type { OutPoint } from '../../bitcoin/tx.ts';
import { outpointKey } from '../../bitcoin/tx.ts';
import { equal, keyOf } from '../../util/bytes.ts';
import type { Coin, KeyedCoins } from '../store/coin.ts';
import { COIN_SHARDS, type CoinSums } from '../store/coin-sums.ts';
import { CoinsCache, type CoinsOverlay } from '../store/coins.ts';
import { StoreDamage } from '../store/damage.ts';
import {
  bodyKey,
  coinKey,
  decodeCoin,
  decodeUndo,
  encodeCoin,
  PREFIX,
  sumKey,
  undoKey,
} from '../store/records.ts';
import type { Store, Write } from '../store/store.ts';
import type { BlockEntry } from '../tree/tree.ts';
import { type SaneBlock, trustStored } from '../validate/check.ts';

/** Writes of one step, in order, and what they say to a reader before they are on disk. */
class WriteSet {
  readonly writes: Write[] = [];
  readonly overlays: CoinsOverlay[] = [];
  #index: Map<string, Uint8Array | undefined> | undefined;
  #indexed = 0;

  /** `undefined`: nothing is said; otherwise the value, or null for deleted. Coins are not asked here. */
  get(key: Uint8Array): Uint8Array | null | undefined {
    if (this.writes.length === 0) return undefined;
    // The index is made on demand: most steps write much and read none of it back.
    this.#index ??= new Map();
    for (; this.#indexed < this.writes.length; this.#indexed++) {
      const write = this.writes[this.#indexed]!;
      if (write.key[0] !== PREFIX.coin) this.#index.set(keyOf(write.key), write.value);
    }
    const text = keyOf(key);
    const value = this.#index.get(text);
    return value ?? (this.#index.has(text) ? null : undefined);
  }

  coin(key: string): Coin | null | undefined {
    for (let i = this.overlays.length - 1; i >= 0; i--) {
      const coin = this.overlays[i]!.own(key);
      if (coin !== undefined) return coin;
    }
    return undefined;
  }
}

/** The row of a body whose bytes are made when it is written, which is after the block was judged. */
class BodyWrite implements Write {
  readonly key: Uint8Array;
  readonly #block: SaneBlock;

  constructor(hash: Uint8Array, block: SaneBlock) {
    this.key = bodyKey(hash);
    this.#block = block;
  }

  get value(): Uint8Array {
    return this.#block.bytes;
  }
}
// What a step writes is told field by field (a trace, a recording), this one too.
Object.defineProperty(BodyWrite.prototype, 'value', { enumerable: true });

const NO_WRITES: readonly Write[] = [];

/** What an empty block counts on top of its wire bytes: parsed it takes 4 kB. */
const BODY_OVERHEAD = 2_000;

/** What the cache of coins is told: a new coin, or undefined for one that is spent. */
export interface CoinChange {
  readonly outpoint: string;
  readonly coin: Coin | undefined;
}

/** The row of one change, pushed to `writes`, and what the cache shall know of it. */
export function sealCoin(outpoint: string, coin: Coin | null, writes: Write[]): CoinChange {
  if (coin === null) {
    writes.push({ key: coinKey(outpoint), value: undefined });
    return { outpoint, coin: undefined };
  }
  const value = encodeCoin(coin);
  writes.push({ key: coinKey(outpoint), value });
  // Not the overlay's coin: its script is a view that keeps its whole block in memory.
  return { outpoint, coin: decodeCoin(value)! };
}

/** The rows of the sums that `changes` moves away from `base`, pushed to `writes`. */
export function sealSums(base: CoinSums, changes: CoinSums, writes: Write[]): void {
  for (let shard = 0; shard < COIN_SHARDS; shard++)
    if (!changes.isZero(shard)) writes.push({ key: sumKey(shard), value: base.encode(shard, changes) });
}

/** The read cache of coins since the start: a hit is a read that did not go to the disk. */
export interface CoinCacheFigures {
  /** Coins in it (one may count twice). */
  readonly size: number;
  readonly hits: number;
  readonly misses: number;
}

/**
 * The disk as the chain sees it: what is stored, under the writes of this step and of the one before, which may not
 * have reached the disk yet. With bounded caches of coins and bodies. Reads that anybody may make at any time (`peek…`)
 * leave the caches alone, so that what a step reads from the store depends on inputs only.
 */
export class ChainStore implements KeyedCoins {
  readonly #store: Store;
  readonly #coins: CoinsCache;
  /** Of all coins, with those that were handed over and are answered. */
  readonly sums: CoinSums;
  /** Recent bodies in two generations: when the young one is full, the old one is forgotten whole. */
  #bodies = new Map<BlockEntry, SaneBlock>();
  #olderBodies = new Map<BlockEntry, SaneBlock>();
  #bodyBytes = 0;
  readonly #halfBodyBytes: number;
  #pending = new WriteSet();
  #taken = new WriteSet();
  #heldBytes = 0;

  constructor(store: Store, bounds: { readonly coins: number; readonly bodyBytes: number }, sums: CoinSums) {
    this.#store = store;
    this.sums = sums;
    this.#coins = new CoinsCache(bounds.coins);
    this.#halfBodyBytes = bounds.bodyBytes / 2;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const recent = this.#pending.get(key);
    if (recent !== undefined) return recent ?? undefined;
    const taken = this.#taken.get(key);
    if (taken !== undefined) return taken ?? undefined;
    return this.#store.get(key);
  }

  write(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#pending.writes.push({ key, value });
  }

  /** Bytes of bodies that nobody has taken yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  takeWrites(): readonly Write[] {
    if (this.#pending.writes.length === 0) {
      this.settle();
      return NO_WRITES;
    }
    this.#taken = this.#pending;
    this.#pending = new WriteSet();
    this.#heldBytes = 0;
    return this.#taken.writes;
  }

  /** What was taken last is on disk by now; what came since goes on waiting. */
  settle(): void {
    if (this.#taken.writes.length > 0) this.#taken = new WriteSet();
  }

  lookup(key: string): Coin | undefined {
    const cached = this.#coins.get(key);
    if (cached !== undefined) return cached;
    const coin = this.#read(key);
    if (coin !== undefined) this.#coins.set(key, coin);
    return coin;
  }

  get coinCache(): CoinCacheFigures {
    const { size, hits, misses } = this.#coins;
    return { size, hits, misses };
  }

  peekCoin(outpoint: OutPoint | string): Coin | undefined {
    const key = typeof outpoint === 'string' ? outpoint : outpointKey(outpoint);
    return this.#coins.peek(key) ?? this.#read(key);
  }

  #read(key: string): Coin | undefined {
    const recent = this.#pending.coin(key);
    if (recent !== undefined) return recent ?? undefined;
    const taken = this.#taken.coin(key);
    if (taken !== undefined) return taken ?? undefined;
    const value = this.#store.get(coinKey(key));
    if (value === undefined) return undefined;
    const coin = decodeCoin(value);
    if (coin === undefined) throw new StoreDamage('coin', 'the row of a coin does not decode');
    return coin;
  }

  /** Writes all of an overlay's changes, and makes this store answer with them at once. */
  commitCoins(overlay: CoinsOverlay): void {
    const writes: Write[] = [];
    const coins: CoinChange[] = [];
    for (const [outpoint, coin] of overlay.changes()) coins.push(sealCoin(outpoint, coin, writes));
    sealSums(this.sums, overlay.sums, writes);
    this.handOver(writes);
    this.adopt(overlay, coins, 'now');
  }

  /** Rows that were made ready before. What they say of coins is not answered yet. */
  handOver(writes: readonly Write[]): void {
    for (const write of writes) this.#pending.writes.push(write);
  }

  /**
   * Answers with an overlay whose rows were handed over, in this step (`now`) or in the one before: from itself until
   * they are on disk, and from the cache.
   */
  adopt(overlay: CoinsOverlay, coins: readonly CoinChange[], handedOver: 'now' | 'before'): void {
    (handedOver === 'now' ? this.#pending : this.#taken).overlays.push(overlay);
    this.sums.apply(overlay.sums);
    for (const { outpoint, coin } of coins) {
      if (coin === undefined) this.#coins.delete(outpoint);
      else this.#coins.set(outpoint, coin);
    }
  }

  putBody(entry: BlockEntry, block: SaneBlock): void {
    if (block.encoded) this.write(bodyKey(entry.hash), block.bytes);
    else this.#pending.writes.push(new BodyWrite(entry.hash, block));
    this.#heldBytes += block.size;
    const size = block.size + BODY_OVERHEAD;
    if (this.#bodyBytes + size > this.#halfBodyBytes) {
      this.#olderBodies = this.#bodies;
      this.#bodies = new Map();
      this.#bodyBytes = 0;
    }
    if (size > this.#halfBodyBytes) return;
    this.#bodies.set(entry, block);
    this.#bodyBytes += size;
  }

  /** A body that is here, from the cache or the disk. `parsed`: the same block, if somebody has parsed it already. */
  body(entry: BlockEntry, parsed?: SaneBlock): SaneBlock {
    const cached = this.#bodies.get(entry) ?? this.#olderBodies.get(entry);
    if (cached !== undefined) return cached;
    const bytes = this.bodyBytes(entry);
    if (parsed !== undefined) return parsed;
    const block = decodeBlock(bytes);
    if (!block.ok) throw new StoreDamage('body', `the body of block ${entry.id} does not decode`);
    return trustStored(block.value);
  }

  /** The bytes of a body that is here, under the header that they are stored for: what a peer may be served. */
  bodyBytes(entry: BlockEntry): Uint8Array {
    const bytes = this.get(bodyKey(entry.hash));
    if (bytes === undefined) throw new StoreDamage('body', `the body of block ${entry.id} is missing`);
    if (!equal(bytes.subarray(0, HEADER_SIZE), encodeHeader(entry.header)))
      throw new StoreDamage('body', `the body stored for block ${entry.id} is that of another block`);
    return bytes;
  }

  /** The coins that an active block spent, in the order of its inputs. */
  undo(entry: BlockEntry): readonly Coin[] {
    const value = this.get(undoKey(entry.hash));
    const coins = value === undefined ? undefined : decodeUndo(value);
    if (coins === undefined) {
      const what = value === undefined ? 'is missing' : 'does not decode';
      throw new StoreDamage('undo', `the undo record of block ${entry.id} ${what}`);
    }
    return coins;
  }
}
