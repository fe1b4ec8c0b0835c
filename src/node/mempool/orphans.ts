import type { Block } from '../../bitcoin/block.ts';
import { decodeTx, type OutPoint, outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import { keyOf } from '../../util/bytes.ts';
import type { Limits } from '../limits.ts';
import type { Micros, PeerId } from '../types.ts';

export interface Orphan {
  readonly tx: Tx;
  readonly peer: PeerId;
}

/** Kept as bytes: a transaction of many outputs takes ten times its size once it is decoded. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly prevouts: readonly OutPoint[];
  readonly peer: PeerId;
  readonly expires: Micros;
}

/** The orphans of one peer: their wtxid keys, oldest first, and what they cost together. */
interface Holding {
  readonly keys: Set<string>;
  cost: number;
}

/**
 * Transactions whose parents are not here yet (Core: TxOrphanage). By wtxid, since a peer may send a child with a spoilt
 * witness and must not keep the honest one out by it. An orphan costs one, and one more for every ten inputs (Core:
 * GetLatencyScore): each input has an entry in the indexes. When full, the peer that holds most gives up its oldest, so
 * a flood of one peer pushes out its own.
 */
export class Orphans {
  readonly #limits: Limits;
  readonly #orphans = new Map<string, Kept>();
  /** Wtxid keys by the txid of a parent they spend, and by the outpoint itself. */
  readonly #byParent = new Map<string, Set<string>>();
  readonly #byOutpoint = new Map<string, Set<string>>();
  readonly #byPeer = new Map<PeerId, Holding>();
  #cost = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#orphans.size;
  }

  has(wtxid: Uint8Array): boolean {
    return this.#orphans.has(keyOf(wtxid));
  }

  /** False when it is too big or already here; otherwise it is kept, and others may have been given up for it. */
  add(tx: Tx, peer: PeerId, now: Micros): boolean {
    const { orphanTxs, orphanTxsPerPeer, orphanTxBytes, orphanExpiry } = this.#limits;
    const key = keyOf(tx.wtxid);
    const cost = costOf(tx.inputs.length);
    const tooBig = tx.bytes.length > orphanTxBytes || cost > orphanTxsPerPeer;
    if (tooBig || this.#orphans.has(key)) return false;
    const prevouts = tx.inputs.map(({ prevout }) => ({ txid: prevout.txid.slice(), index: prevout.index }));
    this.#orphans.set(key, { bytes: tx.bytes.slice(), prevouts, peer, expires: now + orphanExpiry });
    for (const prevout of prevouts) {
      put(this.#byParent, keyOf(prevout.txid), key);
      put(this.#byOutpoint, outpointKey(prevout), key);
    }
    const own = this.#byPeer.get(peer) ?? { keys: new Set(), cost: 0 };
    this.#byPeer.set(peer, own);
    own.keys.add(key);
    own.cost += cost;
    this.#cost += cost;
    while (own.cost > orphanTxsPerPeer) this.#giveUpOldest(own);
    while (this.#cost > orphanTxs) this.#giveUpOldest(this.#largestHolding());
    return this.#orphans.has(key);
  }

  /** Those that wait for this parent, oldest first; they are kept no longer. */
  takeChildrenOf(txid: Uint8Array): Orphan[] {
    const taken: Orphan[] = [];
    for (const key of [...(this.#byParent.get(keyOf(txid)) ?? [])]) {
      const orphan = this.#remove(key);
      if (orphan === undefined) continue;
      const tx = decodeTx(orphan.bytes);
      assert(tx.ok, 'an orphan was decoded when it came');
      taken.push({ tx: tx.value, peer: orphan.peer });
    }
    return taken;
  }

  dropPeer(peer: PeerId): void {
    for (const key of [...(this.#byPeer.get(peer)?.keys ?? [])]) this.#remove(key);
  }

  /** All of one lifetime and in order of arrival, so the first that stays ends the search. */
  expire(now: Micros): number {
    let dropped = 0;
    for (const [key, orphan] of this.#orphans) {
      if (orphan.expires > now) break;
      this.#remove(key);
      dropped++;
    }
    return dropped;
  }

  /** Forgets what a connected block contains or contradicts. */
  connected(block: Block): void {
    if (this.#orphans.size === 0) return;
    for (const tx of block.txs) {
      for (const { prevout } of tx.inputs) {
        for (const key of [...(this.#byOutpoint.get(outpointKey(prevout)) ?? [])]) this.#remove(key);
      }
    }
  }

  #giveUpOldest({ keys }: Holding): void {
    for (const key of keys) {
      this.#remove(key);
      return;
    }
  }

  /** Of equals the first in the order of peer ids, so that the choice depends on no history. */
  #largestHolding(): Holding {
    let best: Holding = { keys: new Set(), cost: 0 };
    let name = '';
    for (const [peer, holding] of this.#byPeer) {
      if (holding.cost > best.cost || (holding.cost === best.cost && peer < name)) {
        best = holding;
        name = peer;
      }
    }
    return best;
  }

  #remove(key: string): Kept | undefined {
    const orphan = this.#orphans.get(key);
    if (orphan === undefined) return undefined;
    this.#orphans.delete(key);
    for (const prevout of orphan.prevouts) {
      cut(this.#byParent, keyOf(prevout.txid), key);
      cut(this.#byOutpoint, outpointKey(prevout), key);
    }
    const own = this.#byPeer.get(orphan.peer)!;
    const cost = costOf(orphan.prevouts.length);
    own.keys.delete(key);
    own.cost -= cost;
    this.#cost -= cost;
    if (own.keys.size === 0) this.#byPeer.delete(orphan.peer);
    return orphan;
  }
}

function costOf(inputs: number): number {
  return 1 + Math.floor(inputs / 10);
}

function put<K>(map: Map<K, Set<string>>, at: K, key: string): void {
  const set = map.get(at);
  if (set === undefined) map.set(at, new Set([key]));
  else set.add(key);
}

function cut<K>(map: Map<K, Set<string>>, at: K, key: string): void {
  const set = map.get(at);
  if (set?.delete(key) === true && set.size === 0) map.delete(at);
}
