// A mining strategy of your own: one function. It is asked whenever a block is found and sees the race as numbers, counted
// in blocks above the fork (the last block that your branch and the public one share):
//
//   race.event      'own': you found a block; 'public': the others did
//   race.own        your blocks above the fork, shown or not
//   race.public     the public branch's blocks above the fork
//   race.published  how many of yours everybody knows already
//
// It answers how many of your blocks are public from now on (`publish`, from race.published to race.own), and whether you
// go on on your own branch or give it up for the public one (`mineOn`: 'own' or 'public').
//
// This one is a cautious selfish miner: it keeps one secret block at most. Try it:
//
//   forkyard strategy examples/strategy.mjs --sim --power 0.4      in the simulator, 1,000 blocks in seconds
//   forkyard strategy examples/strategy.mjs -N C                   against a running yard, until Ctrl-C
//
// How does its share of the main chain compare with its share of the power? And with `selfish`, at the same --seed?

/**
 * @param {{ event: 'own' | 'public', own: number, public: number, published: number }} race
 * @returns {{ publish: number, mineOn: 'own' | 'public' }}
 */
export default function cautious(race) {
  if (race.public > race.own) return { publish: race.published, mineOn: 'public' };
  const secret = race.own - race.published;
  // Somebody else found a block, or there is more than one to lose: show everything.
  if (race.event === 'public' || secret > 1) return { publish: race.own, mineOn: 'own' };
  return { publish: race.published, mineOn: 'own' };
}
