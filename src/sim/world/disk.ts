import { PREFIX } from '../../consensus/store/records.ts';
import type { Row, Store, Write } from '../../consensus/store/store.ts';
import { compare, keyOf } from '../../util/bytes.ts';
import type { Random } from '../../util/random.ts';
import { MAX_TABLE_VALUE, RowTable } from './row-table.ts';

/** How a machine stops: the process alone (the system still writes what it was given), or the power. */
export type Stop = 'process' | 'power';

/**
 * A disk in memory. A batch is there whole or not at all; one that is not durable yet, and all that came after it, may
 * be lost when the power fails: some number of the last batches, as a log whose end was never written.
 */
export class VirtualDisk implements Store {
  readonly #rows = new RowTable();
  /** Bodies, and what else is long: by reference, since all nodes share a block's bytes. By key as text. */
  readonly #long = new Map<string, Row>();
  /** How many of them are no bodies. */
  #longOthers = 0;
  /** What each batch since the last durable one replaced. */
  #unsynced: { readonly key: Uint8Array; readonly before: Uint8Array | undefined }[][] = [];
  readonly #keepBodies: number;
  /** Keys of bodies, oldest first, when only the newest are kept. */
  #bodies: Uint8Array[] = [];

  /** `keepBodies`: how many of the newest block bodies stay at least; a reorg deeper than that cannot be made. */
  constructor(keepBodies = Number.POSITIVE_INFINITY) {
    this.#keepBodies = keepBodies;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return key[0] === PREFIX.body ? this.#long.get(keyOf(key))?.value : this.#getOther(key);
  }

  #getOther(key: Uint8Array): Uint8Array | undefined {
    const value = this.#rows.get(key);
    return value ?? (this.#longOthers > 0 ? this.#long.get(keyOf(key))?.value : undefined);
  }

  commit(writes: readonly Write[], durable: boolean): void {
    if (!durable) this.#unsynced.push(writes.map(({ key }) => ({ key, before: this.get(key) })));
    else if (this.#unsynced.length > 0) this.#unsynced = [];
    for (const { key, value } of writes) {
      this.#write(key, value);
      if (key[0] === PREFIX.body && value !== undefined) this.#prune(key);
    }
  }

  #write(key: Uint8Array, value: Uint8Array | undefined): void {
    if (key[0] === PREFIX.body) {
      if (value === undefined) this.#long.delete(keyOf(key));
      else this.#long.set(keyOf(key), { key, value });
      return;
    }
    if (this.#longOthers > 0 && this.#long.delete(keyOf(key))) this.#longOthers--;
    if (value === undefined) {
      this.#rows.delete(key);
    } else if (value.length <= MAX_TABLE_VALUE) {
      this.#rows.set(key, value);
    } else {
      this.#rows.delete(key);
      this.#long.set(keyOf(key), { key, value });
      this.#longOthers++;
    }
  }

  #prune(key: Uint8Array): void {
    if (this.#keepBodies === Number.POSITIVE_INFINITY) return;
    this.#bodies.push(key);
    if (this.#bodies.length < 2 * this.#keepBodies) return;
    for (const old of this.#bodies.slice(0, this.#keepBodies)) this.#long.delete(keyOf(old));
    this.#bodies = this.#bodies.slice(this.#keepBodies);
  }

  /** The machine stops: of what was not durable, a power cut takes the last batches, from one of them on. */
  stop(how: Stop, random: Random): void {
    const batches = this.#unsynced;
    this.#unsynced = [];
    if (how === 'process') return;
    const kept = random.below(batches.length + 1);
    for (const journal of batches.slice(kept).reverse())
      for (const { key, before } of journal.reverse()) this.#write(key, before);
  }

  /** All rows, or those of one prefix, in key order. */
  rows(prefix?: number): Row[] {
    return [...this.#all()]
      .filter((row) => prefix === undefined || row.key[0] === prefix)
      .sort((a, b) => compare(a.key, b.key));
  }

  *#all(): IterableIterator<Row> {
    yield* this.#rows.rows();
    yield* this.#long.values();
  }

  /** Rows of these prefixes, as a node wants them at opening. */
  opening(prefixes: readonly number[]): Row[] {
    return this.rows().filter((row) => prefixes.includes(row.key[0]!));
  }
}
