/**
 * A map that forgets: beyond `limit` entries the oldest goes. Oldest by insertion, or, with `lru`, by last use
 * (`get` counts as use, `has` and iteration do not). Setting a known key renews it.
 */
export class BoundedMap<K, V> {
  readonly limit: number;
  readonly #lru: boolean;
  readonly #map = new Map<K, V>();
  /** Stands before the oldest entry: a new look for it would walk over all that are gone since the map was last packed. */
  #oldest: IterableIterator<K> | undefined;

  constructor(limit: number, options: { readonly lru?: boolean } = {}) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('BoundedMap: limit must be ≥ 1');
    this.limit = limit;
    this.#lru = options.lru === true;
  }

  get size(): number {
    return this.#map.size;
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  get(key: K): V | undefined {
    const value = this.#map.get(key);
    if (this.#lru && (value !== undefined || this.#map.has(key))) {
      this.#map.delete(key);
      this.#map.set(key, value as V);
    }
    return value;
  }

  /** Answers the entry that had to go, if any. */
  set(key: K, value: V): readonly [K, V] | undefined {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.limit) return undefined;
    this.#oldest ??= this.#map.keys();
    // Whatever it has passed is gone, and the map is not empty: it has a next one.
    const oldest = this.#oldest.next().value as K;
    const gone = this.#map.get(oldest) as V;
    this.#map.delete(oldest);
    return [oldest, gone];
  }

  delete(key: K): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }

  /** Oldest first. */
  keys(): IterableIterator<K> {
    return this.#map.keys();
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#map[Symbol.iterator]();
  }
}
