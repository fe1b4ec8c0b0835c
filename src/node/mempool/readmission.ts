import type { Block } from '../../bitcoin/block.ts';
import { outpointKey, type Tx } from '../../bitcoin/tx.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { keyOf } from '../../util/bytes.ts';
import type { Micros } from '../types.ts';

/** A transaction that waits to pass admission (again). */
export interface Waiting {
  readonly tx: Tx;
  readonly key: string;
  /** Where it was: in a disconnected block, in the pool above one, or in the pool before a restart. */
  readonly from: 'block' | 'pool' | 'saved';
  readonly time: Micros;
  readonly wallS: number;
  /** As far as we know it was in a block, now or before it came back from one. */
  readonly undone: boolean;
}

/** Who took a coin that a lost transaction needed: `block` is missing while the other one is unconfirmed itself. */
export interface Cause {
  readonly by: Tx;
  readonly block: BlockEntry | undefined;
}

/**
 * Transactions on their way back, parents before children. While it is not empty it also remembers, for the coins they
 * need, who took them in the blocks connected meanwhile: that is how a lost payment learns whom it lost to.
 */
export class ReadmissionQueue {
  readonly #maxBytes: number;
  #items: Waiting[] = [];
  #at = 0;
  #bytes = 0;
  readonly #byKey = new Map<string, Waiting>();
  /** Outpoint → who took it, `undefined` as long as nobody did. */
  readonly #wanted = new Map<string, Cause | undefined>();
  /** Txid → why it was lost, for the sake of its children. */
  readonly #lost = new Map<string, Cause>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get pending(): boolean {
    return this.#byKey.size > 0;
  }

  get size(): number {
    return this.#byKey.size;
  }

  *txs(): IterableIterator<Tx> {
    for (const { tx } of this.#byKey.values()) yield tx;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Items must be parents first, and nothing already waiting may be their parent. */
  prepend(items: readonly Waiting[]): void {
    this.#items = [...items, ...this.#items.slice(this.#at)];
    this.#at = 0;
    for (const item of items) this.#enter(item);
  }

  append(items: readonly Waiting[]): void {
    for (const item of items) {
      this.#items.push(item);
      this.#enter(item);
    }
  }

  /** Gives up the last ones (those that most others cannot depend on) until the bound holds; answers them. */
  trim(): Waiting[] {
    const dropped: Waiting[] = [];
    while (this.#bytes > this.#maxBytes) {
      const last = this.#items.pop();
      if (last === undefined) break;
      if (this.#byKey.get(last.key) !== last) continue;
      this.#leave(last);
      dropped.push(last);
    }
    if (!this.pending) this.#clear();
    return dropped.reverse();
  }

  /** The next one, no longer waiting; undefined when there is none. */
  next(): Waiting | undefined {
    while (this.#at < this.#items.length) {
      const item = this.#items[this.#at++]!;
      if (this.#byKey.get(item.key) !== item) continue;
      this.#leave(item);
      return item;
    }
    return undefined;
  }

  /** A connected block: what it confirms waits no longer (answered), what it spends is noted. */
  connected(block: Block, entry: BlockEntry): Waiting[] {
    const confirmed: Waiting[] = [];
    for (const tx of block.txs) {
      const item = this.#byKey.get(keyOf(tx.txid));
      if (item !== undefined) {
        this.#leave(item);
        confirmed.push(item);
      }
      for (const { prevout } of tx.inputs) {
        const key = outpointKey(prevout);
        if (this.#wanted.has(key)) this.#wanted.set(key, { by: tx, block: entry });
      }
    }
    return confirmed;
  }

  /** A disconnected block: the coins that it took are free again. */
  disconnected(block: Block): void {
    for (const tx of block.txs) {
      for (const { prevout } of tx.inputs) {
        const key = outpointKey(prevout);
        if (this.#wanted.has(key)) this.#wanted.set(key, undefined);
      }
    }
  }

  /** Notes that a transaction is lost, with its cause: a taken coin, or a parent's cause. */
  lose(tx: Tx, cause: Cause | undefined): void {
    if (cause !== undefined) this.#lost.set(keyOf(tx.txid), cause);
  }

  causeOf(tx: Tx): Cause | undefined {
    for (const { prevout } of tx.inputs) {
      const cause = this.#wanted.get(outpointKey(prevout)) ?? this.#lost.get(keyOf(prevout.txid));
      if (cause !== undefined) return cause;
    }
    return undefined;
  }

  /** To be called when the caller is done with what `next` gave: forgets the causes once nothing waits. */
  settle(): void {
    if (!this.pending) this.#clear();
  }

  #enter(item: Waiting): void {
    const before = this.#byKey.get(item.key);
    if (before !== undefined) this.#bytes -= before.tx.bytes.length;
    this.#byKey.set(item.key, item);
    this.#bytes += item.tx.bytes.length;
    for (const { prevout } of item.tx.inputs) {
      const key = outpointKey(prevout);
      if (!this.#wanted.has(key)) this.#wanted.set(key, undefined);
    }
  }

  #leave(item: Waiting): void {
    this.#byKey.delete(item.key);
    this.#bytes -= item.tx.bytes.length;
  }

  #clear(): void {
    this.#items = [];
    this.#at = 0;
    this.#wanted.clear();
    this.#lost.clear();
  }
}
