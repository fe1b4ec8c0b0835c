import type { LogEvent } from '../../events/events.ts';
import { concentration } from '../theory/predict.ts';

/** Under which conditions the nodes run, as far as the log tells, and whether a formula's assumptions hold under them. */

/** Links that are faster than this part of the slowest count as no delay at all. */
const NEGLIGIBLE = 0.05;
/** Clusters whose power differs by less than this part count as equal. */
const EVEN = 0.05;

export type Shape =
  /** Every node hears every other directly after one and the same delay. */
  | {
      readonly kind: 'clique';
      readonly nodes: number;
      readonly delayMs: number;
      readonly hhi: number | undefined;
      /** The difficulty follows the blocks: only what one race decides can be predicted, and that approximately. */
      readonly adjusted: boolean;
    }
  /** The same, and besides: two groups of equal power, fast within, one delay between. */
  | {
      readonly kind: 'two-clusters';
      readonly groups: readonly [readonly string[], readonly string[]];
      readonly delayMs: number;
      readonly hhi: number | undefined;
      readonly adjusted: boolean;
    }
  /** No formula; `why` completes "no closed form: …". */
  | { readonly kind: 'other'; readonly why: string };

/** What changed: `A B started`; without a node it speaks for the whole yard. */
export interface Change {
  readonly what: string;
  readonly node?: string;
}

/** Several changes that are one in words; what speaks for the whole yard stands alone. */
export function describeChanges(changes: readonly Change[]): string {
  const overall = changes.filter((change) => change.node === undefined);
  if (overall.length > 0) return overall.at(-1)!.what;
  const nodes = new Map<string, string[]>();
  for (const { what, node } of changes) {
    const list = nodes.get(what) ?? [];
    if (node !== undefined && !list.includes(node)) list.push(node);
    nodes.set(what, list);
  }
  const sorted = (list: string[]) =>
    [...list].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).join(' ');
  return [...nodes].map(([what, list]) => `${sorted(list)} ${what}`).join(', ');
}

interface Links {
  readonly refuse: ReadonlySet<string>;
  readonly delayMs: number;
  readonly delayTo: Readonly<Record<string, number>>;
  /** Faults that no formula here knows: jitter, loss, bandwidth, messages held back. */
  readonly otherFaults: boolean;
}

/** Hashes a second; 0 = no cap, so nobody knows; undefined = does not grind. */
type Power = number | undefined;

export class Conditions {
  readonly #up = new Set<string>();
  readonly #peers = new Map<string, string>();
  readonly #links = new Map<string, Links>();
  readonly #power = new Map<string, Power>();
  /** Strategies that are played, by the node whose power plays. */
  readonly #played = new Map<string, string>();
  #yard: Extract<LogEvent, { kind: 'yard' }> | undefined;
  #cut = false;
  #frozen: readonly string[] = [];
  #faults = '';

  /** Nodes that are up, as the log tells. */
  get up(): ReadonlySet<string> {
    return this.#up;
  }

  /** Is a partition open? */
  get cut(): boolean {
    return this.#cut;
  }

  /** Takes one event; answers what changed if it changed the nodes, the links or the power. */
  apply(event: LogEvent): Change | undefined {
    switch (event.kind) {
      case 'start':
        this.#peers.set(event.peer, event.node);
        this.#up.add(event.node);
        return { what: 'started', node: event.node };
      case 'stop':
        return this.#gone(event.node, 'stopped');
      case 'process':
        return event.what === 'started' ? undefined : this.#gone(event.of, event.what);
      case 'links':
        return this.#wire(event);
      case 'power':
        return this.#grinds(event.node, event.on && !event.held ? event.hashrate : undefined);
      case 'strategy':
        return this.#plays(event.of, event.on ? event.name : undefined);
      case 'yard':
        // A launcher begins: whoever was up before was not said goodbye to.
        this.#yard = event;
        this.#cut = false;
        this.#up.clear();
        this.#links.clear();
        this.#power.clear();
        this.#played.clear();
        this.#frozen = [];
        this.#faults = '';
        return { what: `yard ${event.label} started` };
      case 'conditions': {
        // Only what differs is a change: the launcher repeats all of it.
        const { v: _v, seq: _s, t: _t, node: _n, kind: _k, text, ...faults } = event;
        const before = this.#faults;
        this.#faults = JSON.stringify(faults);
        this.#frozen = event.frozen;
        return this.#faults === before ? undefined : { what: text };
      }
      case 'partition':
        this.#cut = true;
        return { what: `cut ${event.groups.map((group) => group.join('')).join('|')}` };
      case 'heal':
        this.#cut = false;
        return { what: 'healed' };
      default:
        return undefined;
    }
  }

  #gone(node: string, how: string): Change | undefined {
    if (!this.#up.delete(node)) return undefined;
    this.#links.delete(node);
    this.#power.delete(node);
    return { what: how, node };
  }

  #wire(event: Extract<LogEvent, { kind: 'links' }>): Change | undefined {
    const { v: _v, seq: _s, t: _t, node, kind: _k, refuse, delayMs, delayTo, shapes = {}, ...rest } = event;
    const delays: Record<string, number> = { ...delayTo };
    const others: unknown[] = [rest];
    for (const [peer, { delayMs: shaped, ...other }] of Object.entries(shapes)) {
      delays[peer] = shaped;
      others.push(other);
    }
    const next: Links = {
      refuse: new Set(refuse),
      delayMs,
      delayTo: delays,
      otherFaults: isFault(others),
    };
    const before = this.#links.get(node);
    this.#links.set(node, next);
    if (before === undefined || sameLinks(before, next)) return undefined;
    return { what: 'with other links', node };
  }

  #grinds(node: string, power: Power): Change | undefined {
    const before = this.#power.get(node);
    const known = this.#power.has(node);
    this.#power.set(node, power);
    // Its power plays a strategy on a hidden node, and so the node itself rests: no change of power.
    if (this.#played.has(node)) return power === undefined ? undefined : this.#plays(node, undefined);
    // The first word of a node that does not mine is no change: it has not mined before either.
    if (before === power || (!known && power === undefined)) return undefined;
    if (power === undefined) return { what: 'not mining', node };
    return { what: before === undefined ? 'mining' : 'at another hash rate', node };
  }

  #plays(node: string, name: string | undefined): Change | undefined {
    if (this.#played.get(node) === name) return undefined;
    if (name === undefined) this.#played.delete(node);
    else this.#played.set(node, name);
    return { what: name === undefined ? `${node} honest again` : `${node} plays ${name}` };
  }

  /** What the formulas of observe/theory/predict.ts may be used for. */
  shape(): Shape {
    const why = this.#obstacle();
    if (why !== undefined) return { kind: 'other', why };
    const nodes = [...this.#up].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    const delays = new Map<string, number>();
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (const [from, to] of pairs(nodes)) {
      const there = this.#delay(from, to);
      const back = this.#delay(to, from);
      if (there === undefined || there !== back)
        return { kind: 'other', why: `${from}-${to} is not the same both ways` };
      delays.set(`${from} ${to}`, there);
      least = Math.min(least, there);
      most = Math.max(most, there);
    }
    const common = { delayMs: most, hhi: this.#hhi(), adjusted: this.#yard?.retarget !== 'none' };
    const groups = this.#twoClusters(nodes, delays, most);
    if (groups !== undefined) return { kind: 'two-clusters', groups, ...common };
    if (least !== most) return { kind: 'other', why: 'delays differ from link to link' };
    return { kind: 'clique', nodes: nodes.length, ...common };
  }

  #obstacle(): string | undefined {
    if (this.#yard === undefined) return 'the log does not say how its nodes are linked';
    if (this.#up.size < 2) return 'fewer than two nodes are up';
    if (this.#cut) return 'a cut is open';
    for (const [node, name] of this.#played) return `${node} plays ${name}`;
    if (this.#frozen.length > 0) return `${this.#frozen.join(' ')} frozen`;
    if (this.#yard.topology !== 'full' && this.#up.size > 2) return 'blocks travel over several hops';
    for (const node of this.#up) {
      const links = this.#links.get(node);
      if (links === undefined) return `the log does not tell the delay of ${node}`;
      if (links.refuse.size > 0) return `${node} refuses peers`;
      if (links.otherFaults) return `the wire of ${node} does more than delay`;
    }
    const miners = [...this.#up].filter((node) => this.#power.get(node) !== undefined);
    return miners.length < 2 ? 'fewer than two nodes mine' : undefined;
  }

  #delay(from: string, to: string): number | undefined {
    const links = this.#links.get(from);
    if (links === undefined) return undefined;
    for (const [peer, ms] of Object.entries(links.delayTo)) if (this.#peers.get(peer) === to) return ms;
    return links.delayMs;
  }

  /** Undefined when a miner runs without a cap: then only the blocks tell its share. */
  #hhi(): number | undefined {
    const powers = [...this.#up].map((node) => this.#power.get(node)).filter((p) => p !== undefined);
    return powers.includes(0) ? undefined : concentration(powers);
  }

  #twoClusters(
    nodes: readonly string[],
    delays: ReadonlyMap<string, number>,
    most: number,
  ): readonly [string[], string[]] | undefined {
    const first = nodes[0]!;
    const near = (a: string, b: string) => (delays.get(`${a} ${b}`) ?? 0) <= most * NEGLIGIBLE;
    const left = nodes.filter((node) => near(first, node));
    const right = nodes.filter((node) => !left.includes(node));
    if (right.length === 0) return undefined;
    for (const [a, b] of pairs(nodes)) {
      const together = left.includes(a) === left.includes(b);
      if (together ? !near(a, b) : delays.get(`${a} ${b}`) !== most) return undefined;
    }
    const powerOf = (group: readonly string[]) => {
      let sum = 0;
      for (const node of group) {
        const power = this.#power.get(node);
        // Without a cap nobody knows the power.
        if (power === 0) return Number.NaN;
        sum += power ?? 0;
      }
      return sum;
    };
    const [a, b] = [powerOf(left), powerOf(right)];
    return Math.abs(a - b) <= EVEN * (a + b) * 0.5 ? [left, right] : undefined;
  }
}

/** Anything in it that is not nothing: 0, false, '' and empty lists are no fault. */
function isFault(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(isFault);
  return value !== undefined && value !== null && value !== 0 && value !== false && value !== '';
}

function sameLinks(a: Links, b: Links): boolean {
  const keys = new Set([...Object.keys(a.delayTo), ...Object.keys(b.delayTo)]);
  return (
    a.delayMs === b.delayMs &&
    a.otherFaults === b.otherFaults &&
    a.refuse.size === b.refuse.size &&
    [...a.refuse].every((peer) => b.refuse.has(peer)) &&
    [...keys].every((peer) => a.delayTo[peer] === b.delayTo[peer])
  );
}

function* pairs(nodes: readonly string[]): Iterable<readonly [string, string]> {
  for (const [i, a] of nodes.entries()) for (const b of nodes.slice(i + 1)) yield [a, b];
}
