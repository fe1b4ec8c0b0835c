import { PREFIX } from '../consensus/records.ts';
import type { Row, Store, Write } from '../consensus/store.ts';
import { compare, keyOf } from '../util/bytes.ts';
import type { Random } from '../util/random.ts';

/** How a machine stops: the process alone (the system still writes what it was given), or the power. */
export type Stop = 'process' | 'power';

/**
 * A disk in memory. A batch is there whole or not at all; one that is not durable yet, and all that came after it, may
 * be lost when the power fails: some number of the last batches, as a log whose end was never written.
 */
export class VirtualDisk implements Store {
  readonly #rows = new Map<string, Row>();
  /** What each batch since the last durable one replaced. */
  #unsynced: { readonly key: string; readonly before: Row | undefined }[][] = [];
  readonly #keepBodies: number;
  /** Keys of bodies, oldest first, when only the newest are kept. */
  #bodies: string[] = [];

  /** `keepBodies`: how many of the newest block bodies stay; a reorg deeper than that cannot be made. */
  constructor(keepBodies = Number.POSITIVE_INFINITY) {
    this.#keepBodies = keepBodies;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(keyOf(key))?.value;
  }

  commit(writes: readonly Write[], durable: boolean): void {
    const journal: { key: string; before: Row | undefined }[] = [];
    for (const { key, value } of writes) {
      const text = keyOf(key);
      if (!durable) journal.push({ key: text, before: this.#rows.get(text) });
      if (value === undefined) this.#rows.delete(text);
      else this.#rows.set(text, { key, value });
      if (key[0] === PREFIX.body && value !== undefined) this.#prune(text);
    }
    if (durable) this.#unsynced = [];
    else this.#unsynced.push(journal);
  }

  #prune(key: string): void {
    if (this.#keepBodies === Number.POSITIVE_INFINITY) return;
    this.#bodies.push(key);
    if (this.#bodies.length < 2 * this.#keepBodies) return;
    for (const old of this.#bodies.slice(0, this.#keepBodies)) this.#rows.delete(old);
    this.#bodies = this.#bodies.slice(this.#keepBodies);
  }

  /** The machine stops: of what was not durable, a power cut takes the last batches, from one of them on. */
  stop(how: Stop, random: Random): void {
    const batches = this.#unsynced;
    this.#unsynced = [];
    if (how === 'process') return;
    const kept = random.below(batches.length + 1);
    for (const journal of batches.slice(kept).reverse()) {
      for (const { key, before } of journal.reverse()) {
        if (before === undefined) this.#rows.delete(key);
        else this.#rows.set(key, before);
      }
    }
  }

  /** All rows, or those of one prefix, in key order. */
  rows(prefix?: number): Row[] {
    return [...this.#rows.values()]
      .filter((row) => prefix === undefined || row.key[0] === prefix)
      .sort((a, b) => compare(a.key, b.key));
  }

  /** Rows of these prefixes, as a node wants them at opening. */
  opening(prefixes: readonly number[]): Row[] {
    return this.rows().filter((row) => prefixes.includes(row.key[0]!));
  }
}
