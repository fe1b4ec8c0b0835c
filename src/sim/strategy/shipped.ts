import { PaidTwice } from './paid-twice.ts';
import { giveUp, type Race, type Strategy, showAll, wait } from './strategy.ts';

/** The protocol: every block is shown at once, and the longest branch is mined on; at a tie the own one. */
export const honest: Strategy = (race) => (race.public > race.own ? giveUp(race) : showAll(race));

/** Own and public branch are equally long and both known: the network is split between them. */
function isTie(own: number, race: Race): boolean {
  return race.public > 0 && own === race.public && race.published === own;
}

export interface Stubbornness {
  /** L: with the lead, show only as many blocks as the public has, never the whole branch at a lead of one. */
  readonly lead?: boolean;
  /** F: at a tie, keep the block that would win it. */
  readonly fork?: boolean;
  /** T_j: behind by so many blocks, still mine on. 0 gives up as soon as it is behind. */
  readonly trail?: number;
}

/**
 * Selfish mining and its stubborn kin, as K. Nayak, S. Kumar, A. Miller and E. Shi have them: "Stubborn Mining: Generalizing
 * Selfish Mining and Combining with an Eclipse Attack" (EuroS&P 2016). Without any stubbornness it is the strategy of
 * I. Eyal and E. G. Sirer, "Majority is not enough: Bitcoin mining is vulnerable" (2013): keep blocks secret; when the
 * honest find one, show just enough to race or to win, so that honest work is wasted.
 */
export function stubborn({ lead = false, fork = false, trail = 0 }: Stubbornness): Strategy {
  return (race) => {
    const ahead = race.own - race.public;
    if (race.event === 'own') {
      // It was a tie before this block.
      if (isTie(race.own - 1, race)) return fork ? wait(race) : showAll(race);
      // Caught up from behind: race.
      return ahead === 0 && race.public > 0 ? showAll(race) : wait(race);
    }
    if (ahead < 0) return race.own > 0 && -ahead <= trail ? wait(race) : giveUp(race);
    if (ahead === 0 || (ahead === 1 && !lead)) return showAll(race);
    return { publish: Math.max(race.published, race.public), mineOn: 'own' };
  };
}

export const selfish: Strategy = stubborn({});

/**
 * The private double spend of S. Nakamoto's paper (2008, section 11), judged as M. Rosenfeld, "Analysis of hashrate-based
 * double-spending" (2014), with a strictly longer branch: mine in secret from the parent of the block with the payment;
 * when the payment has its confirmations and the secret branch is longer, show all of it. `giveUpAt`: so many blocks behind,
 * start anew from the public tip (a patient attacker never would; at ten blocks and a third of the power that costs him
 * less than one success in a thousand). `confirmed`: of the payment; without one, of the first public block.
 */
export function doubleSpend({
  confirmations = CONFIRMATIONS,
  giveUpAt = PATIENCE,
  confirmed = (race: Race) => race.public,
} = {}): Strategy {
  return (race) => {
    if (confirmed(race) >= confirmations && race.own > race.public) return showAll(race);
    return race.public - race.own >= giveUpAt ? giveUp(race) : wait(race);
  };
}

/** What merchants wait for by custom, and the most that may be asked for. */
const CONFIRMATIONS = 6;
export const MOST_CONFIRMATIONS = 100;
/** Blocks behind at which a race is given up by default, and at most. */
const PATIENCE = 10;
export const MOST_PATIENCE = 10_000;

/** How one cheats; what is absent is as usual. */
export interface CheatTerms {
  /** What the merchant waits for. */
  readonly confirmations?: number | undefined;
  /** So many blocks behind, the attacker gives up and starts anew. */
  readonly patience?: number | undefined;
}

export interface ShippedStrategy {
  readonly says: string;
  readonly strategy: Strategy;
  /** It pays somebody, who waits for confirmations. */
  readonly cheats?: true;
}

/** By the name that a person types. */
export const STRATEGIES: Readonly<Record<string, ShippedStrategy>> = {
  honest: { says: 'shows every block at once: the protocol', strategy: honest },
  selfish: { says: 'keeps blocks secret to waste honest work (Eyal and Sirer 2013)', strategy: selfish },
  'lead-stubborn': {
    says: 'selfish, and never shows its whole lead (Nayak et al. 2016, L)',
    strategy: stubborn({ lead: true }),
  },
  'fork-stubborn': {
    says: 'selfish, and keeps a tie open that it could win (Nayak et al. 2016, F)',
    strategy: stubborn({ fork: true }),
  },
  'trail-stubborn': {
    says: 'selfish, and mines on while one block behind (Nayak et al. 2016, T1)',
    strategy: stubborn({ trail: 1 }),
  },
  'double-spend': {
    says: 'pays bob, and undoes it by a secret branch after six confirmations (Nakamoto 2008)',
    strategy: doubleSpend(),
    cheats: true,
  },
};

/** A strategy as it is played once: with the payments that belong to it, if it makes any. */
export interface Play {
  readonly strategy: Strategy;
  readonly paid?: PaidTwice;
}

export function playOf({ strategy, cheats }: ShippedStrategy, terms: CheatTerms = {}): Play {
  if (cheats !== true) return { strategy };
  const { confirmations = CONFIRMATIONS, patience: giveUpAt = PATIENCE } = terms;
  const paid = new PaidTwice();
  return {
    paid,
    strategy: doubleSpend({ confirmations, giveUpAt, confirmed: (race) => paid.confirmed(race) }),
  };
}
