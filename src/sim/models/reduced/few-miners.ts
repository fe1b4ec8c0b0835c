import { exponential, type Random, seeded } from '../../../util/random.ts';
import { genesisBlock, ReducedBlock } from './block.ts';
import { INTERVAL } from './clusters.ts';
import { ArrivalQueue } from './queue.ts';
import type { SpeedRule } from './speed.ts';
import { GhostView, MostWorkView, type View } from './view.ts';

/** The private attack of `speed.ts` against a few honest miners of equal power, each of whom builds on its own block at once. */
export interface FewMinersInput {
  /** Blocks of the whole network, attacker included, per delay. */
  readonly x: number;
  /** The attacker's share. */
  readonly beta: number;
  readonly rule: SpeedRule;
  readonly miners: number;
  readonly races: number;
  /** How long each lasts, in block intervals of the whole network. */
  readonly horizon: number;
  /** Length of one long run without attack, in block intervals; 0 for none. */
  readonly growthBlocks: number;
  readonly seed: string;
}

export interface FewMinersFigures {
  /** Attacks whose private branch the first miner follows at the end. */
  readonly won: number;
  /** Blocks of the honest branch at the end of each attack. */
  readonly heights: readonly number[];
  /** Of the long run: length of the branch per block interval of the whole network, in 50 batches. */
  readonly growth: readonly number[];
}

const BATCHES = 50;

export function runFewMiners(input: FewMinersInput, progress: (part: number) => void): FewMinersFigures {
  const random = seeded(input.seed);
  const growth = input.growthBlocks === 0 ? [] : growthOf(input, random);
  const heights: number[] = [];
  let won = 0;
  for (let i = 0; i < input.races; i++) {
    const { won: lost, height } = attack(input, random);
    if (lost) won++;
    heights.push(height);
    if (i % 20 === 0) progress(i / input.races);
  }
  return { won, heights, growth };
}

/** What one miner has heard of: a tree of its own, since subtrees weigh for each what it knows. Ids number the blocks. */
class Miner {
  readonly #view: View;
  readonly #own: ReducedBlock[] = [];

  constructor(rule: SpeedRule) {
    const root = genesisBlock();
    this.#own.push(root);
    this.#view = rule === 'ghost' ? new GhostView(root) : new MostWorkView(root);
  }

  get tip(): ReducedBlock {
    return this.#view.tip;
  }

  hear({ id, parent, time, miner }: ReducedBlock): void {
    const block = new ReducedBlock(this.#own[parent!.id], time, miner, id);
    this.#own[id] = block;
    this.#view.hear(block);
  }
}

class Network {
  readonly miners: readonly Miner[];
  readonly blocks: ReducedBlock[] = [genesisBlock()];
  readonly #interval: number;
  readonly #delay: number;
  readonly #random: Random;
  readonly #travelling = new ArrivalQueue<ReducedBlock>();
  #nextFind: number;

  constructor({ x, beta, rule, miners }: FewMinersInput, random: Random) {
    this.miners = Array.from({ length: miners }, () => new Miner(rule));
    this.#interval = INTERVAL / (1 - beta);
    this.#delay = Math.round(x * INTERVAL);
    this.#random = random;
    this.#nextFind = exponential(this.#random, this.#interval);
  }

  /** On that miner's tip. */
  block(tip: ReducedBlock, time: number, miner: number): ReducedBlock {
    const block = new ReducedBlock(this.blocks[tip.id], time, miner, this.blocks.length);
    this.blocks.push(block);
    return block;
  }

  runUntil(time: number): void {
    for (;;) {
      const now = Math.min(this.#nextFind, this.#travelling.earliest);
      if (now > time) return;
      if (this.#travelling.earliest <= this.#nextFind) {
        this.#arrive();
        continue;
      }
      const finder = this.#random.below(this.miners.length);
      const block = this.block(this.miners[finder]!.tip, now, finder);
      for (const [to, miner] of this.miners.entries()) {
        if (to === finder) miner.hear(block);
        else this.#travelling.push(now + this.#delay, to, block);
      }
      this.#nextFind += exponential(this.#random, this.#interval);
    }
  }

  drain(): void {
    while (this.#travelling.size > 0) this.#arrive();
  }

  #arrive(): void {
    const block = this.#travelling.pop();
    this.miners[this.#travelling.where]!.hear(block);
  }

  get height(): number {
    return this.miners.reduce((most, { tip }) => Math.max(most, tip.height), 0);
  }
}

function growthOf(input: FewMinersInput, random: Random): number[] {
  const network = new Network(input, random);
  const span = Math.round((input.growthBlocks / BATCHES) * INTERVAL);
  const growth: number[] = [];
  let before = 0;
  for (let batch = 1; batch <= BATCHES; batch++) {
    network.runUntil(batch * span);
    growth.push(((network.height - before) * INTERVAL) / span);
    before = network.height;
  }
  return growth;
}

/** Both begin at the genesis; at the end the attacker shows all that it has, when the honest have heard of all theirs. */
function attack(input: FewMinersInput, random: Random): { readonly won: boolean; readonly height: number } {
  const network = new Network(input, random);
  const end = input.horizon * INTERVAL;
  network.runUntil(end);
  network.drain();
  const { height } = network;
  const [first] = network.miners as readonly [Miner];
  const [root] = network.blocks as [ReducedBlock];
  let secret = root;
  const wait = INTERVAL / input.beta;
  for (let t = exponential(random, wait); t <= end; t += exponential(random, wait)) {
    secret = network.block(secret, t, input.miners);
    first.hear(secret);
  }
  return { won: secret !== root && first.tip.id === secret.id, height };
}
