import type { Block } from '../../bitcoin/block.ts';
import { decodeTx, isCoinbase, type Tx } from '../../bitcoin/tx.ts';
import { mempoolKey, PREFIX, returningKey } from '../../consensus/store/records.ts';
import type { Row, Write } from '../../consensus/store/store.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { equal, keyOf, readU32LE, writeU32LE } from '../../util/bytes.ts';
import type { Limits } from '../limits.ts';
import { type Micros, NEVER } from '../types.ts';
import type { Waiting } from './readmission.ts';

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
  #owed: Write[] = [];
  #owing: readonly BlockEntry[] = [];
  /** The oldest change that waits came then. */
  #since: Micros = NEVER;

  /** `key`: the txid as `keyOf` makes it. */
  save(key: string, tx: Tx, wallS: number): void {
    this.#changes.set(key, { txid: tx.txid, tx, wallS });
  }

  /** Goes out with the batch that disconnects these blocks: their payments come back in later ones. */
  owe(blocks: readonly BlockEntry[]): void {
    this.#owing = blocks;
    for (const { hash, height } of blocks) {
      const value = new Uint8Array(4);
      writeU32LE(value, 0, height);
      this.#owed.push({ key: returningKey(hash), value });
    }
  }

  /** Their payments have rows of their own now, or a block that holds them. */
  paid(): void {
    for (const { hash } of this.#owing) this.#dropped.push(returningKey(hash));
    this.#owing = [];
  }

  erase(key: string, tx: Tx): void {
    this.#changes.set(key, { txid: tx.txid });
  }

  /** A row that could not be read, by its key on disk. */
  drop(rowKey: Uint8Array): void {
    this.#dropped.push(rowKey);
  }

  /** Nothing that waits stays here for longer. */
  writeBy(limits: Limits): Micros {
    return this.#since + limits.poolRowsGather;
  }

  /**
   * What is to go out with this step's batch. `all`: there is a batch anyway, or somebody is promised something; otherwise
   * rows gather, for a batch costs more than judging the payment did.
   */
  take(all: boolean, now: Micros, limits: Limits): Write[] {
    if (this.#changes.size === 0 && this.#dropped.length === 0 && this.#owed.length === 0) return [];
    if (this.#since === NEVER) this.#since = now;
    if (!all && this.#changes.size < limits.poolRows && this.writeBy(limits) > now) return [];
    this.#since = NEVER;
    const writes: Write[] = this.#dropped.map((key) => ({ key, value: undefined }));
    writes.push(...this.#owed);
    this.#owed = [];
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
function readPoolRows(
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
    byKey.set(key, { tx: tx.value, key, from: 'saved', time, wallS: entered, undone: false });
  }
  const byAge = [...byKey.values()].sort((a, b) => a.wallS - b.wallS || (a.tx.id < b.tx.id ? -1 : 1));
  return { waiting: parentsBeforeChildren(byAge, byKey), broken };
}

/**
 * The payments of blocks that were disconnected when the last run ended before they were back: lowest block first, so
 * parents first. Their rows stay until a batch has the payments' own; at most about `maxBytes` of payments.
 */
function readReturning(
  rows: readonly Row[],
  blockOf: (hash: Uint8Array) => Block | undefined,
  o: { readonly maxBytes: number; readonly now: Micros; readonly wallS: number },
): { waiting: Waiting[]; read: Uint8Array[] } {
  const owed = rows.filter(({ key }) => key[0] === PREFIX.returning);
  owed.sort((a, b) => readU32LE(a.value, 0) - readU32LE(b.value, 0));
  const waiting: Waiting[] = [];
  let bytes = 0;
  for (const { key } of owed) {
    if (bytes > o.maxBytes) break;
    for (const tx of blockOf(key.slice(1))?.txs ?? []) {
      if (isCoinbase(tx)) continue;
      bytes += tx.bytes.length;
      waiting.push({ tx, key: keyOf(tx.txid), from: 'saved', time: o.now, wallS: o.wallS, undone: true });
    }
  }
  return { waiting, read: owed.map(({ key }) => key) };
}

/**
 * What the last run left, in the order in which it may come back: payments of disconnected blocks (they may be the parents
 * of what was kept, never the children), then the pool's own. `done`: rows that are of no more use.
 */
export function readSaved(
  rows: Iterable<Row>,
  blockOf: (hash: Uint8Array) => Block | undefined,
  o: { readonly maxBytes: number; readonly now: Micros; readonly wallS: number },
): { returning: Waiting[]; waiting: Waiting[]; done: Uint8Array[] } {
  const all = [...rows];
  const { waiting: pooled, broken } = readPoolRows(all, o.now, o.wallS);
  const known = new Set(pooled.map(({ key }) => key));
  const owed = readReturning(all, blockOf, o);
  const returning = owed.waiting.filter(({ key }) => !known.has(key));
  const undone = new Set(owed.waiting.map(({ key }) => key));
  const waiting = pooled.map((item) => (undone.has(item.key) ? { ...item, undone: true } : item));
  return { returning, waiting, done: [...broken, ...owed.read] };
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
