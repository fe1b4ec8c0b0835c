import type { Tx } from '../../bitcoin/tx.ts';
import { keyOf } from '../../util/bytes.ts';
import type { Micros } from '../types.ts';

/**
 * A transaction in the pool, as others may see it. Fees are satoshis, sizes virtual bytes. "Ancestors" are its unconfirmed
 * parents and theirs, "descendants" its unconfirmed children and theirs; the sums count the transaction itself (Core:
 * CTxMemPoolEntry).
 */
export interface PoolEntry {
  readonly tx: Tx;
  readonly fee: number;
  /** When it entered (on the monotonic clock; for one kept over a restart: when it first entered, so it may be negative). */
  readonly time: Micros;
  /** The same, in seconds since 1970. */
  readonly wallS: number;
  /** Height of the tip when it entered. */
  readonly height: number;
  /** Order of arrival. */
  readonly seq: number;
  readonly parents: ReadonlySet<PoolEntry>;
  readonly children: ReadonlySet<PoolEntry>;
  readonly ancestorCount: number;
  readonly ancestorVsize: number;
  readonly ancestorFees: number;
  readonly descendantCount: number;
  readonly descendantVsize: number;
  readonly descendantFees: number;
}

/** What a reorg could turn against a member: absent for one that has no lock and spends no coinbase. */
export interface Sensitive {
  /** First height at which every coinbase coin that it spends may be spent; 0 if there is none. */
  readonly matureAt: number;
  /** Some input has a relative lock (BIP68), which the new branch may measure otherwise. */
  readonly relative: boolean;
}

/** What {@link PoolNode} is made of, besides its relatives. */
export interface NewEntry {
  readonly tx: Tx;
  readonly fee: number;
  readonly time: Micros;
  readonly wallS: number;
  readonly height: number;
  readonly seq: number;
  readonly sensitive: Sensitive | undefined;
  /** It was in a block of our chain, which a reorg took out. */
  readonly undone: boolean;
}

/** The pool's own, mutable side of a {@link PoolEntry}. Only graph.ts changes it. */
export class PoolNode implements PoolEntry {
  readonly tx: Tx;
  readonly key: string;
  readonly fee: number;
  readonly time: Micros;
  readonly wallS: number;
  readonly height: number;
  readonly seq: number;
  readonly sensitive: Sensitive | undefined;
  undone: boolean;
  /** Estimate of the memory held, see {@link usageOf}. */
  readonly usage: number;
  readonly parents = new Set<PoolNode>();
  readonly children = new Set<PoolNode>();
  ancestorCount = 1;
  ancestorVsize: number;
  ancestorFees: number;
  descendantCount = 1;
  descendantVsize: number;
  descendantFees: number;
  /** Grows whenever the descendant sums change, so that an older line of the eviction heap is known to be stale. */
  revision = 0;
  /** Where its ids are (ids.ts). */
  place = -1;

  constructor(o: NewEntry) {
    this.tx = o.tx;
    this.key = keyOf(o.tx.txid);
    this.fee = o.fee;
    this.time = o.time;
    this.wallS = o.wallS;
    this.height = o.height;
    this.seq = o.seq;
    this.sensitive = o.sensitive;
    this.undone = o.undone;
    this.usage = usageOf(o.tx);
    this.ancestorVsize = this.descendantVsize = o.tx.vsize;
    this.ancestorFees = this.descendantFees = o.fee;
  }
}

/**
 * Bytes of memory that a pooled transaction costs, roughly: its wire form, a parsed input or output with its views
 * (V8 spends about 100 bytes on each typed array), what its signatures sign, and the entry with its sets and map lines.
 */
export function usageOf(tx: Tx): number {
  return tx.bytes.length + 1_200 + 900 * tx.inputs.length + 200 * tx.outputs.length;
}

/** Parents before children: whoever has fewer ancestors first, then by arrival. Total, since `seq` is unique. */
export function parentsFirst(a: PoolEntry, b: PoolEntry): number {
  return a.ancestorCount - b.ancestorCount || a.seq - b.seq;
}
