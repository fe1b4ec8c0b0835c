import type { OutPoint, TxOut } from '../../bitcoin/tx.ts';

/** An unspent output. Structurally a `TxOut`, so that sighashes take it as it is. */
export interface Coin extends TxOut {
  /** Height of the block that made it; a mempool coin counts as the tip's height + 1. */
  readonly height: number;
  /** Only such coins must mature. A genesis coin is `false`: it can be spent at once. */
  readonly coinbase: boolean;
}

export interface CoinsView {
  get(outpoint: OutPoint): Coin | undefined;
}

/** Where an overlay looks for what it does not hold; by key, so that each outpoint's key is made once. */
export interface KeyedCoins {
  /** `key` is `outpointKey(outpoint)`: 36 characters, one a byte. */
  lookup(key: string): Coin | undefined;
}
