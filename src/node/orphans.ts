import type { Block } from '../bitcoin/block.ts';
import { outpointKey, type Tx } from '../bitcoin/tx.ts';
import { keyOf } from '../util/bytes.ts';
import type { Limits } from './limits.ts';
import type { Micros, PeerId } from './types.ts';

export interface Orphan {
  readonly tx: Tx;
  readonly peer: PeerId;
  readonly expires: Micros;
}

/**
 * Transactions whose parents are not here yet (Core: TxOrphanage). By wtxid, since a peer may send a child with a spoilt
 * witness and must not keep the honest one out by it. When full, the peer that holds most gives up its oldest, so a
 * flood of one peer pushes out its own.
 */
export class Orphans {
  readonly #limits: Limits;
  readonly #orphans = new Map<string, Orphan>();
  /** Wtxid keys by the txid of a parent they spend, and by the outpoint itself. */
  readonly #byParent = new Map<string, Set<string>>();
  readonly #byOutpoint = new Map<string, Set<string>>();
  /** Wtxid keys of each peer, oldest first. */
  readonly #byPeer = new Map<PeerId, Set<string>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#orphans.size;
  }

  has(wtxid: Uint8Array): boolean {
    return this.#orphans.has(keyOf(wtxid));
  }

  /** False when it is too big or already here; otherwise it is kept, and another one may have been given up for it. */
  add(tx: Tx, peer: PeerId, now: Micros): boolean {
    const key = keyOf(tx.wtxid);
    if (tx.bytes.length > this.#limits.orphanTxBytes || this.#orphans.has(key)) return false;
    this.#orphans.set(key, { tx, peer, expires: now + this.#limits.orphanExpiry });
    for (const { prevout } of tx.inputs) {
      put(this.#byParent, keyOf(prevout.txid), key);
      put(this.#byOutpoint, outpointKey(prevout), key);
    }
    put(this.#byPeer, peer, key);
    const own = this.#byPeer.get(peer)!;
    if (own.size > this.#limits.orphanTxsPerPeer) this.#giveUpOldest(own);
    if (this.#orphans.size > this.#limits.orphanTxs) this.#giveUpOldest(this.#largestHolding());
    return this.#orphans.has(key);
  }

  /** Those that wait for this parent, oldest first; they are kept no longer. */
  takeChildrenOf(txid: Uint8Array): Orphan[] {
    const taken: Orphan[] = [];
    for (const key of [...(this.#byParent.get(keyOf(txid)) ?? [])]) {
      const orphan = this.#remove(key);
      if (orphan !== undefined) taken.push(orphan);
    }
    return taken;
  }

  dropPeer(peer: PeerId): void {
    for (const key of [...(this.#byPeer.get(peer) ?? [])]) this.#remove(key);
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

  #giveUpOldest(keys: ReadonlySet<string>): void {
    for (const key of keys) {
      this.#remove(key);
      return;
    }
  }

  /** Of equals the first in the order of peer ids, so that the choice depends on no history. */
  #largestHolding(): ReadonlySet<string> {
    let best: ReadonlySet<string> = new Set();
    let name = '';
    for (const [peer, keys] of this.#byPeer) {
      if (keys.size > best.size || (keys.size === best.size && peer < name)) {
        best = keys;
        name = peer;
      }
    }
    return best;
  }

  #remove(key: string): Orphan | undefined {
    const orphan = this.#orphans.get(key);
    if (orphan === undefined) return undefined;
    this.#orphans.delete(key);
    for (const { prevout } of orphan.tx.inputs) {
      cut(this.#byParent, keyOf(prevout.txid), key);
      cut(this.#byOutpoint, outpointKey(prevout), key);
    }
    cut(this.#byPeer, orphan.peer, key);
    return orphan;
  }
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
