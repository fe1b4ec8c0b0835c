import { decodeTx, isCoinbase, type Tx } from '../bitcoin/tx.ts';
import type { TipChange } from '../consensus/chain.ts';
import { mempoolKey, PREFIX } from '../consensus/records.ts';
import type { Row, Write } from '../consensus/store.ts';
import { equal, keyOf, readU32LE, writeU32LE } from '../util/bytes.ts';
import type { Waiting } from './mempool-queue.ts';
import type { Micros } from './types.ts';

/** Seconds since 1970, u32. */
const HEAD = 4;

export const poolRowKey: (txid: Uint8Array) => Uint8Array = mempoolKey;

/** The pool's row on disk, under `m` ‖ txid: when it entered (seconds since 1970, u32) ‖ the transaction. */
export function poolRowValue(tx: Tx, wallS: number): Uint8Array {
  const value = new Uint8Array(HEAD + tx.bytes.length);
  writeU32LE(value, 0, wallS);
  value.set(tx.bytes, HEAD);
  return value;
}

/**
 * The rows that changed since the last batch, by txid: a transaction that comes and goes within one step reaches the disk
 * once, as it stands at the end.
 */
export class PoolRows {
  readonly #changes = new Map<
    string,
    { readonly txid: Uint8Array; readonly tx?: Tx; readonly wallS?: number }
  >();
  #dropped: Uint8Array[] = [];

  /** `key`: the txid as `keyOf` makes it. */
  save(key: string, tx: Tx, wallS: number): void {
    this.#changes.set(key, { txid: tx.txid, tx, wallS });
  }

  /** Payments of disconnected blocks, the one on the fork point first, as far as `most` bytes go. */
  saveDisconnected({ outEntries, blockOf }: TipChange, most: number, wallS: number): void {
    let bytes = 0;
    for (let i = outEntries.length - 1; i >= 0 && bytes <= most; i--) {
      for (const tx of blockOf(outEntries[i]!).txs) {
        if (isCoinbase(tx)) continue;
        bytes += tx.bytes.length;
        if (bytes <= most) this.save(keyOf(tx.txid), tx, wallS);
      }
    }
  }

  erase(key: string, tx: Tx): void {
    this.#changes.set(key, { txid: tx.txid });
  }

  /** A row that could not be read, by its key on disk. */
  drop(rowKey: Uint8Array): void {
    this.#dropped.push(rowKey);
  }

  take(): Write[] {
    const writes: Write[] = this.#dropped.map((key) => ({ key, value: undefined }));
    for (const { txid, tx, wallS } of this.#changes.values()) {
      const value = tx === undefined ? undefined : poolRowValue(tx, wallS ?? 0);
      writes.push({ key: poolRowKey(txid), value });
    }
    this.#dropped = [];
    this.#changes.clear();
    return writes;
  }
}

/**
 * Rows of the last run, ready for the queue: parents first, else by time. Rows that do not decode are named, so that they
 * can be deleted: they cost a pooled transaction, which a damaged row had lost anyway.
 */
export function readPoolRows(
  rows: Iterable<Row>,
  now: Micros,
  wallS: number,
): { waiting: Waiting[]; broken: Uint8Array[] } {
  const byKey = new Map<string, Waiting>();
  const broken: Uint8Array[] = [];
  for (const row of rows) {
    if (row.key[0] !== PREFIX.mempool) continue;
    const tx = row.value.length > HEAD ? decodeTx(row.value.slice(HEAD)) : undefined;
    if (tx === undefined || !tx.ok || !equal(tx.value.txid, row.key.subarray(1))) {
      broken.push(row.key);
      continue;
    }
    const entered = readU32LE(row.value, 0);
    // The monotonic clock starts anew with each process; what counts is how long it has waited.
    const time = now - Math.max(0, wallS - entered) * 1_000_000;
    const key = keyOf(tx.value.txid);
    byKey.set(key, { tx: tx.value, key, from: 'saved', time, wallS: entered });
  }
  const byAge = [...byKey.values()].sort((a, b) => a.wallS - b.wallS || (a.tx.id < b.tx.id ? -1 : 1));
  return { waiting: parentsBeforeChildren(byAge, byKey), broken };
}

/** Depth first without recursion: a chain of saved transactions may be long if the file was made by someone else. */
function parentsBeforeChildren(items: readonly Waiting[], byKey: ReadonlyMap<string, Waiting>): Waiting[] {
  const placed = new Set<Waiting>();
  const order: Waiting[] = [];
  for (const item of items) {
    const stack = [item];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const missing = placed.has(top) ? undefined : unplacedParent(top, byKey, placed);
      if (missing !== undefined) {
        stack.push(missing);
        continue;
      }
      stack.pop();
      if (placed.has(top)) continue;
      placed.add(top);
      order.push(top);
    }
  }
  return order;
}

/** Transactions cannot depend on each other in a circle: each contains its parents' hashes. */
function unplacedParent(
  item: Waiting,
  byKey: ReadonlyMap<string, Waiting>,
  placed: ReadonlySet<Waiting>,
): Waiting | undefined {
  for (const { prevout } of item.tx.inputs) {
    const parent = byKey.get(keyOf(prevout.txid));
    if (parent !== undefined && !placed.has(parent)) return parent;
  }
  return undefined;
}
