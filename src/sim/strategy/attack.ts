import { assert } from '../../util/assert.ts';
import { type Decision, decisionProblem, type Race, type Strategy } from './strategy.ts';

/** A block as an event log tells it. */
export interface SeenBlock {
  readonly id: string;
  readonly prev: string;
  readonly height: number;
  /** Of the whole branch. */
  readonly work: bigint;
}

/** What is to be done, in order; the ids are the blocks to hand over, parents first. */
export type Move =
  /** From the lair to the gate. `prefer`: a tie, so the gate must be told to show this one. */
  | { readonly kind: 'publish'; readonly ids: readonly string[]; readonly prefer?: string }
  /** From the gate to the lair. `discard`: an own block that is invalidated there, because its branch would be kept. */
  | { readonly kind: 'adopt'; readonly ids: readonly string[]; readonly discard?: string };

/** The strategy answered nonsense: its author's mistake. */
export class StrategyError extends Error {
  override readonly name = 'StrategyError';
}

interface Known extends SeenBlock {
  /** Everybody has it, or will. */
  public: boolean;
}

/** Heights below the tip from where an attack begins that it hears of. */
export const NEAR_TIP = 100;
/** Blocks further below the fork than this are forgotten: no branch comes back from there. */
const KEPT_BELOW_FORK = 1_000;
const PRUNE_EVERY = 500;
/** Public blocks that came before their parent. */
const MAX_WAITING = 1_000;

/**
 * An attacker of two unchanged nodes: the *gate*, which is linked like any other and does not mine, and the *lair*, which
 * mines and is linked with nobody. This decides what is carried between them: it hears of every block that either of them
 * gets, asks the strategy, and says what to hand over. It does no I/O; whoever runs it performs the moves in order.
 */
export class Attack {
  readonly #strategy: Strategy;
  readonly #known = new Map<string, Known>();
  readonly #waiting = new Map<string, SeenBlock[]>();
  #waitingCount = 0;
  /** End of the branch that the lair mines on. */
  #own: Known;
  /** The public branch with most work; not ours where another has as much. */
  #public: Known;
  #sincePruned = 0;

  /**
   * Both nodes stand on `tip`. `near`: what else the gate has of late with no more work than that, whatever branch it is on: the
   * tip may lose to one of them, and who does not know where that one leaves it never hears of the public branch again.
   */
  constructor(strategy: Strategy, tip: SeenBlock, near: readonly SeenBlock[]) {
    this.#strategy = strategy;
    for (const block of near) this.#known.set(block.id, { ...block, public: true });
    this.#own = { ...tip, public: true };
    this.#public = this.#own;
    this.#known.set(tip.id, this.#own);
  }

  /** Height of the public branch. */
  get publicHeight(): number {
    return this.#public.height;
  }

  /** The race as the strategy would see it now. */
  race(event: Race['event']): Race {
    const fork = this.#forkPoint(this.#own, this.#public);
    let published = this.#own;
    while (!published.public) published = this.#parent(published)!;
    return {
      event,
      own: this.#own.height - fork.height,
      public: this.#public.height - fork.height,
      published: Math.max(0, published.height - fork.height),
    };
  }

  /** The gate has this block. */
  gate(block: SeenBlock): Move[] {
    const known = this.#known.get(block.id);
    if (known?.public === true) return [];
    if (known === undefined && !this.#known.has(block.prev)) {
      this.#wait(block);
      return [];
    }
    const moves: Move[] = [];
    const ready: SeenBlock[] = [block];
    for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
      const entry = this.#known.get(next.id) ?? this.#insert(next, true);
      entry.public = true;
      const waiting = this.#waiting.get(next.id) ?? [];
      this.#waiting.delete(next.id);
      this.#waitingCount -= waiting.length;
      ready.push(...waiting);
      if (!this.#leads(entry)) continue;
      this.#public = entry;
      moves.push(...this.#decide('public'));
    }
    return moves;
  }

  /** The lair has this block: its own, or one that was handed over. */
  lair(block: SeenBlock): Move[] {
    if (this.#known.has(block.id)) return [];
    if (block.prev !== this.#own.id) {
      // Found on a branch that was given up in the same instant. The lair may stand on it now, where it has as much work.
      return block.work >= this.#own.work ? [{ kind: 'adopt', ids: [], discard: block.id }] : [];
    }
    this.#own = this.#insert(block, false);
    return this.#decide('own');
  }

  #insert(block: SeenBlock, isPublic: boolean): Known {
    const entry = { ...block, public: isPublic };
    this.#known.set(block.id, entry);
    if (++this.#sincePruned >= PRUNE_EVERY) this.#prune();
    return entry;
  }

  #wait(block: SeenBlock): void {
    if (this.#waitingCount >= MAX_WAITING) return;
    this.#waitingCount++;
    this.#waiting.set(block.prev, [...(this.#waiting.get(block.prev) ?? []), block]);
  }

  /** More work than the public branch until now, or as much while that one is only our own. */
  #leads(entry: Known): boolean {
    if (entry.work !== this.#public.work) return entry.work > this.#public.work;
    return this.#isBelow(this.#public, this.#own) && !this.#isBelow(entry, this.#own);
  }

  #decide(event: Race['event']): Move[] {
    const race = this.race(event);
    let decision: Decision;
    try {
      decision = this.#strategy(race);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StrategyError(`the strategy throws '${why}' for ${JSON.stringify(race)}`);
    }
    const problem = decisionProblem(decision, race);
    if (problem !== undefined) throw new StrategyError(problem);
    const moves: Move[] = [];
    if (decision.publish > race.published) moves.push(this.#publish(race, decision.publish));
    if (decision.mineOn === 'public' && this.#own !== this.#public) moves.push(this.#adopt());
    return moves;
  }

  #publish(race: Race, count: number): Move {
    const path = this.#path(this.#own, race.own);
    const shown = path.slice(race.published, count);
    for (const block of shown) block.public = true;
    const top = shown.at(-1)!;
    const rival = this.#public;
    const tied = top.work === rival.work && top !== rival;
    if (top.work > rival.work) this.#public = top;
    const ids = shown.map((block) => block.id);
    return tied ? { kind: 'publish', ids, prefer: top.id } : { kind: 'publish', ids };
  }

  #adopt(): Move {
    const to = this.#public;
    const fork = this.#forkPoint(this.#own, to);
    const own = this.#path(this.#own, this.#own.height - fork.height);
    const kept = own.length > 0 && this.#own.work >= to.work;
    this.#own = to;
    const ids = this.#path(to, to.height - fork.height).map((block) => block.id);
    return kept ? { kind: 'adopt', ids, discard: own[0]!.id } : { kind: 'adopt', ids };
  }

  /** The last `count` blocks up to `top`, lowest first. */
  #path(top: Known, count: number): Known[] {
    const path: Known[] = [];
    let at: Known | undefined = top;
    for (let i = 0; i < count; i++) {
      assert(at !== undefined, 'a branch is known down to its fork');
      path.push(at);
      at = this.#parent(at);
    }
    return path.reverse();
  }

  #parent(block: Known): Known | undefined {
    return this.#known.get(block.prev);
  }

  #isBelow(block: Known, top: Known): boolean {
    let at: Known | undefined = top;
    while (at !== undefined && at.height > block.height) at = this.#parent(at);
    return at === block;
  }

  #forkPoint(a: Known, b: Known): Known {
    let x: Known | undefined = a;
    let y: Known | undefined = b;
    while (x !== y) {
      assert(x !== undefined && y !== undefined, 'two branches meet above what was forgotten');
      if (x.height >= y.height) x = this.#parent(x);
      else y = this.#parent(y);
    }
    assert(x !== undefined, 'two branches meet above what was forgotten');
    return x;
  }

  #prune(): void {
    this.#sincePruned = 0;
    const floor = this.#forkPoint(this.#own, this.#public).height - KEPT_BELOW_FORK;
    for (const [id, { height }] of this.#known) if (height < floor) this.#known.delete(id);
  }
}
