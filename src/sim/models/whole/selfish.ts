import { squareRoot } from '../../../util/elementary.ts';
import { selfish } from '../../strategy/shipped.ts';
import { WorldAttack } from '../../strategy/world-attack.ts';
import { rateFor } from '../../world/params.ts';
import { World } from '../../world/world.ts';
import { INTERVAL_MS, labParams, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeSelfish extends WholeInput {
  readonly alpha: number;
  /** At most MOST_GAMMA. */
  readonly gamma: number;
  readonly blocks: number;
}

/** Who finds a block never leaves it at a tie, so a larger part takes more honest nodes than are worth their time. */
export const MOST_GAMMA = 0.9;

const BATCHES = 25;
/** Near one half of the power a secret branch can be thousands of blocks long. */
const EVERY_BODY = { keepBodies: Number.POSITIVE_INFINITY };
/** All short against a block interval: the theory is one without delays. */
const SOON_MS = 0.1;
const LATER_MS = 1;
const LATE_MS = 3;

/** An honest node's part of the honest power, and whether the attacker's messages reach it before those of other honest ones. */
interface Honest {
  readonly name: string;
  readonly part: number;
  readonly near: boolean;
}

/** The attacker's share of the chain, in 25 stretches. Every node is an unchanged one. */
export function runWholeSelfish(input: WholeSelfish, progress: (part: number) => void): number[] {
  const { world } = input.gamma === 0 ? alone(input) : surrounded(input);
  const end = world.now + input.blocks * INTERVAL_MS * 1_000;
  while (world.now < end) {
    world.run(50 * INTERVAL_MS);
    progress(Math.min(1, 1 - (end - world.now) / (input.blocks * INTERVAL_MS * 1_000)));
  }
  const mine: boolean[] = [];
  for (let at = world.node('A').tip; at.parent !== undefined; at = at.parent) mine.push(at.miner === 'B');
  const size = Math.floor(mine.length / BATCHES);
  return Array.from(
    { length: BATCHES },
    (_, i) => mine.slice(i * size, (i + 1) * size).filter((m) => m).length / size,
  );
}

/** One honest node. It has seen its own block first, so in a tie it stays: γ = 0. */
function alone(input: WholeSelfish): { readonly world: World } {
  const world = wholePair(input, { share: 1 - input.alpha, delay: 0.0001 }, EVERY_BODY);
  world.node('B').mine({ hashrate: rateFor(world.params, input.alpha) });
  mineAll(world, true);
  new WorldAttack(world, 'B', { strategy: selfish });
  return { world };
}

/**
 * The attacker listens at one node (B), which hears of honest blocks before the others do, and speaks at another (M), which
 * some honest nodes hear before they hear each other. So in a tie they keep what they saw first: the attacker's block; but
 * for the finder of the other one.
 */
export function surrounded(input: WholeSelfish): {
  readonly world: World;
  readonly honest: readonly Honest[];
} {
  const params = labParams(input.networks);
  const link = { delayMs: LATER_MS };
  const world = new World({ params, seed: input.seed, link, ...EVERY_BODY });
  const honest = honestParts(input.gamma);
  for (const { name, part } of honest)
    world.add(name, { hashrate: rateFor(params, part * (1 - input.alpha)), mines: false });
  world.connectAll();
  world.add('B', { hashrate: rateFor(params, input.alpha), mines: false });
  world.add('M', { mines: false });
  for (const { name, near } of honest) {
    world.connect(name, 'B');
    world.shape(name, 'B', { delayMs: SOON_MS });
    world.shape('B', name, { delayMs: LATE_MS });
    if (!near) continue;
    world.connect('M', name);
    world.shape('M', name, { delayMs: SOON_MS });
    world.shape(name, 'M', { delayMs: LATE_MS });
  }
  world.run(1_000);
  for (const { name } of honest) world.node(name).mine({ on: true });
  new WorldAttack(world, 'B', { strategy: selfish }, { mouths: ['M'] });
  return { world, honest };
}

/**
 * n near nodes with f of the honest power between them, and one with the rest. The finder of the rival block is one of them
 * as often as its power says, so f − f²/n is on the attacker's side of a tie, in the mean; a tie ends with the next block, so
 * only the mean counts. Solved for f; it is at most 1 where n ≥ 1/(1 − γ).
 */
function honestParts(gamma: number): readonly Honest[] {
  const n = Math.max(2, Math.ceil(1 / (1 - gamma) - 1e-9));
  const near = Math.min(1, (n / 2) * (1 - squareRoot(Math.max(0, 1 - (4 * gamma) / n))));
  const parts: Honest[] = Array.from({ length: n }, (_, i) => ({
    name: i === 0 ? 'A' : `A${i}`,
    part: near / n,
    near: true,
  }));
  return near > 1 - 1e-9 ? parts : [...parts, { name: 'R', part: 1 - near, near: false }];
}
