import { exponential, type Random, seeded } from '../../../util/random.ts';
import { genesisBlock, ReducedBlock } from './block.ts';
import { INTERVAL } from './clusters.ts';
import { ArrivalQueue } from './queue.ts';
import { GhostView, MostWorkView, type View } from './view.ts';

export type SpeedRule = 'most-work' | 'ghost';

export interface SpeedInput {
  /** Blocks of the whole network, attacker included, per delay. */
  readonly x: number;
  /** The attacker's share. */
  readonly beta: number;
  readonly rule: SpeedRule;
  /** Private attacks, each from a fresh start. */
  readonly races: number;
  /** How long each lasts, in block intervals of the whole network. */
  readonly horizon: number;
  /** Blocks of one long run without attack, for the growth of the honest branch; 0 for none. */
  readonly growthBlocks: number;
  readonly seed: string;
}

export interface SpeedFigures {
  /** Attacks whose private branch the network would follow at the end. */
  readonly won: number;
  /** Of the long run: length of the branch per block interval of the whole network, in 50 batches. */
  readonly growth: readonly number[];
}

const BATCHES = 50;

export function runSpeed(input: SpeedInput, progress: (part: number) => void): SpeedFigures {
  const random = seeded(input.seed);
  const growth = input.growthBlocks === 0 ? [] : growthOf(input, random);
  let won = 0;
  for (let i = 0; i < input.races; i++) {
    if (attack(input, random)) won++;
    if (i % 20 === 0) progress(i / input.races);
  }
  return { won, growth };
}

/** Many tiny honest miners, each one delay late; nobody has enough power to build on its own block before the others. */
class Honest {
  readonly view: View;
  readonly #interval: number;
  readonly #delay: number;
  readonly #random: Random;
  readonly #travelling = new ArrivalQueue<ReducedBlock>();
  #nextFind: number;

  constructor({ x, beta, rule }: SpeedInput, root: ReducedBlock, random: Random) {
    this.view = rule === 'ghost' ? new GhostView(root) : new MostWorkView(root);
    this.#interval = INTERVAL / (1 - beta);
    this.#delay = Math.round(x * INTERVAL);
    this.#random = random;
    this.#nextFind = exponential(random, this.#interval);
  }

  runUntil(time: number): void {
    for (;;) {
      const now = Math.min(this.#nextFind, this.#travelling.earliest);
      if (now > time) return;
      if (this.#travelling.earliest <= this.#nextFind) {
        this.view.hear(this.#travelling.pop());
        continue;
      }
      const block = new ReducedBlock(this.view.tip, now, 1, this.#random.u32());
      this.#travelling.push(now + this.#delay, 0, block);
      this.#nextFind += exponential(this.#random, this.#interval);
    }
  }

  drain(): void {
    while (this.#travelling.size > 0) this.view.hear(this.#travelling.pop());
  }
}

function growthOf(input: SpeedInput, random: Random): number[] {
  const honest = new Honest({ ...input, rule: 'most-work' }, genesisBlock(), random);
  const span = Math.round((input.growthBlocks / BATCHES) * INTERVAL);
  const growth: number[] = [];
  let before = 0;
  for (let batch = 1; batch <= BATCHES; batch++) {
    honest.runUntil(batch * span);
    growth.push(((honest.view.tip.height - before) * INTERVAL) / span);
    before = honest.view.tip.height;
  }
  return growth;
}

/** Both begin at the genesis; at the end the attacker shows all that it has, when the honest have heard of all theirs. */
function attack(input: SpeedInput, random: Random): boolean {
  const root = genesisBlock();
  const end = input.horizon * INTERVAL;
  const honest = new Honest(input, root, random);
  honest.runUntil(end);
  honest.drain();
  let secret = root;
  const shown: ReducedBlock[] = [];
  const wait = INTERVAL / input.beta;
  for (let t = exponential(random, wait); t <= end; t += exponential(random, wait)) {
    secret = new ReducedBlock(secret, t, 0, random.u32());
    shown.push(secret);
  }
  for (const block of shown) honest.view.hear(block);
  return secret !== root && honest.view.tip === secret;
}
