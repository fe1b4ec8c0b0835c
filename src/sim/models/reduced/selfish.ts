import { assert } from '../../../util/assert.ts';
import { type Random, seeded } from '../../../util/random.ts';
import { selfish } from '../../strategy/shipped.ts';
import { decisionProblem, type Race, type Strategy } from '../../strategy/strategy.ts';
import { firstSeenTie, forkPointOf, genesisBlock, ReducedBlock, wins } from './block.ts';

export interface SelfishInput {
  /** The attacker's share. */
  readonly alpha: number;
  /** Part of the honest power that mines on the attacker's branch in a tie. */
  readonly gamma: number;
  readonly blocks: number;
  readonly seed: string;
}

export interface SelfishFigures {
  /** The attacker's share of the branch in the end, in 50 stretches. */
  readonly revenue: readonly number[];
  /** Blocks of the branch. */
  readonly height: number;
}

const BATCHES = 50;
const ATTACKER = 0;

/** One attacker who plays the strategy that whole nodes play too, among honest miners who hear of blocks at once. */
export function runSelfish(input: SelfishInput, progress: (part: number) => void): SelfishFigures {
  const game = new Game(selfish, input, seeded(input.seed));
  for (let i = 0; i < input.blocks; i++) {
    game.find();
    if (i % 10_000 === 0) progress(i / input.blocks);
  }
  const miners: number[] = [];
  for (let at = game.public; at.parent !== undefined; at = at.parent) miners.push(at.miner);
  const size = Math.floor(miners.length / BATCHES);
  const revenue = Array.from({ length: BATCHES }, (_, i) => {
    const stretch = miners.slice(i * size, (i + 1) * size);
    return stretch.filter((m) => m === ATTACKER).length / size;
  });
  return { revenue, height: miners.length };
}

class Game {
  readonly #strategy: Strategy;
  readonly #alpha: number;
  readonly #gamma: number;
  readonly #random: Random;
  /** End of the branch that the attacker mines on. */
  #own = genesisBlock();
  /** Highest of its blocks that everybody knows. */
  #shown = this.#own;
  /** What the honest would show somebody who asks; their rival to the attacker's where there is one. */
  public = this.#own;

  constructor(strategy: Strategy, { alpha, gamma }: SelfishInput, random: Random) {
    this.#strategy = strategy;
    this.#alpha = alpha;
    this.#gamma = gamma;
    this.#random = random;
  }

  find(): void {
    if (this.#random.unit() < this.#alpha) {
      this.#own = new ReducedBlock(this.#own, 0, ATTACKER, 0);
      this.#decide('own');
      return;
    }
    const tie = this.#shown !== this.public && this.#shown.height === this.public.height;
    const on = tie && this.#random.unit() < this.#gamma ? this.#shown : this.public;
    this.public = new ReducedBlock(on, 0, 1, 0);
    this.#decide('public');
  }

  #decide(event: Race['event']): void {
    const fork = forkPointOf(this.#own, this.public);
    if (this.#shown.height < fork.height) this.#shown = fork;
    const race: Race = {
      event,
      own: this.#own.height - fork.height,
      public: this.public.height - fork.height,
      published: this.#shown.height - fork.height,
    };
    const decision = this.#strategy(race);
    assert(decisionProblem(decision, race) === undefined, 'a shipped strategy can be carried out');
    if (decision.mineOn === 'public') {
      this.#own = this.public;
      this.#shown = this.public;
      return;
    }
    while (this.#shown.height - fork.height < decision.publish)
      this.#shown = ancestorAt(this.#own, this.#shown.height + 1);
    if (wins(this.#shown, this.public, firstSeenTie)) this.public = this.#shown;
  }
}

function ancestorAt(block: ReducedBlock, height: number): ReducedBlock {
  let at = block;
  while (at.height > height) at = at.parent!;
  return at;
}
