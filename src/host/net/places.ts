import { performance } from 'node:perf_hooks';
import type { PeerId } from '../../node/types.ts';
import { parseAddress } from './address.ts';
import { type EvictionLimits, evictionVictim } from './eviction.ts';
import { netLimits } from './limits.ts';
import { roundTripOf } from './muxer.ts';
import type { Session, Sessions } from './sessions.ts';

export interface PlacesOptions {
  readonly maxPeers: number;
  readonly sessions: () => Sessions;
  /** We were told to dial this peer. */
  readonly dialled: (peer: PeerId) => boolean;
}

/**
 * Who has one of the node's places. Strangers leave some to the peers that the operator named, and when they have taken
 * theirs, a newcomer gets the place of one that is less worth keeping (net/eviction.ts).
 */
export class Places {
  readonly #o: PlacesOptions;
  readonly #forStrangers: number;
  /** A node with few places protects fewer, or a newcomer would never find one. */
  readonly #keep: EvictionLimits;
  /** Have a place though we do not dial them. */
  readonly #named = new Set<PeerId>();

  constructor(o: PlacesOptions) {
    this.#o = o;
    this.#forStrangers = o.maxPeers - Math.min(netLimits.reservedPlaces, Math.floor(o.maxPeers / 4));
    const eighth = Math.floor(this.#forStrangers / 8);
    this.#keep = {
      keepNear: Math.min(netLimits.keepNear, eighth),
      keepTx: Math.min(netLimits.keepTx, eighth),
      keepBlock: Math.min(netLimits.keepBlock, eighth),
      graceMs: netLimits.graceMs,
    };
  }

  /** @throws Error with a sentence: a malformed address, one without a peer id, too many peers. */
  protect(address: string): void {
    const { peer } = parseAddress(address);
    if (peer === undefined)
      throw new Error(`"${address}" does not name a peer: it must end in /p2p/ and a peer id`);
    if (this.#named.size >= netLimits.namedPeers && !this.#named.has(peer))
      throw new Error(
        `places are kept for ${netLimits.namedPeers} peers already, which is as many as there can be`,
      );
    this.#named.add(peer);
  }

  /** `pending`: peers that are coming in, beside those with a session. False = there is no place for this one. */
  makeRoom(peer: PeerId, pending: number): boolean {
    const sessions = this.#o.sessions();
    const strangers = [...sessions.all()].filter((s) => s.inbound && !this.#isNamed(s.peer));
    const full = sessions.size + pending >= this.#o.maxPeers;
    if (this.#isNamed(peer)) {
      if (!full) return true;
      // Who was named counts more than any reason to keep a stranger; a place beyond the bound is the operator's doing.
      const victim = this.#victim(strangers) ?? strangers.at(-1);
      if (victim !== undefined) sessions.end(victim, 'its place is needed for a named peer');
      return true;
    }
    if (!full && strangers.length + pending < this.#forStrangers) return true;
    const victim = this.#victim(strangers);
    if (victim === undefined) return false;
    sessions.end(victim, 'its place is needed');
    return true;
  }

  #isNamed(peer: PeerId): boolean {
    return this.#named.has(peer) || this.#o.dialled(peer);
  }

  #victim(strangers: readonly Session[]): Session | undefined {
    const candidates = strangers.map((s) => ({ ...s, rttMs: roundTripOf(s.connection) }));
    const victim = evictionVictim(candidates, performance.now(), this.#keep);
    return strangers.find((s) => s.peer === victim);
  }
}
