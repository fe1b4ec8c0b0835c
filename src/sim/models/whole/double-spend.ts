import type { DoubleSpendModel } from '../../../observe/theory/attack.ts';
import { assert } from '../../../util/assert.ts';
import { type Random, seeded } from '../../../util/random.ts';
import type { World } from '../../world/world.ts';
import { leadAtStart } from '../reduced/double-spend.ts';
import { FOREVER_MS, INTERVAL_MS, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeDoubleSpends extends WholeInput {
  readonly q: number;
  readonly z: number;
  readonly races: number;
  readonly model: DoubleSpendModel;
}

/** An attacker so far behind gives up: it would come back less often than once in a thousand races. */
export const HOPELESS = 1e-3;
/** In virtual time. */
const SOON_MS = 1_000;
/** In virtual time; a race at a share of 0.49 can take ten thousand blocks, which are asked for one after the other. */
const SETTLE_MS = 86_400_000;

/**
 * Node A is the network, B the attacker, and nothing is between them until B has more work than A and the payment has its
 * confirmations, or has lost. Then they are linked: it is A's own reorganisation onto B's branch that counts. Each race has
 * a network of its own, with all bodies: a race has no longest length, and a pruned body would end it. Nodes keep what they
 * saw first, so a tie is enough only for one who has a block mined in advance.
 */
export function runWholeDoubleSpends(input: WholeDoubleSpends, progress: (part: number) => void): number {
  let giveUp = 0;
  for (let chance = 1; chance > HOPELESS; chance *= input.q / (1 - input.q)) giveUp++;
  const random = seeded(`${input.seed}/leads`);
  let won = 0;
  for (let race = 0; race < input.races; race++) {
    const world = wholePair(
      { ...input, seed: `${input.seed}/${race}` },
      { share: 1 - input.q, delay: 0, linked: false },
      { keepBodies: Number.POSITIVE_INFINITY },
    );
    if (wins(world, input, giveUp, blocksBefore(input, random))) won++;
    progress(race / input.races);
  }
  return won;
}

/** What the attacker has mined in secret when it pays. One block makes it win where it would be level. */
function blocksBefore({ q, model }: WholeDoubleSpends, random: Random): number {
  if (model === 'strict') return 0;
  return model === 'premined' ? leadAtStart(q, random) : 1;
}

function wins(world: World, input: WholeDoubleSpends, giveUp: number, before: number): boolean {
  const [honest, attacker] = [world.node('A'), world.node('B')];
  for (let height = 1; height <= before; height++) {
    attacker.mineOne();
    assert(
      world.until(() => attacker.tip.height === height, SOON_MS),
      'a node connects its own block',
    );
  }
  if (input.model === 'nakamoto') confirmByClock(world, input);
  mineAll(world, true);
  const ended = () => {
    const lead = attacker.tip.height - honest.tip.height;
    return honest.tip.height >= input.z && (lead > 0 || -lead >= giveUp);
  };
  assert(world.until(ended, FOREVER_MS), 'a race ends');
  mineAll(world, false);
  const { id } = attacker.tip;
  world.connect('B', 'A');
  assert(
    world.until(() => world.agreed(), SETTLE_MS),
    'linked nodes of different work agree',
  );
  return honest.tip.id === id;
}

/** The attacker mines by chance, while each confirmation takes exactly its mean time. */
function confirmByClock(world: World, { q, z }: WholeDoubleSpends): void {
  world.node('B').mine({ on: true });
  for (let i = 0; i < z; i++) {
    world.run(INTERVAL_MS / (1 - q));
    world.node('A').mineOne();
  }
}
