import { type Random, seeded } from '../../util/random.ts';
import { COMPACT_LIES, LIES, type Lie } from './lies.ts';

/**
 * What happens in one life of a network, as plain data drawn from a seed: who is there, how they are linked, and every
 * fault and lie with its moment and its end. Each event stands for itself, so any of them can be left out: that is how a
 * failing plan is made small. Times in milliseconds since the world began.
 */
export interface Plan {
  readonly seed: string;
  /** A network of genesis.json. */
  readonly network: 'lab' | 'yard';
  readonly intervalMs: number;
  readonly nodes: readonly PlannedNode[];
  /** Pairs of nodes that are wanted linked; the graph is connected. */
  readonly links: readonly (readonly [string, string])[];
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly loss: number;
  readonly gossip: boolean;
  /** Bounds small enough to be met. */
  readonly tight: boolean;
  /** Blocks of a few hundred bytes are announced by short ids. */
  readonly compact: boolean;
  /** Until then new events begin. */
  readonly lifeMs: number;
  /** In order of time. */
  readonly events: readonly PlannedEvent[];
}

interface PlannedNode {
  readonly name: string;
  /** Of the hash power, in parts of all nodes' shares. */
  readonly power: number;
}

export type PlannedEvent = { readonly atMs: number } & (
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[]; readonly forMs: number }
  | { readonly kind: 'one-way'; readonly from: string; readonly to: string; readonly forMs: number }
  /** The link is away: churn. */
  | { readonly kind: 'unlink'; readonly a: string; readonly b: string; readonly forMs: number }
  | {
      readonly kind: 'slow';
      readonly a: string;
      readonly b: string;
      readonly delayMs: number;
      readonly forMs: number;
    }
  | {
      readonly kind: 'kill';
      readonly node: string;
      readonly how: 'process' | 'power';
      readonly forMs: number;
    }
  /** The machine stops at its so many-th batch from now. */
  | {
      readonly kind: 'crash';
      readonly node: string;
      readonly batch: number;
      readonly when: 'before commit' | 'after commit';
      readonly how: 'process' | 'power';
      readonly forMs: number;
    }
  | { readonly kind: 'freeze'; readonly node: string; readonly forMs: number }
  | { readonly kind: 'clock'; readonly node: string; readonly offsetMs: number; readonly forMs: number }
  | { readonly kind: 'deaf-gossip'; readonly forMs: number }
  /** It finds so many blocks at once. */
  | { readonly kind: 'burst'; readonly node: string; readonly blocks: number }
  /** By number among the well-known people; `coin` and `amount` choose among what there is. */
  | {
      readonly kind: 'pay';
      readonly node: string;
      readonly from: number;
      readonly to: number;
      readonly coin: number;
      readonly part: number;
    }
  /** One coin to two people, each told to another node. */
  | {
      readonly kind: 'double-spend';
      readonly nodes: readonly [string, string];
      readonly from: number;
      readonly to: readonly [number, number];
      readonly coin: number;
    }
  /** A stranger links with these nodes, lies to them, and is gone after a while. */
  | {
      readonly kind: 'lie';
      readonly lie: Lie;
      readonly victims: readonly string[];
      readonly variant: number;
      readonly forMs: number;
    }
);

const LETTERS = 'ABCDEFGHIJKL';
/** A life is short, so that many are lived: most bugs need two or three events, not a long time. */
const LIFE_MS = 60_000;

export function drawPlan(seed: string | number): Plan {
  const random = seeded(`swarm ${seed}`);
  const range = (least: number, most: number) => least + random.below(most - least + 1);
  const odds = (one: number) => random.below(one) === 0;
  const count = range(2, 6);
  const nodes = Array.from({ length: count }, (_, i) => ({
    name: LETTERS[i]!,
    // Some do not mine at all; the first one always does.
    power: i > 0 && odds(5) ? 0 : range(1, 4),
  }));
  const names = nodes.map(({ name }) => name);
  const lifeMs = range(LIFE_MS / 2, LIFE_MS);
  const delayMs = odds(3) ? range(200, 1_500) : range(1, 150);
  const draw = new Draw(random, names, lifeMs);
  const events = Array.from({ length: range(8, 36) }, () => draw.event());
  // Of a seed of its own, so that what was drawn before it came to the plan is drawn as it was.
  const apart = seeded(`swarm ${seed} compact`);
  const compact = apart.below(2) === 0;
  if (compact) events.push(...new Draw(apart, names, lifeMs).compactEvents());
  return {
    seed: String(seed),
    network: odds(3) ? 'yard' : 'lab',
    intervalMs: range(1, 5) * 1_000,
    nodes,
    links: draw.links(),
    delayMs,
    jitterMs: odds(2) ? 0 : random.below(Math.ceil(delayMs / 2) + 1),
    loss: odds(4) ? range(1, 10) / 100 : 0,
    gossip: !odds(5),
    tight: odds(2),
    compact,
    lifeMs,
    events: events.sort((a, b) => a.atMs - b.atMs || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0)),
  };
}

/** The parts of a plan that hang on who is there. */
class Draw {
  readonly #random: Random;
  readonly #names: readonly string[];
  readonly #lifeMs: number;

  constructor(random: Random, names: readonly string[], lifeMs: number) {
    this.#random = random;
    this.#names = names;
    this.#lifeMs = lifeMs;
  }

  #range(least: number, most: number): number {
    return least + this.#random.below(most - least + 1);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!;
  }

  #pair(): [string, string] {
    const a = this.#random.below(this.#names.length);
    const b = (a + 1 + this.#random.below(this.#names.length - 1)) % this.#names.length;
    return [this.#names[a]!, this.#names[b]!];
  }

  /** A line, a ring, a star, all with all, or a tree with chords. */
  links(): [string, string][] {
    const names = this.#names;
    const links = new Map<string, [string, string]>();
    const link = (a: number, b: number) => {
      if (a !== b) links.set(`${Math.min(a, b)} ${Math.max(a, b)}`, [names[a]!, names[b]!]);
    };
    const shape = this.#random.below(5);
    for (let i = 1; i < names.length; i++) {
      if (shape <= 1) link(i - 1, i);
      else if (shape === 2) link(0, i);
      else if (shape === 3) for (let j = 0; j < i; j++) link(j, i);
      else link(this.#random.below(i), i);
    }
    if (shape === 1) link(names.length - 1, 0);
    if (shape === 4) link(this.#random.below(names.length), this.#random.below(names.length));
    return [...links.values()];
  }

  #groups(): string[][] {
    const [one, other] = this.#pair();
    const left = this.#names.filter((n) => n === one || (n !== other && this.#random.below(2) === 0));
    return [left, this.#names.filter((name) => !left.includes(name))];
  }

  event(): PlannedEvent {
    const atMs = this.#range(1_000, this.#lifeMs);
    const forMs = this.#range(500, 20_000);
    const node = this.#pick(this.#names);
    const [from, to] = this.#pair();
    switch (this.#random.below(18)) {
      case 0:
      case 1:
        return { atMs, kind: 'partition', groups: this.#groups(), forMs };
      case 2:
        return { atMs, kind: 'one-way', from, to, forMs };
      case 3:
        return { atMs, kind: 'unlink', a: from, b: to, forMs };
      case 4:
        return { atMs, kind: 'slow', a: from, b: to, delayMs: this.#range(500, 12_000), forMs };
      case 5:
        return { atMs, kind: 'kill', node, how: this.#pick(['process', 'power'] as const), forMs };
      case 6: {
        const when = this.#pick(['before commit', 'after commit'] as const);
        const how = this.#pick(['process', 'power'] as const);
        return { atMs, kind: 'crash', node, batch: this.#range(1, 12), when, how, forMs };
      }
      case 7:
        return { atMs, kind: 'freeze', node, forMs: Math.min(forMs, 15_000) };
      case 8:
        // Within the bound of every network: an honest clock that is a little off.
        return { atMs, kind: 'clock', node, offsetMs: this.#range(-50_000, 50_000), forMs };
      case 9:
        return { atMs, kind: 'deaf-gossip', forMs };
      case 10:
        return { atMs, kind: 'burst', node, blocks: this.#range(1, 6) };
      case 11:
      case 12:
      case 13:
        return { atMs, kind: 'pay', node, ...this.#payment() };
      case 14: {
        const { from: who, to: first, coin } = this.#payment();
        const second = (first + 1 + this.#random.below(8)) % 10;
        return { atMs, kind: 'double-spend', nodes: [from, to], from: who, to: [first, second], coin };
      }
      default:
        return this.#lie(atMs, forMs);
    }
  }

  #payment() {
    // Few payers with few coins, so that coins are spent again and chains of payments grow.
    const from = this.#random.below(4);
    const to = this.#random.below(10);
    return { from, to, coin: this.#random.below(1_000), part: this.#range(1, 9) };
  }

  /** Payments in salvos, so that blocks have several and not everybody has all of them; and who lies about such blocks. */
  compactEvents(): PlannedEvent[] {
    const events: PlannedEvent[] = [];
    for (let n = this.#range(3, 7); n > 0; n--) {
      const atMs = this.#range(1_000, this.#lifeMs);
      for (let i = this.#range(3, 6); i > 0; i--)
        events.push({
          ...{ atMs: atMs + this.#random.below(400), kind: 'pay', node: this.#pick(this.#names) },
          ...{ ...this.#payment(), from: this.#random.below(10) },
        });
    }
    for (let n = this.#range(1, 4); n > 0; n--)
      events.push(this.#lie(this.#range(1_000, this.#lifeMs), this.#range(500, 20_000), COMPACT_LIES));
    return events;
  }

  #lie(atMs: number, forMs: number, lies: readonly Lie[] = LIES): PlannedEvent {
    const victims = this.#names.filter(() => this.#random.below(2) === 0);
    return {
      atMs,
      kind: 'lie',
      lie: this.#pick(lies),
      victims: victims.length === 0 ? [this.#pick(this.#names)] : victims,
      variant: this.#random.below(1_000_000),
      forMs,
    };
  }
}
