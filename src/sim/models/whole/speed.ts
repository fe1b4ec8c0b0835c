import { rateFor } from '../../world/params.ts';
import { World } from '../../world/world.ts';
import type { SpeedRule } from '../reduced/speed.ts';
import { INTERVAL_MS, labParams, mineAll, type WholeInput } from './pair.ts';

export interface WholeSpeed extends WholeInput {
  readonly x: number;
  readonly beta: number;
  readonly rule: SpeedRule;
  readonly miners: number;
  readonly races: number;
  readonly horizon: number;
}

export interface WholeSpeedFigures {
  readonly won: number;
  /** Blocks of the honest branch at the end of each attack. */
  readonly heights: readonly number[];
}

/** What the attacker shows is asked for in several round trips over a link without a delay. */
const SHOWN_MS = 60_000;

/**
 * The attacks of `sim/models/reduced/few-miners.ts` on whole nodes: honest ones linked all with all, and one that mines alone and is
 * linked with the first of them in the end. Each attack has a world of its own.
 */
export function runWholeSpeed(input: WholeSpeed, progress: (part: number) => void): WholeSpeedFigures {
  const heights: number[] = [];
  let won = 0;
  for (let race = 0; race < input.races; race++) {
    const world = networkOf(input, race);
    const honest = [...world.nodes.values()];
    const attacker = world.add('B', { hashrate: rateFor(world.params, input.beta), mines: false });
    mineAll(world, true);
    world.run(input.horizon * INTERVAL_MS);
    mineAll(world, false);
    world.run((4 * input.x + 1) * INTERVAL_MS);
    heights.push(honest.reduce((most, { tip }) => Math.max(most, tip.height), 0));
    const { id, height } = attacker.tip;
    world.connect('B', 'A0', { delayMs: 0 });
    if (world.until(() => honest[0]!.tip.id === id, SHOWN_MS) && height > 0) won++;
    progress(race / input.races);
  }
  return { won, heights };
}

function networkOf({ networks, seed, x, beta, rule, miners }: WholeSpeed, race: number): World {
  const params = labParams(networks);
  const world = new World({
    params,
    seed: `${seed}/${race}`,
    link: { delayMs: x * INTERVAL_MS },
    forkChoice: rule === 'ghost' ? 'ghost' : 'first-seen',
  });
  for (let i = 0; i < miners; i++)
    world.add(`A${i}`, { hashrate: rateFor(params, (1 - beta) / miners), mines: false });
  world.connectAll();
  // Connected before the first block: a handshake takes its own round trips.
  world.run(20 * x * INTERVAL_MS + 1_000);
  return world;
}
