import type { Row, Store, Write } from '../../src/consensus/store/store.ts';
import { compare, keyOf } from '../../src/util/bytes.ts';

/** A disk in memory: what a batch wrote is there, what was not committed is not. */
export class MemoryStore implements Store {
  readonly #rows = new Map<string, Row>();
  /** Keys asked for since the last `reads = []`, as Latin-1 text. */
  reads: string[] = [];

  get(key: Uint8Array): Uint8Array | undefined {
    const text = keyOf(key);
    this.reads.push(text);
    return this.#rows.get(text)?.value;
  }

  commit(writes: readonly Write[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#rows.delete(keyOf(key));
      else this.#rows.set(keyOf(key), { key: key.slice(), value: value.slice() });
    }
  }

  /** All rows, or those of one prefix, in key order. */
  rows(prefix?: number): Row[] {
    return [...this.#rows.values()]
      .filter((row) => prefix === undefined || row.key[0] === prefix)
      .sort((a, b) => compare(a.key, b.key));
  }

  clone(): MemoryStore {
    const copy = new MemoryStore();
    copy.commit(this.rows());
    return copy;
  }
}
