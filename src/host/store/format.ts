import type { ChainedBatch, Level } from 'level';
import { StoreMismatch } from '../../consensus/chain/opening.ts';
import type { Params } from '../../consensus/params/params.ts';
import { COIN_SHARDS, CoinSums } from '../../consensus/store/coin-sums.ts';
import { StoreDamage } from '../../consensus/store/damage.ts';
import {
  decodeMeta,
  encodeMeta,
  FORMAT_VERSION,
  META_KEY,
  PREFIX,
  sumKey,
} from '../../consensus/store/records.ts';
import { storedBody } from '../../consensus/validate/check.ts';
import { compare, equal, idOf, readU32LE, writeU32LE } from '../../util/bytes.ts';
import { hostLimits } from '../limits.ts';
import { plainCrc, RowSealer, unseal } from './row-seal.ts';

export type Db = Level<Uint8Array, Uint8Array>;

/** The store's own row: format u32 ‖ durable batches u64 ‖ CRC-32 of the network's row u32. */
export const STORE_KEY = Uint8Array.of(0);
/** While a database is converted: the last key that has its new form. */
const PROGRESS_KEY = Uint8Array.of(1);
/** Behind it are the rows of the node. */
export const LAST_OWN_KEY = PROGRESS_KEY;
const OWN_KEYS = 2;
const STORE_SIZE = 16;
const TWO32 = 0x1_0000_0000;

export function encodeStoreRow(commits: number, metaCrc: number): Uint8Array {
  const value = new Uint8Array(STORE_SIZE);
  writeU32LE(value, 0, FORMAT_VERSION);
  writeU32LE(value, 4, commits % TWO32);
  writeU32LE(value, 8, Math.floor(commits / TWO32));
  writeU32LE(value, 12, metaCrc);
  return value;
}

const raw = (db: Db, key: Uint8Array): Uint8Array | undefined =>
  (db.getSync as (key: Uint8Array) => Uint8Array | undefined)(key);

/**
 * The durable batches of a database that was opened, which it brings to this program's format if need be.
 * @throws StoreDamage when the rows that say so are not whole; StoreMismatch for a newer format.
 */
export async function openFormat(
  db: Db,
  o: { readonly params?: Params | undefined; readonly note: (sentence: string) => void },
): Promise<number> {
  const meta = raw(db, META_KEY);
  const stored = raw(db, STORE_KEY);
  if (stored === undefined) {
    const converting = raw(db, PROGRESS_KEY);
    const format = meta === undefined ? undefined : decodeMeta(meta)?.version;
    if (format === 1) {
      o.note('the database has format 1: each row gets a checksum now, once');
      await convert(db, converting === undefined ? undefined : unseal(PROGRESS_KEY, converting), o.params);
      return 0;
    }
    if (meta === undefined && converting === undefined && (await isEmpty(db))) {
      // Before any other row: whatever a crash leaves, the format is in it.
      await db.put(STORE_KEY, new RowSealer().seal(STORE_KEY, encodeStoreRow(0, plainCrc(undefined))));
      return 0;
    }
    throw new StoreDamage('format', 'the row that says its format is missing');
  }
  const row = unseal(STORE_KEY, stored);
  const format = row.length === STORE_SIZE ? readU32LE(row, 0) : 0;
  if (format > FORMAT_VERSION)
    throw new StoreMismatch(
      'version',
      `the database has format ${format}, written by a newer version; this one knows format ${FORMAT_VERSION}`,
    );
  if (format !== FORMAT_VERSION || readU32LE(row, 12) !== plainCrc(meta))
    throw new StoreDamage('format', 'the row that names its network fails its checksum');
  return readU32LE(row, 4) + readU32LE(row, 8) * TWO32;
}

async function isEmpty(db: Db): Promise<boolean> {
  const iterator = db.keys({ limit: 1 });
  try {
    return (await iterator.next()) === undefined;
  } finally {
    await iterator.close();
  }
}

/**
 * Format 1 to 2: a checksum in every row, and the sums of coins. In batches of which each says how far it came, so it goes
 * on after a kill at any moment; the format's row comes last. Format 1 was believed as it was read, so bodies are compared
 * with their keys on the way.
 */
async function convert(db: Db, done: Uint8Array | undefined, params: Params | undefined): Promise<void> {
  const sealer = new RowSealer();
  const sums = new CoinSums();
  const iterator = db.iterator({ highWaterMarkBytes: hostLimits.storeReadBytes });
  try {
    for (;;) {
      const rows = await iterator.nextv(hostLimits.storeReadRows);
      if (rows.length === 0) break;
      const batch = db.batch() as unknown as ChainedBatch<Db, Uint8Array, Uint8Array>;
      let last: Uint8Array | undefined;
      for (const [key, value] of rows) {
        if (key[0]! < OWN_KEYS || equal(key, META_KEY) || key[0] === PREFIX.sum) continue;
        const isNew = done !== undefined && compare(key, done) <= 0;
        const plain = isNew ? unseal(key, value) : value;
        if (key[0] === PREFIX.coin) sums.addRow({ key, value: plain });
        if (isNew) continue;
        if (key[0] === PREFIX.body && params !== undefined) checkBody(key, plain, params);
        batch.put(key, sealer.seal(key, plain));
        last = key;
      }
      if (last !== undefined) batch.put(PROGRESS_KEY, sealer.seal(PROGRESS_KEY, last));
      await batch.write({ sync: false });
    }
  } finally {
    await iterator.close();
  }
  const meta = encodeMeta(decodeMeta(raw(db, META_KEY)!)!.genesisHash);
  const batch = db.batch() as unknown as ChainedBatch<Db, Uint8Array, Uint8Array>;
  for (let shard = 0; shard < COIN_SHARDS; shard++) {
    const value = sums.encode(shard);
    if (value !== undefined) batch.put(sumKey(shard), sealer.seal(sumKey(shard), value));
  }
  batch.put(META_KEY, meta);
  batch.del(PROGRESS_KEY);
  batch.put(STORE_KEY, sealer.seal(STORE_KEY, encodeStoreRow(0, plainCrc(meta))));
  await batch.write({ sync: true });
}

function checkBody(key: Uint8Array, bytes: Uint8Array, params: Params): void {
  const hash = new Uint8Array(key.subarray(1));
  const body = storedBody(hash, new Uint8Array(bytes), params);
  if (!body.ok)
    throw new StoreDamage('body', `the body of block ${idOf(hash)} is not its own: ${body.error}`);
}
