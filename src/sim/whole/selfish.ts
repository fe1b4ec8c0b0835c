import { rateFor } from '../params.ts';
import { selfish } from '../strategy/shipped.ts';
import { WorldAttack } from '../strategy/world-attack.ts';
import { INTERVAL_MS, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeSelfish extends WholeInput {
  readonly alpha: number;
  readonly blocks: number;
}

const BATCHES = 25;

/**
 * An honest node and a selfish one of nothing but unchanged parts. The honest node has seen its own block first, so in a tie
 * it stays: γ = 0. Gives the attacker's share of the chain, in 25 stretches.
 */
export function runWholeSelfish(input: WholeSelfish, progress: (part: number) => void): number[] {
  const world = wholePair(input, { share: 1 - input.alpha, delay: 0.0001 });
  const params = world.params;
  const honest = world.node('A');
  world.node('B').mine({ hashrate: rateFor(params, input.alpha) });
  mineAll(world, true);
  new WorldAttack(world, 'B', selfish);
  const end = world.now + input.blocks * INTERVAL_MS * 1_000;
  while (world.now < end) {
    world.run(50 * INTERVAL_MS);
    progress(Math.min(1, 1 - (end - world.now) / (input.blocks * INTERVAL_MS * 1_000)));
  }
  const mine: boolean[] = [];
  for (let at = honest.tip; at.parent !== undefined; at = at.parent) mine.push(at.miner === 'B');
  const size = Math.floor(mine.length / BATCHES);
  return Array.from(
    { length: BATCHES },
    (_, i) => mine.slice(i * size, (i + 1) * size).filter((m) => m).length / size,
  );
}
