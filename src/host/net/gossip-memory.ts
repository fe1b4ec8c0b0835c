import { netLimits } from './limits.ts';

/** A map that drops what was put in first, beyond a number of entries or a sum of weights. The last one always stays. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #most: number;
  readonly #mostWeight: number;
  readonly #weigh: (value: V) => number;
  #weight = 0;

  constructor(most: number, mostWeight = Number.POSITIVE_INFINITY, weigh: (value: V) => number = () => 0) {
    super();
    this.#most = most;
    this.#mostWeight = mostWeight;
    this.#weigh = weigh;
  }

  get weight(): number {
    return this.#weight;
  }

  override set(key: K, value: V): this {
    const old = super.get(key);
    if (old !== undefined) this.#weight -= this.#weigh(old);
    super.set(key, value);
    this.#weight += this.#weigh(value);
    for (const first of this.keys()) {
      if (this.size <= this.#most && (this.#weight <= this.#mostWeight || this.size === 1)) break;
      this.delete(first);
    }
    return this;
  }

  override delete(key: K): boolean {
    const old = super.get(key);
    if (old !== undefined) this.#weight -= this.#weigh(old);
    return super.delete(key);
  }

  override clear(): void {
    this.#weight = 0;
    super.clear();
  }
}

interface Cached {
  readonly message: { readonly data?: Uint8Array };
}

/** gossipsub's fields that hold something for each message or each request. */
export interface GossipMemory {
  seenCache: { entries: Map<unknown, unknown> };
  publishedMessageIds: { entries: Map<unknown, unknown> };
  mcache: { msgs: Map<string, Cached>; readonly history: { readonly msgIdStr: string }[][] };
  gossipTracer: { promises: Map<unknown, unknown> };
  score: { deliveryRecords: { records: Map<unknown, unknown>; queue: { _capacity?: number } } };
}

/**
 * Bounds what gossipsub keeps. By itself it keeps every message id for two minutes (about 0.7 kB each, in four places)
 * and every message for ten seconds, however many there are. What it loses early costs a second look at a message that
 * comes late, no more.
 */
export function boundGossipMemory(router: GossipMemory): void {
  const ids = netLimits.gossipIds;
  router.seenCache.entries = new BoundedMap(ids);
  router.publishedMessageIds.entries = new BoundedMap(ids);
  router.gossipTracer.promises = new BoundedMap(ids);
  const size = (cached: Cached) => cached.message.data?.length ?? 0;
  router.mcache.msgs = new BoundedMap(ids, netLimits.gossipCacheBytes, size);
  const { deliveryRecords } = router.score;
  deliveryRecords.records = new BoundedMap(ids);
  // denque drops its first item when a push makes it longer than this.
  deliveryRecords.queue._capacity = ids;
}

/** The history of ids, which gossipsub cuts by time alone: the oldest beyond the bound go, with their messages. */
export function trimGossipHistory({ mcache }: GossipMemory): void {
  let left: number = netLimits.gossipIds;
  for (const ids of mcache.history) {
    const most = Math.max(0, left);
    const gone = ids.length > most ? ids.splice(0, ids.length - most) : [];
    for (const { msgIdStr } of gone) mcache.msgs.delete(msgIdStr);
    left -= ids.length;
  }
}
