import type { NetworkTemplate, Params } from '../consensus/params/params.ts';
import type { Conditions, LogEvent } from '../events/events.ts';
import { askedShape } from '../observe/state/yard-links.ts';
import { CALM, HEALED_WIRES, healed, linkName } from '../observe/words/conditions.ts';
import { assert } from '../util/assert.ts';
import type { LinkShape } from '../util/link-shape.ts';
import type { Region } from '../util/profiles.ts';
import { cutPairs, reachable, type Topology, wantedPairs } from '../util/topology.ts';
import { simMinerKey } from './purse.ts';
import type { Stop } from './world/disk.ts';
import { simParams, triesPerBlock } from './world/params.ts';
import type { SimNode } from './world/sim-node.ts';
import { World } from './world/world.ts';

export interface SimYardNode {
  readonly letter: string;
  /** Hashes a second; 0: as fast as it can, which here is `UNCAPPED_RATE`. */
  readonly hashrate: number;
  /** Does it mine, once mining has begun? */
  readonly mines: boolean;
  readonly region?: Region;
}

export interface SimYardOptions {
  readonly template: NetworkTemplate;
  readonly seed: number | string;
  readonly nodes: readonly SimYardNode[];
  /** Mean time between blocks of all miners together; the network's own without. */
  readonly paceMs?: number;
  readonly delayMs?: number;
  readonly topology?: Topology;
  readonly onEvent?: (event: LogEvent) => void;
  readonly trace?: boolean;
}

/** What an uncapped miner is taken for: a fast kernel on one thread (lab/launcher/create.ts). */
export const UNCAPPED_RATE = 3_000_000;

/** Hashes that are really ground for a block: two, or as many as leave a rule that follows the power room to get easier. */
const FIXED_TRIES = 2;
const FOLLOWING_TRIES = 256;
/** A new yard waits so long at most for its links. */
const LINK_MS = 120_000;

/**
 * A yard on invented time: nodes with letters, all linked or in a line, and the faults of a live yard, told in the same
 * words (lab/launcher/launcher.ts, lab/launcher/wiring.ts). Everything is synchronous; time passes only when the world is run.
 */
export class SimYard {
  readonly world: World;
  readonly params: Params;
  readonly letters: readonly string[];
  readonly spacingMs: number;
  readonly delayMs: number;
  readonly topology: Topology;
  readonly #nodes: readonly SimYardNode[];
  #conditions: Conditions = CALM;
  #groups: readonly (readonly string[])[] | undefined;
  readonly #toldLinks = new Map<string, string>();

  /** Starts every node and lets time pass until all are linked; nobody mines yet. */
  constructor(o: SimYardOptions) {
    const { template, nodes } = o;
    const paced = template.genesis.kind === 'made';
    this.#nodes = nodes;
    this.letters = nodes.map((node) => node.letter);
    this.spacingMs = paced ? (o.paceMs ?? template.base.spacingMs) : 0;
    this.delayMs = o.delayMs ?? 0;
    this.topology = o.topology ?? 'full';
    const follows = template.retarget.kind !== 'none';
    this.params = simParams(template, {
      label: template.name,
      ...(paced ? { intervalMs: this.spacingMs } : {}),
      tries: follows ? FOLLOWING_TRIES : FIXED_TRIES,
    });
    this.world = new World({
      params: this.params,
      seed: o.seed,
      link: { delayMs: this.delayMs },
      hashScale: paced ? scaleOf(nodes, this.spacingMs, this.params) : 1,
      trace: o.trace ?? false,
    });
    if (o.onEvent !== undefined) this.world.onEvent(o.onEvent);
    this.#begin(template);
  }

  #begin(template: NetworkTemplate): void {
    const { world } = this;
    world.tell({
      kind: 'yard',
      label: this.params.label,
      network: template.name,
      spacingMs: this.spacingMs,
      retarget: this.params.retarget.kind,
      topology: this.topology,
      nodes: this.letters,
    });
    for (const { letter, hashrate } of this.#nodes) {
      world.add(letter, {
        hashrate: hashrate || UNCAPPED_RATE,
        mines: false,
        payout: simMinerKey(letter).script('p2wpkh'),
      });
      this.#told('started', letter);
      this.#tellLinks(letter);
    }
    for (const [earlier, later] of this.#pairs()) world.connect(later, earlier);
    const linked = () => this.#pairs().every(([a, b]) => this.areLinked(a, b));
    assert(world.until(linked, LINK_MS), 'the nodes of a new yard are linked in time');
  }

  /** Do both ends take the other for a peer? */
  areLinked(a: string, b: string): boolean {
    const knows = (letter: string, peer: string) =>
      this.node(letter).view.peers.some((known) => known.ready && known.peer === peer);
    return knows(a, b) && knows(b, a);
  }

  /** Pairs that are linked, the earlier first. */
  #pairs(): (readonly [string, string])[] {
    return wantedPairs(this.letters, this.topology);
  }

  node(letter: string): SimNode {
    return this.world.node(letter);
  }

  get groups(): readonly (readonly string[])[] | undefined {
    return this.#groups;
  }

  get conditions(): Conditions {
    return this.#conditions;
  }

  /** Nodes that are up and not frozen. */
  awake(): string[] {
    return this.letters.filter((letter) => this.node(letter).up && !this.node(letter).frozen);
  }

  /** From now on those who mine do. */
  startMining(): void {
    for (const { letter, mines } of this.#nodes) if (mines) this.node(letter).mine({ on: true });
  }

  #told(what: 'started' | 'exited' | 'killed', of: string): void {
    this.world.tell({ kind: 'process', what, of, code: what === 'exited' ? 0 : null, signal: null });
  }

  // ---- machines ----

  /** Its process ends at once (`kill -9`), or its power fails; `clean`: it is asked to end. */
  kill(letter: string, how: Stop | 'clean' = 'process'): void {
    const node = this.node(letter);
    if (how === 'clean') node.tell({ kind: 'stop', why: 'asked to end' });
    node.kill(how === 'clean' ? 'process' : how);
    const { frozen } = this.#conditions;
    if (frozen.includes(letter)) this.#keep({ frozen: frozen.filter((other) => other !== letter) });
    this.#told(how === 'clean' ? 'exited' : 'killed', letter);
  }

  start(letter: string): void {
    this.#told('started', letter);
    this.#toldLinks.delete(letter);
    this.node(letter).start();
    this.#tellLinks(letter);
  }

  freeze(letter: string): void {
    this.node(letter).freeze();
    this.#tellChange(`${letter} is frozen`, { frozen: [...this.#conditions.frozen, letter] });
  }

  thaw(letter: string): void {
    this.#tellChange(`${letter} goes on`, {
      frozen: this.#conditions.frozen.filter((other) => other !== letter),
    });
    this.node(letter).thaw();
  }

  /** Its wall clock is off by so much from now on; `text` is what the log says of it. */
  setClock(text: string, letter: string, ms: number): void {
    const { [letter]: _, ...others } = this.#conditions.clockMs;
    this.#tellChange(text, { clockMs: ms === 0 ? others : { ...others, [letter]: ms } });
    this.node(letter).setClock(ms);
  }

  /** Holds or releases miners. */
  hold(on: boolean, letters: readonly string[] = this.letters): void {
    for (const letter of letters) this.node(letter).mine({ held: on });
  }

  // ---- links ----

  /** Cuts every link between groups; answers how many that are. */
  partition(groups: readonly (readonly string[])[]): number {
    this.#groups = groups;
    this.world.partition(groups);
    for (const letter of this.letters) this.#tellLinks(letter);
    return cutPairs(this.letters, this.topology, groups).length;
  }

  #sameSide(a: string, b: string): boolean {
    return this.#groups?.some((group) => group.includes(a) && group.includes(b)) ?? true;
  }

  /** Opens every cut and lets what is held arrive; delays, loss and rates of links stay. False: nothing was cut or held. */
  heal(): boolean {
    const { oneWay, wireHeld } = this.#conditions;
    const held = oneWay.length > 0 || wireHeld;
    const cut = this.#groups !== undefined;
    if (!cut && !held) return false;
    this.#groups = undefined;
    if (cut) this.world.heal();
    if (held) this.#tellChange(HEALED_WIRES, healed(this.#conditions));
    this.#applyLinks();
    return true;
  }

  /** Sets these conditions of links and keeps the others; `text` is what the log says of it. */
  change(text: string, change: Partial<Omit<Conditions, 'frozen' | 'clockMs'>>): void {
    this.#tellChange(text, change);
    this.#applyLinks();
  }

  /** What was asked of this direction. */
  shapeOf(from: string, to: string): LinkShape {
    const { letters, topology, delayMs } = this;
    const facts = { letters, topology, delayMs, conditions: this.#conditions, groups: this.#groups };
    return askedShape(facts, from, to);
  }

  #applyLinks(): void {
    const { oneWay, wireHeld, shapes, profile } = this.#conditions;
    const { wires } = this.world;
    wires.holdAll(wireHeld);
    for (const [a, b] of this.#pairs()) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        wires.cut(
          from,
          to,
          oneWay.some(([x, y]) => x === from && y === to),
        );
        const shaped = profile !== '' || shapes[linkName(from, to)] !== undefined;
        wires.shape(from, to, shaped ? this.shapeOf(from, to) : undefined);
      }
    }
    for (const letter of this.letters) this.#tellLinks(letter);
  }

  #keep(change: Partial<Conditions>): void {
    this.#conditions = { ...this.#conditions, ...change };
  }

  #tellChange(text: string, change: Partial<Conditions>): void {
    this.#keep(change);
    this.world.tell({ kind: 'conditions', text, ...this.#conditions });
  }

  /** A node's own wire in the log, when it is another than before. */
  #tellLinks(letter: string): void {
    if (!this.node(letter).up) return;
    const { oneWay, wireHeld, shapes, profile } = this.#conditions;
    const others = this.letters.filter((other) => other !== letter);
    const shaped = others.filter((to) => profile !== '' || shapes[linkName(letter, to)] !== undefined);
    const deaf = oneWay.filter(([, to]) => to === letter).map(([from]) => from);
    const news = {
      kind: 'links' as const,
      refuse: others.filter((other) => !this.#sameSide(letter, other)),
      delayMs: this.delayMs,
      delayTo: {},
      ...(deaf.length === 0 ? {} : { deaf }),
      ...(wireHeld ? { hold: true } : {}),
      ...(shaped.length === 0
        ? {}
        : { shapes: Object.fromEntries(shaped.map((to) => [to, this.shapeOf(letter, to)])) }),
    };
    const told = JSON.stringify(news);
    if (this.#toldLinks.get(letter) === told) return;
    this.#toldLinks.set(letter, told);
    this.node(letter).tell(news);
  }

  /** Nodes that a message from this one can reach now, itself included. */
  reachableFrom(letter: string): string[] {
    const { oneWay, wireHeld } = this.#conditions;
    if (wireHeld) return [letter];
    return reachable(letter, (at) =>
      this.world.wires
        .peersOf(at)
        .filter(
          (to) =>
            this.world.nodes.get(to)?.frozen === false && !oneWay.some(([a, b]) => a === at && b === to),
        ),
    );
  }

  /** A line of the yard's own in the log: who paid whom, which nodes cannot know. */
  note(text: string): void {
    this.world.tell({ kind: 'action', text });
  }
}

/** How many real hashes one hash here stands for, so that the miners of this yard keep its pace. */
function scaleOf(nodes: readonly SimYardNode[], spacingMs: number, params: Params): number {
  const miners = nodes.filter((node) => node.mines);
  const power = (miners.length > 0 ? miners : nodes).reduce(
    (sum, node) => sum + (node.hashrate || UNCAPPED_RATE),
    0,
  );
  return Math.max(1, (power * spacingMs) / 1_000 / triesPerBlock(params));
}
