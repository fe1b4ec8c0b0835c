import type { PoolEntry } from '../mempool/mempool.ts';
import type { Peer } from '../peers/peers.ts';
import type { StepContext } from '../step-context.ts';
import { type Micros, NEVER } from '../types.ts';

/** The rest of the pool, in order of arrival: goes on where it stood, whatever has come or gone meanwhile. */
interface Telling {
  readonly rest: Iterator<PoolEntry>;
  at: Micros;
}

/**
 * Tells a peer by id what the mempool holds, parents first, in portions that it can ask for: to a new peer, and now and
 * then to one of the others. Gossip may lose a payment (a node that was too busy, a link that broke), and payments do not
 * repair themselves as blocks do, which name their parents.
 */
export class MempoolSync {
  readonly #context: StepContext;
  /** Never iterated. */
  readonly #telling = new Map<Peer, Telling>();

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** From the beginning, unless this peer is being told already. */
  begin(peer: Peer): void {
    const { mempool, limits } = this.#context;
    if (mempool.size === 0 || this.#telling.has(peer) || !peer.flowing) return;
    const telling: Telling = { rest: mempool.entries()[Symbol.iterator](), at: NEVER };
    this.#telling.set(peer, telling);
    this.#tell(peer, telling, limits.maxInv);
  }

  left(peer: Peer): void {
    this.#telling.delete(peer);
  }

  #tell(peer: Peer, telling: Telling, most: number): void {
    const { limits, now } = this.#context;
    const ids: Uint8Array[] = [];
    while (ids.length < most) {
      const { done, value } = telling.rest.next();
      if (done === true) {
        this.#telling.delete(peer);
        break;
      }
      ids.push(value.tx.txid);
    }
    telling.at = now + limits.poolTellEvery;
    if (ids.length > 0) this.#context.send(peer, { kind: 'inv', ids });
  }

  tick(): void {
    if (this.#telling.size === 0) return;
    const { peers, now, limits } = this.#context;
    for (const peer of peers.ready()) {
      const telling = this.#telling.get(peer);
      if (telling !== undefined && telling.at <= now && peer.flowing)
        this.#tell(peer, telling, limits.poolTellIds);
    }
  }

  due(): Micros {
    let due = NEVER;
    if (this.#telling.size === 0) return due;
    for (const peer of this.#context.peers.ready()) {
      if (peer.flowing) due = Math.min(due, this.#telling.get(peer)?.at ?? NEVER);
    }
    return due;
  }
}
