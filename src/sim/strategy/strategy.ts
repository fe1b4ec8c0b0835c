/**
 * What a miner does who does not follow the rules of the game: which branch it mines on, and which of its own blocks it
 * shows, and when. A strategy is one function. It is called whenever a block is found, its own or somebody else's, and sees
 * the race as four numbers; the same function plays in the reduced model, on simulated nodes and against a live yard.
 *
 * Numbers count blocks above the fork: the last block that the miner's own branch and the public one have in common. That
 * supposes equal work at equal height, as on networks whose difficulty stands still.
 */
export interface Race {
  /** What has just happened: the miner found a block, or a public one arrived. */
  readonly event: 'own' | 'public';
  /** Own blocks above the fork, shown or not. */
  readonly own: number;
  /** Blocks of the public branch above the fork: the one with most work, and not ours where there is another. */
  readonly public: number;
  /** How many of the own ones, counted from the fork, everybody knows already. */
  readonly published: number;
}

export interface Decision {
  /** So many of the own blocks, counted from the fork, are public from now on: from `race.published` to `race.own`. */
  readonly publish: number;
  /** Mine on: the own branch, or the tip of the public one, which gives the own branch up. */
  readonly mineOn: 'own' | 'public';
}

export type Strategy = (race: Race) => Decision;

/** Nothing new is shown, and mining goes on where it was. */
export function wait(race: Race): Decision {
  return { publish: race.published, mineOn: 'own' };
}

/** Everything is shown. */
export function showAll(race: Race): Decision {
  return { publish: race.own, mineOn: 'own' };
}

/** The own branch is given up. */
export function giveUp(race: Race): Decision {
  return { publish: race.published, mineOn: 'public' };
}

/** A decision that cannot be carried out is its author's mistake, and is told as one: the sentence, or undefined. */
export function decisionProblem(decision: unknown, race: Race): string | undefined {
  const asked = `for ${JSON.stringify(race)}`;
  if (typeof decision !== 'object' || decision === null)
    return `the strategy must answer { publish, mineOn }, not ${typeof decision}, ${asked}`;
  const { publish, mineOn } = decision as Partial<Decision>;
  if (typeof publish !== 'number' || !Number.isInteger(publish))
    return `the strategy's publish must be a whole number, ${asked}`;
  if (publish < race.published || publish > race.own)
    return `the strategy's publish must be from ${race.published} to ${race.own} (what is public stays so), not ${publish}, ${asked}`;
  if (mineOn !== 'own' && mineOn !== 'public')
    return `the strategy's mineOn must be 'own' or 'public', ${asked}`;
  return undefined;
}
