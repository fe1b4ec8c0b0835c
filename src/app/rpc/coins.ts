import { Writer } from '../../bitcoin/codec.ts';
import { sha256 } from '../../bitcoin/hash.ts';
import { MuHash } from '../../bitcoin/muhash.ts';
import { Sha256 } from '../../bitcoin/sha256.ts';
import type { Coin } from '../../consensus/store/coin.ts';
import { StoreDamage } from '../../consensus/store/damage.ts';
import { decodeCoin, outpointOfCoinKey, PREFIX, TIP_KEY } from '../../consensus/store/records.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import { equal } from '../../util/bytes.ts';
import type { NodeContext, Snapshot } from './context.ts';

/** A hash over all coins, as `gettxoutsetinfo` calls it. */
export interface SetHasher {
  readonly name: 'hash_serialized_3' | 'muhash';
  add(txid: Uint8Array, index: number, coin: Coin): void;
  /** 32 bytes in internal order. */
  digest(): Uint8Array;
}

/** What each coin adds to a hash over all: outpoint, height · 2 + coinbase, value, script. Core: TxOutSer. */
function serialized(txid: Uint8Array, index: number, coin: Coin): Uint8Array {
  const writer = new Writer(60 + coin.script.length);
  writer.bytes(txid).u32(index);
  writer.u32(coin.height * 2 + (coin.coinbase ? 1 : 0));
  return writer.u64(coin.value).varBytes(coin.script).finish();
}

/** Core's muhash: MuHash3072 over every coin, in whatever order. Core: kernel/coinstats.cpp, ApplyCoinHash. */
export class CoinsMuHash implements SetHasher {
  readonly name = 'muhash';
  readonly #hash = new MuHash();

  add(txid: Uint8Array, index: number, coin: Coin): void {
    this.#hash.add(serialized(txid, index, coin));
  }

  digest(): Uint8Array {
    return this.#hash.digest();
  }
}

/**
 * Core's hash_serialized_3: SHA-256d over every coin in the order of (txid bytes, index), each as outpoint, height · 2 +
 * coinbase, value, script. Core: kernel/coinstats.cpp, TxOutSer. Feed the coins in that order.
 */
export class CoinsHasher implements SetHasher {
  readonly name = 'hash_serialized_3';
  readonly #hash = new Sha256();

  add(txid: Uint8Array, index: number, coin: Coin): void {
    const hash = this.#hash;
    hash
      .update(txid)
      .u32(index)
      .u32(coin.height * 2 + (coin.coinbase ? 1 : 0))
      .u64(coin.value);
    // Scripts of coins are below 253 bytes by the rules, so the length is one byte.
    if (coin.script.length >= 0xfd) throw new TypeError('a coin with a script that no rule allows');
    hash.byte(coin.script.length).update(coin.script);
  }

  /** 32 bytes in internal order. */
  digest(): Uint8Array {
    return sha256(this.#hash.digest());
  }
}

/** Core's estimate of a coin's size in a database without compression: GetBogoSize. */
export function bogoSize(coin: Coin): number {
  return 32 + 4 + 4 + 8 + 2 + coin.script.length;
}

/** The tip that a snapshot's coins belong to: memory may be ahead of the disk. */
export function snapshotTip(context: NodeContext, snapshot: Snapshot): BlockEntry {
  const hash = snapshot.get(TIP_KEY);
  const entry = hash === undefined ? context.view.chain.genesis : context.view.chain.entry(hash);
  if (entry === undefined) throw new StoreDamage('tip', 'the stored tip is in no block tree');
  return entry;
}

export interface FoundCoin {
  readonly txid: Uint8Array;
  readonly index: number;
  readonly coin: Coin;
}

/** Coins handed over at once: a few milliseconds of work between two turns of the event loop. */
const BATCH = 1_000;

/**
 * All coins of a snapshot in Core's order: by txid, then by index (which our keys hold little endian). In batches, because
 * one promise a coin would cost more than the coin.
 */
export async function* allCoins(
  snapshot: Snapshot,
  signal: AbortSignal,
): AsyncGenerator<readonly FoundCoin[]> {
  let batch: FoundCoin[] = [];
  /** Where the outputs of the last transaction begin in the batch. */
  let from = 0;
  const sortLast = () => {
    const last = batch.splice(from).sort((a, b) => a.index - b.index);
    for (const coin of last) batch.push(coin);
    from = batch.length;
  };
  for await (const row of snapshot.rows(Uint8Array.of(PREFIX.coin))) {
    const coin = decodeCoin(row.value);
    if (coin === undefined) throw new StoreDamage('coin', 'the row of a coin does not decode');
    const found = { ...outpointOfCoinKey(row.key), coin };
    const before = batch[from];
    if (before !== undefined && !equal(before.txid, found.txid)) {
      sortLast();
      if (batch.length >= BATCH) {
        if (signal.aborted) throw new RpcError(RPC.MISC_ERROR, 'aborted');
        yield batch;
        batch = [];
        from = 0;
      }
    }
    batch.push(found);
  }
  sortLast();
  yield batch;
}
