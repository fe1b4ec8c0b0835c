import type { Chain } from '../../consensus/chain/chain.ts';
import type { Limits } from '../limits.ts';
import type { Micros } from '../types.ts';
import type { Peer } from './peers.ts';
import { Bucket } from './token-bucket.ts';

/** A bucket counts in microseconds, this one in blocks of the active chain. */
const BLOCK = 1_000_000;

/**
 * What of branches that do not beat the tip may enter the tree and the disk. Each peer has a ration by time. All peers
 * together, since an identity costs nothing, have one by the growth of the chain: honest forks come with its blocks, and
 * an attacker cannot make the chain grow without working for it. A branch that beats the tip needs no ration, so
 * agreement never depends on it. (Bitcoin Core stores no block with less work than its tip that it did not ask for.)
 */
export class SideRation {
  readonly #chain: Chain;
  readonly #headers: Bucket;
  readonly #bytes: Bucket;

  constructor(chain: Chain, limits: Limits) {
    this.#chain = chain;
    this.#headers = new Bucket(limits.sideHeadersTotal, limits.sideHeadersPerBlock, 0);
    this.#bytes = new Bucket(limits.sideBytesTotal, limits.sideBytesPerBlock, 0);
  }

  /** So many headers on this peer's word: takes them from its ration and from that of all, or nothing. */
  takeHeaders(peer: Peer, count: number, now: Micros): boolean {
    return peer.side.has(count, now) && this.#headers.take(count, this.#height) && peer.side.take(count, now);
  }

  /** There is room for the body of another such block. */
  get hasRoom(): boolean {
    return this.#bytes.has(1, this.#height);
  }

  /** A body has been stored. */
  store(bytes: number): void {
    this.#bytes.charge(bytes, this.#height);
  }

  get #height(): number {
    return this.#chain.tip.height * BLOCK;
  }
}
