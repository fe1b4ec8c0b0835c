import { Attack, type Move, type SeenBlock } from '../../src/sim/strategy/attack.ts';
import type { Strategy } from '../../src/sim/strategy/strategy.ts';
import { seeded } from '../../src/util/random.ts';

interface Block extends SeenBlock {
  readonly mine: boolean;
}

/**
 * The smallest world for a strategy: one attacker of power `alpha`, honest miners who all hear of a public block at once,
 * of whom a share `gamma` takes the attacker's side of a tie. No delays, no nodes: what the published formulas suppose.
 */
export class Duel {
  readonly blocks = new Map<string, Block>();
  readonly attack: Attack;
  readonly moves: Move[] = [];
  readonly #public = new Set<string>(['g']);
  readonly #random;
  readonly #alpha: number;
  readonly #gamma: number;
  #own = 'g';
  /** What the honest mine on: the one that was first among the longest. */
  #honest = 'g';
  /** The attacker's block that ties with it, if there is one. */
  #rival: string | undefined;
  #next = 1;

  constructor(strategy: Strategy, alpha: number, gamma: number, seed: number) {
    const genesis = { id: 'g', prev: '', height: 0, work: 0n, mine: false };
    this.blocks.set('g', genesis);
    this.attack = new Attack(strategy, genesis, []);
    this.#alpha = alpha;
    this.#gamma = gamma;
    this.#random = seeded(seed);
  }

  #make(prev: string, mine: boolean): Block {
    const { height } = this.blocks.get(prev)!;
    const block = {
      id: 'b' + this.#next++,
      prev,
      height: height + 1,
      work: BigInt(height + 1),
      mine,
    };
    this.blocks.set(block.id, block);
    return block;
  }

  /** One block is found, by the attacker or by the others. */
  step(mine = this.#random.unit() < this.#alpha): void {
    if (mine) {
      const block = this.#make(this.#own, true);
      this.#own = block.id;
      this.#perform(this.attack.lair(block));
      return;
    }
    const sides = this.#rival !== undefined && this.#random.unit() < this.#gamma;
    const block = this.#make(sides ? this.#rival! : this.#honest, false);
    this.#show(block);
    this.#perform(this.attack.gate(block));
  }

  #show(block: Block): void {
    this.#public.add(block.id);
    const best = this.blocks.get(this.#honest)!;
    if (block.height > best.height) {
      this.#honest = block.id;
      this.#rival = undefined;
    } else if (block.height === best.height && block.id !== best.id) {
      this.#rival = block.id;
    }
  }

  #perform(moves: readonly Move[]): void {
    for (const move of moves) {
      this.moves.push(move);
      for (const id of move.ids) {
        const block = this.blocks.get(id)!;
        if (move.kind === 'publish') {
          if (!this.#public.has(block.prev)) throw new Error('shown before its parent');
          this.#show(block);
        } else {
          if (!this.#public.has(id)) throw new Error('adopted what nobody has shown');
          this.#own = id;
        }
      }
    }
  }

  /** Main-chain blocks, lowest first, and the attacker's share of them. */
  revenue(): { readonly blocks: number; readonly share: number } {
    let mine = 0;
    let count = 0;
    for (let at = this.blocks.get(this.#honest)!; at.id !== 'g'; at = this.blocks.get(at.prev)!) {
      count++;
      if (at.mine) mine++;
    }
    return { blocks: count, share: mine / count };
  }
}
