import { keyOf, readU32LE, writeU32LE } from '../../util/bytes.ts';
import type { Coin } from './coin.ts';
import { StoreDamage } from './damage.ts';
import { decodeCoin, PREFIX } from './records.ts';
import type { Row } from './store.ts';

/** A coin's shard is the first byte of its txid, so the coins of a shard are one range of keys. */
export const COIN_SHARDS = 256;
const SUM_SIZE = 8;
const TWO32 = 0x1_0000_0000;

/**
 * A running commitment to a set of coins: for each shard the sum of a 64-bit hash of every coin, as two sums of 32 bits. A
 * coin is added when it is made and subtracted when it is spent, so a row that is missing, added or stale is found by
 * reading its shard. The hash is no cryptographic one: the sum guards against a disk, and whoever can write a coin's row
 * can write the sum's too.
 */
export class CoinSums {
  readonly #words = new Uint32Array(2 * COIN_SHARDS);
  /** The last hash: a function has one result. */
  #low = 0;
  #high = 0;

  /** `key`: `outpointKey`'s 36 characters. */
  add(key: string, coin: Coin): void {
    this.#hash(key, coin);
    const at = 2 * key.charCodeAt(0);
    this.#words[at]! += this.#low;
    this.#words[at + 1]! += this.#high;
  }

  subtract(key: string, coin: Coin): void {
    this.#hash(key, coin);
    const at = 2 * key.charCodeAt(0);
    this.#words[at]! -= this.#low;
    this.#words[at + 1]! -= this.#high;
  }

  /** Adds what `changes` has gathered. */
  apply(changes: CoinSums): void {
    for (let i = 0; i < this.#words.length; i++) this.#words[i]! += changes.#words[i]!;
  }

  copyFrom(other: CoinSums): void {
    this.#words.set(other.#words);
  }

  isZero(shard: number): boolean {
    return this.#words[2 * shard] === 0 && this.#words[2 * shard + 1] === 0;
  }

  /** The value of a shard's row, with `changes` on top; undefined for zero, which has no row. */
  encode(shard: number, changes?: CoinSums): Uint8Array | undefined {
    const value = new Uint8Array(SUM_SIZE);
    for (const half of [0, 1]) {
      const at = 2 * shard + half;
      const change = changes === undefined ? 0 : changes.#words[at]!;
      writeU32LE(value, 4 * half, (this.#words[at]! + change) % TWO32);
    }
    return value.some((byte) => byte !== 0) ? value : undefined;
  }

  /** Takes a stored row over. */
  load({ key, value }: Row): void {
    if (key.length !== 2 || value.length !== SUM_SIZE)
      throw new StoreDamage('coin sum', `the sum of coins of shard ${key[1]} has a wrong length`);
    const at = 2 * key[1]!;
    this.#words[at] = readU32LE(value, 0);
    this.#words[at + 1] = readU32LE(value, 4);
  }

  /** Adds a coin's row as it is stored. */
  addRow({ key, value }: Row): void {
    const coin = decodeCoin(value);
    if (key[0] !== PREFIX.coin || key.length !== 37 || coin === undefined)
      throw new StoreDamage('coin', 'the row of a coin does not decode');
    this.add(keyOf(key.subarray(1)), coin);
  }

  sameIn(shard: number, other: CoinSums): boolean {
    const at = 2 * shard;
    return this.#words[at] === other.#words[at] && this.#words[at + 1] === other.#words[at + 1];
  }

  /**
   * Two lanes of multiply and shift over 32-bit words; the second takes the first one in, so that both depend on all. Loops
   * without a branch, and everything in locals: connecting a block hashes every coin that it makes or spends.
   */
  #hash(key: string, { value, script, height, coinbase }: Coin): void {
    const { length } = script;
    const whole = length & ~3;
    // Code, value and length first; then the outpoint, nine words; then the script.
    let a = Math.imul((height * 2 + (coinbase ? 1 : 0)) ^ 0x9e3779b9, 0xcc9e2d51);
    a ^= a >>> 15;
    let b = Math.imul(a ^ length, 0x1b873593);
    b ^= b >>> 16;
    a = Math.imul(a ^ (value | 0), 0xcc9e2d51);
    a ^= a >>> 15;
    b = Math.imul(((b << 13) | (b >>> 19)) ^ ((value / TWO32) | 0) ^ a, 0x1b873593);
    b ^= b >>> 16;
    for (let i = 0; i < 36; i += 4) {
      const w =
        key.charCodeAt(i) |
        (key.charCodeAt(i + 1) << 8) |
        (key.charCodeAt(i + 2) << 16) |
        (key.charCodeAt(i + 3) << 24);
      a = Math.imul(a ^ w, 0xcc9e2d51);
      a ^= a >>> 15;
      b = Math.imul(((b << 13) | (b >>> 19)) ^ w ^ a, 0x1b873593);
      b ^= b >>> 16;
    }
    for (let i = 0; i < whole; i += 4) {
      const w = script[i]! | (script[i + 1]! << 8) | (script[i + 2]! << 16) | (script[i + 3]! << 24);
      a = Math.imul(a ^ w, 0xcc9e2d51);
      a ^= a >>> 15;
      b = Math.imul(((b << 13) | (b >>> 19)) ^ w ^ a, 0x1b873593);
      b ^= b >>> 16;
    }
    for (let i = whole; i < length; i++) {
      a = Math.imul(a ^ script[i]!, 0xcc9e2d51);
      a ^= a >>> 15;
      b = Math.imul(((b << 13) | (b >>> 19)) ^ script[i]! ^ a, 0x1b873593);
      b ^= b >>> 16;
    }
    // The finaliser of MurmurHash3 (Appleby).
    a = Math.imul(a ^ (a >>> 16) ^ b, 0x85ebca6b);
    a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
    b = Math.imul(b ^ (b >>> 16) ^ a, 0x85ebca6b);
    b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
    this.#low = a ^ (a >>> 16);
    this.#high = b ^ (b >>> 16);
  }
}
