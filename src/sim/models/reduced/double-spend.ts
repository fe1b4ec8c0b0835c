import type { DoubleSpendModel } from '../../../observe/theory/attack.ts';
import { exponential, type Random, seeded } from '../../../util/random.ts';
import { firstSeenTie, genesisBlock, ReducedBlock, type Tie, wins } from './block.ts';
import { INTERVAL } from './clusters.ts';

export interface DoubleSpendInput {
  /** The attacker's share, below one half. */
  readonly q: number;
  /** Confirmations that the merchant waits for. */
  readonly z: number;
  readonly races: number;
  readonly model: DoubleSpendModel;
  readonly seed: string;
}

/** An attacker so far behind gives up: it would come back less often than once in a million races. */
const HOPELESS = 1e-6;

/** How many races the attacker wins. */
export function runDoubleSpends(input: DoubleSpendInput, progress: (part: number) => void): number {
  const random = seeded(input.seed);
  const giveUp = hopelessLag(input.q);
  let won = 0;
  for (let i = 0; i < input.races; i++) {
    if (race(input, giveUp, random)) won++;
    if (i % 1_000 === 0) progress(i / input.races);
  }
  return won;
}

/** Least lag from which (q/p)^lag is negligible. */
function hopelessLag(q: number): number {
  let chance = 1;
  let lag = 0;
  for (; chance > HOPELESS && lag < 10_000; lag++) chance *= q / (1 - q);
  return lag;
}

/**
 * Secret blocks at the moment of the payment of an attacker who mines all the time and starts anew on the public tip when it
 * falls behind: a random walk that is held at 0, after a long time.
 */
export function leadAtStart(q: number, random: Random): number {
  let lead = 0;
  while (random.unit() < q / (1 - q)) lead++;
  return lead;
}

const theAttackers: Tie = () => 1;

/** Both start at the parent of the block with the payment; 0 is the attacker. */
function race({ q, z, model }: DoubleSpendInput, giveUp: number, random: Random): boolean {
  const parent = genesisBlock();
  let secret = parent;
  let chain = parent;
  const find = (byAttacker: boolean) => {
    if (byAttacker) secret = new ReducedBlock(secret, 0, 0, random.u32());
    else chain = new ReducedBlock(chain, 0, 1, random.u32());
  };
  if (model === 'premined') for (let lead = leadAtStart(q, random); lead > 0; lead--) find(true);
  if (model === 'nakamoto') {
    // The z honest blocks take exactly their mean time; what the attacker finds meanwhile is left to chance.
    const until = (z * INTERVAL) / (1 - q);
    for (let t = exponential(random, INTERVAL / q); t <= until; t += exponential(random, INTERVAL / q))
      find(true);
    while (chain.height < z) find(false);
  } else while (chain.height < z) find(random.unit() < q);
  const tie = model === 'strict' || model === 'premined' ? firstSeenTie : theAttackers;
  // The goods are handed over. From now on the secret branch is shown as soon as a node would follow it.
  while (!wins(secret, chain, tie)) {
    if (chain.height - secret.height >= giveUp) return false;
    find(random.unit() < q);
  }
  return true;
}
