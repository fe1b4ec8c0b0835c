import { NotFoundError } from '@libp2p/interface';

interface Key {
  toString(): string;
}

interface Row {
  readonly key: Key;
  readonly value: Uint8Array;
}

interface Query {
  readonly prefix?: string;
  readonly filters?: readonly ((row: Row) => boolean)[];
}

/**
 * Where libp2p keeps what peers tell of themselves (up to 80 kB each), bounded in number and bytes: what was used
 * longest ago goes first. libp2p's own store keeps every identity that was ever here for six hours. Our own row stays.
 */
export class PeerRows {
  readonly #rows = new Map<string, Row>();
  readonly #own: string;
  readonly #mostRows: number;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(own: string, mostRows: number, mostBytes: number) {
    this.#own = own;
    this.#mostRows = mostRows;
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#rows.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(key: Key, value: Uint8Array): Key {
    this.delete(key);
    this.#rows.set(key.toString(), { key, value });
    this.#bytes += value.length;
    for (const [name, row] of this.#rows) {
      if (this.#rows.size <= this.#mostRows && this.#bytes <= this.#mostBytes) break;
      if (name !== this.#own) this.delete(row.key);
    }
    return key;
  }

  /** @throws NotFoundError, by which libp2p knows that there is nothing. */
  get(key: Key): Uint8Array {
    const name = key.toString();
    const row = this.#rows.get(name);
    if (row === undefined) throw new NotFoundError(`there is no ${name}`);
    this.#rows.delete(name);
    this.#rows.set(name, row);
    return row.value;
  }

  has(key: Key): boolean {
    return this.#rows.has(key.toString());
  }

  delete(key: Key): void {
    const name = key.toString();
    this.#bytes -= this.#rows.get(name)?.value.length ?? 0;
    this.#rows.delete(name);
  }

  async *query({ prefix = '', filters = [] }: Query): AsyncGenerator<Row> {
    for (const [name, row] of [...this.#rows]) {
      if (name.startsWith(prefix) && filters.every((passes) => passes(row))) yield row;
    }
  }
}
