import { COIN_SHARDS, CoinSums } from '../../consensus/store/coin-sums.ts';
import { StoreDamage } from '../../consensus/store/damage.ts';
import { PREFIX } from '../../consensus/store/records.ts';
import { hostLimits } from '../limits.ts';
import type { DiskStore } from './store.ts';

export interface CoinCheck {
  readonly coins: number;
  readonly shards: number;
}

/**
 * Compares coins with the sums that were written with the tip: all of a small set, else whole shards until `limit` coins are
 * read. The next opening goes on with the shard behind.
 * @throws StoreDamage when the coins of a shard are not those of the tip.
 */
export async function checkCoins(
  store: DiskStore,
  limit: number = hostLimits.openingCoins,
): Promise<CoinCheck> {
  const stored = new CoinSums();
  for (const row of await store.opening([PREFIX.sum])) stored.load(row);
  const found = new CoinSums();
  const first = store.nextShard % COIN_SHARDS;
  let coins = 0;
  /** Shards that were read whole, counted from the first. */
  let shards = 0;
  for (const [from, end] of [[first, COIN_SHARDS] as const, [0, first] as const]) {
    for await (const row of store.between(coinsFrom(from), coinsFrom(end))) {
      const shard = row.key[1]!;
      const before = (shard - first + COIN_SHARDS) % COIN_SHARDS;
      if (before > shards && coins >= limit) {
        shards = before;
        compare(found, stored, first, shards);
        store.nextShard = shard;
        return { coins, shards };
      }
      shards = before;
      found.addRow(row);
      coins++;
    }
  }
  compare(found, stored, first, COIN_SHARDS);
  store.nextShard = first;
  return { coins, shards: COIN_SHARDS };
}

/** The first key of a shard's coins; behind the last shard the first that is no coin's. */
function coinsFrom(shard: number): Uint8Array {
  return shard < COIN_SHARDS ? Uint8Array.of(PREFIX.coin, shard) : Uint8Array.of(PREFIX.coin + 1);
}

function compare(found: CoinSums, stored: CoinSums, first: number, shards: number): void {
  for (let i = 0; i < shards; i++) {
    const shard = (first + i) % COIN_SHARDS;
    if (found.sameIn(shard, stored)) continue;
    const which = shard.toString(16).padStart(2, '0');
    throw new StoreDamage(
      'coin',
      `coins whose stored txids begin with ${which} are missing, changed or too many`,
    );
  }
}
