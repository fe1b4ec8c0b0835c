import type { PeerId } from '../../node/types.ts';

/** A peer that came to us and whom nobody has named. */
export interface Candidate {
  readonly peer: PeerId;
  /** All times in milliseconds of one clock. */
  readonly openedAt: number;
  /** Its sync stream runs. */
  readonly joined: boolean;
  /** The shortest round trip measured; undefined when there was none yet. */
  readonly rttMs: number | undefined;
  /** When a block, or a payment, of its was last accepted; undefined = never. */
  readonly blockAt: number | undefined;
  readonly txAt: number | undefined;
}

export interface EvictionLimits {
  /** Kept for the shortest round trip, for the latest payments, for the latest blocks. */
  readonly keepNear: number;
  readonly keepTx: number;
  readonly keepBlock: number;
  /** Who came later than this is spared. */
  readonly graceMs: number;
}

/**
 * Whom to hang up on so that somebody else finds a place; undefined = nobody. After Bitcoin Core's
 * AttemptToEvictConnection: an attacker would have to beat honest peers in each of several ways, some of which cannot be
 * had at once. Kept are the nearest, the latest useful, and of the others the half that is here longest. Of the rest goes,
 * first, who has not joined, and then the youngest, as in Core; but a newcomer gets a moment to join and to be of use, or
 * the next stranger would take its place at once, and nobody would ever get in.
 */
export function evictionVictim(
  candidates: readonly Candidate[],
  now: number,
  o: EvictionLimits,
): PeerId | undefined {
  let rest = [...candidates].sort((a, b) => a.openedAt - b.openedAt || (a.peer < b.peer ? -1 : 1));
  const keep = (count: number, value: (c: Candidate) => number | undefined) => {
    const best = rest
      .filter((c) => value(c) !== undefined)
      .sort((a, b) => value(b)! - value(a)!)
      .slice(0, count);
    rest = rest.filter((c) => !best.includes(c));
  };
  keep(o.keepBlock, (c) => c.blockAt);
  keep(o.keepTx, (c) => c.txAt);
  keep(o.keepNear, (c) => (c.rttMs === undefined ? undefined : -c.rttMs));
  rest = rest.slice(Math.floor(rest.length / 2));
  rest = rest.filter((c) => now - c.openedAt >= o.graceMs);
  return (rest.findLast((c) => !c.joined) ?? rest.at(-1))?.peer;
}
