import { assert } from '../../util/assert.ts';
import { mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeDoubleSpends extends WholeInput {
  readonly q: number;
  readonly z: number;
  readonly races: number;
}

/** An attacker so far behind gives up: it would come back less often than once in a thousand races. */
const HOPELESS = 1e-3;
const DAY_MS = 86_400_000;
const SETTLE_MS = 600_000;

/**
 * Node A is the network, B the attacker, and nothing is between them until B has more work than A and the payment has its
 * confirmations, or has lost. Then they are linked: it is A's own reorganisation onto B's branch that counts. The next race
 * begins where both agree.
 */
export function runWholeDoubleSpends(input: WholeDoubleSpends, progress: (part: number) => void): number {
  let giveUp = 0;
  for (let chance = 1; chance > HOPELESS; chance *= input.q / (1 - input.q)) giveUp++;
  const world = wholePair(input, { share: 1 - input.q, delay: 0, linked: false });
  const [honest, attacker] = [world.node('A'), world.node('B')];
  let won = 0;
  for (let race = 0; race < input.races; race++) {
    const from = honest.tip.height;
    mineAll(world, true);
    const ended = () => {
      const lead = attacker.tip.height - honest.tip.height;
      return honest.tip.height - from >= input.z && (lead > 0 || -lead >= giveUp);
    };
    world.until(ended, 10 * DAY_MS);
    mineAll(world, false);
    const { id } = attacker.tip;
    world.connect('B', 'A');
    const settled = world.until(() => world.agreed(), SETTLE_MS);
    assert(settled, 'linked nodes of different work agree');
    if (honest.tip.id === id) won++;
    world.disconnect('B', 'A');
    world.run(1_000);
    progress(race / input.races);
  }
  return won;
}
