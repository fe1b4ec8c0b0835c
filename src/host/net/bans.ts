import type { PeerId } from '../../node/types.ts';
import { netLimits } from './limits.ts';

interface Record {
  points: number;
  /** When `points` was right; it fades from there. */
  at: number;
  bannedUntil: number;
}

/**
 * What we hold against peers. gossipsub forgets a graylisted peer's score when it redials, so the memory is
 * ours: demerits that fade, and bans that end. Bounded: the longest untouched record goes first.
 */
export class Reputation {
  readonly #records = new Map<PeerId, Record>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Demerits now, 0 for a peer without any. */
  points(peer: PeerId): number {
    const r = this.#records.get(peer);
    return r === undefined ? 0 : r.points * 0.5 ** ((this.#now() - r.at) / netLimits.demeritHalfLifeMs);
  }

  /** Adds demerits; true when the peer has now deserved a ban. */
  blame(peer: PeerId, points: number): boolean {
    const total = this.points(peer) + points;
    this.#put(peer, {
      points: total,
      at: this.#now(),
      bannedUntil: this.#records.get(peer)?.bannedUntil ?? 0,
    });
    return total >= netLimits.banAt;
  }

  ban(peer: PeerId, ms: number): void {
    const until = this.#now() + ms;
    const bannedUntil = Math.max(until, this.#records.get(peer)?.bannedUntil ?? 0);
    this.#put(peer, { points: this.points(peer), at: this.#now(), bannedUntil });
  }

  banned(peer: PeerId): boolean {
    return (this.#records.get(peer)?.bannedUntil ?? 0) > this.#now();
  }

  get size(): number {
    return this.#records.size;
  }

  #put(peer: PeerId, record: Record): void {
    this.#records.delete(peer);
    this.#records.set(peer, record);
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= netLimits.remembered) break;
      this.#records.delete(oldest);
    }
  }
}
