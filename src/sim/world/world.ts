import { sha256 } from '../../bitcoin/hash.ts';
import type { ChainBounds } from '../../consensus/chain/bounds.ts';
import type { Params } from '../../consensus/params/params.ts';
import type { ForkChoiceName } from '../../consensus/tree/fork-choice-rules.ts';
import type { BlockReading } from '../../consensus/validate/check.ts';
import type { Verify } from '../../consensus/validate/verify.ts';
import type { HostNews, LogEvent } from '../../events/events.ts';
import { type Limits, limits as standard } from '../../node/limits.ts';
import { encodeValue } from '../../node/record/encode-step.ts';
import type { Input, Micros, PeerId, Step, Topic } from '../../node/types.ts';
import { describeFrame } from '../../node/wire/describe.ts';
import { concat, toHex } from '../../util/bytes.ts';
import { type LinkShape, UNSHAPED } from '../../util/link-shape.ts';
import { type Random, seeded } from '../../util/random.ts';
import { type GossipMember, type GossipMessage, GossipNet } from './gossip.ts';
import { simLimits } from './limits.ts';
import { SimLog } from './log.ts';
import { EventQueue } from './queue.ts';
import { sharedReading, sharedVerify } from './reading.ts';
import { SimNode, type SimNodeOptions } from './sim-node.ts';
import type { Surroundings } from './surroundings.ts';
import { shapeFrom, Wires } from './wires.ts';

const MS = 1_000;

/** Memory of each node's caches in a world of many: they hold what the disk, which is memory here, holds as well. */
const BOUNDS: Partial<ChainBounds> = { coins: 4_000, bodyBytes: 200_000 };

export interface WorldOptions {
  readonly params: Params;
  readonly seed: number | string;
  /** Every link, each way, unless it is shaped by itself. */
  readonly link?: Partial<LinkShape>;
  readonly limits?: Partial<Limits>;
  /** False: blocks and transactions travel by the sync protocol alone. */
  readonly gossip?: boolean;
  /** Mesh links that each node looks for when it has more than a dozen peers. */
  readonly meshDegree?: number;
  /** Hash every step, for `traceHash`; costs about as much again as the steps. */
  readonly trace?: boolean;
  /** For experiments: another fork choice on every node. */
  readonly forkChoice?: ForkChoiceName;
  /** How many of the newest bodies each disk keeps; all without. */
  readonly keepBodies?: number;
  /** How many hashes one hash of this world stands for: real rates beside a target that is ground in no time. */
  readonly hashScale?: number;
  /** Seconds since 1970 at time 0; one second after the genesis block without. */
  readonly startS?: number;
}

/** Somebody on the other end of a link who speaks bytes: what a hostile peer is made of. */
export interface Party {
  readonly id: PeerId;
  joined?(peer: PeerId, inbound: boolean): void;
  left?(peer: PeerId): void;
  message?(peer: PeerId, bytes: Uint8Array): void;
  gossip?(peer: PeerId, topic: Topic, bytes: Uint8Array): void;
}

type StepListener = (node: SimNode, input: Input, step: Step, now: Micros) => void;

/**
 * A network on invented time: unchanged nodes, links between them, and a queue of everything that is going to happen.
 * The same options and the same calls give the same world, to the byte, on every machine and in every browser: there
 * is no clock and no chance in it but its seed.
 */
export class World {
  readonly params: Params;
  readonly nodes = new Map<PeerId, SimNode>();
  readonly queue = new EventQueue();
  readonly wires: Wires;
  readonly gossip: GossipNet;
  readonly log: SimLog;
  readonly epochMs: number;
  readonly #parties = new Map<PeerId, Party>();
  readonly #members = new Map<PeerId, GossipMember>();
  readonly #surroundings: Surroundings<SimNode>;
  readonly #trace: Trace | undefined;
  readonly #stepListeners = new Set<StepListener>();
  readonly #crashListeners = new Set<(node: SimNode) => void>();
  readonly #seed: string;
  #lives = 0;
  #steps = 0;

  constructor(o: WorldOptions) {
    const seed = String(o.seed);
    this.#seed = seed;
    this.params = o.params;
    this.epochMs = (o.startS ?? o.params.genesis.header.time + 1) * 1_000;
    this.#trace = o.trace === true ? new Trace() : undefined;
    this.log = new SimLog(() => this.queue.now, this.epochMs);
    this.wires = new Wires({
      queue: this.queue,
      seed: `${seed}|wire`,
      shape: shapeFrom(o.link ?? {}, UNSHAPED),
      present: (id) => this.#parties.has(id) || this.nodes.get(id)?.up === true,
      joined: (id, peer, inbound) => {
        this.gossip.changed();
        const node = this.nodes.get(id);
        if (node !== undefined) node.joined(peer, inbound);
        else this.#parties.get(id)?.joined?.(peer, inbound);
      },
      left: (id, peer) => {
        this.gossip.changed();
        const node = this.nodes.get(id);
        if (node !== undefined) node.left(peer);
        else this.#parties.get(id)?.left?.(peer);
      },
    });
    this.gossip = new GossipNet({
      queue: this.queue,
      wires: this.wires,
      members: this.#members,
      seed,
      degree: o.meshDegree ?? simLimits.meshDegree,
    });
    this.gossip.on = o.gossip ?? true;
    this.#surroundings = this.#surroundingsOf(o, sharedVerify(), sharedReading());
  }

  #surroundingsOf(o: WorldOptions, verify: Verify, reading: BlockReading): Surroundings<SimNode> {
    return {
      params: o.params,
      seed: this.#seed,
      limits: { ...standard, ...o.limits },
      bounds: BOUNDS,
      verify,
      reading,
      queue: this.queue,
      wires: this.wires,
      gossip: this.gossip,
      log: this.log,
      chance: seeded(`${this.#seed}|chance`),
      forkChoice: o.forkChoice ?? 'first-seen',
      keepBodies: o.keepBodies ?? Number.POSITIVE_INFINITY,
      hashScale: o.hashScale ?? 1,
      epochMicros: this.epochMs * 1_000,
      newLife: () => ++this.#lives,
      send: (from, to, bytes) => this.send(from, to, bytes),
      stepped: (node, input, step) => this.#stepped(node, input, step),
      crashed: (node) => {
        for (const listener of this.#crashListeners) listener(node);
      },
      gone: (id) => {
        this.gossip.changed();
        this.wires.gone(id);
      },
      back: (id) => {
        this.gossip.changed();
        this.wires.back(id);
      },
    };
  }

  // ---- who is there ----

  /** A node, started at once, linked with nobody yet. */
  add(name: string, o: SimNodeOptions = {}): SimNode {
    this.#free(name);
    const node = new SimNode(this.#surroundings, name, o);
    if (o.secret !== true) {
      this.nodes.set(name, node);
      this.#members.set(name, node);
    }
    node.start();
    return node;
  }

  node(name: string): SimNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new RangeError(`there is no node ${name}`);
    return node;
  }

  /** Leaves for good: its links and its disk with it. */
  remove(name: string): void {
    const node = this.node(name);
    node.kill();
    for (const [a, b] of this.wires.wanted()) if (a === name || b === name) this.wires.unwant(a, b);
    this.nodes.delete(name);
    this.#members.delete(name);
  }

  /** Somebody who is no node. Give it links by `connect` and let it speak by `send` and `sendGossip`. */
  party(party: Party): void {
    this.#free(party.id);
    this.#parties.set(party.id, party);
    this.#members.set(party.id, {
      id: party.id,
      life: ++this.#lives,
      take: (from: PeerId, message: GossipMessage) => party.gossip?.(from, message.topic, message.bytes),
    });
  }

  #free(id: PeerId): void {
    if (this.nodes.has(id) || this.#parties.has(id)) throw new RangeError(`there is a ${id} already`);
  }

  // ---- links ----

  /** Wants the two linked from now on, `a` dialling. With a shape: both ways. */
  connect(a: PeerId, b: PeerId, shape?: Partial<LinkShape>): void {
    this.wires.want(a, b);
    if (shape === undefined) return;
    this.shape(a, b, shape);
    this.shape(b, a, shape);
  }

  disconnect(a: PeerId, b: PeerId): void {
    this.wires.unwant(a, b);
  }

  connectAll(names: readonly PeerId[] = [...this.nodes.keys()]): void {
    for (const [i, a] of names.entries()) for (const b of names.slice(0, i)) this.connect(a, b);
  }

  /** Each node dials `degree` others by chance: a random graph of about twice that degree (SimBlock's way). */
  connectRandomly(degree: number, names: readonly PeerId[] = [...this.nodes.keys()]): void {
    const random: Random = seeded(`${this.#seed}|topology`);
    for (const name of names) {
      const others = names.filter((other) => other !== name);
      for (let i = 0; i < degree && others.length > 0; i++) {
        const [other] = others.splice(random.below(others.length), 1);
        this.connect(name, other!);
      }
    }
  }

  /** One direction, from now on; undefined: as every other link. */
  shape(from: PeerId, to: PeerId, shape: Partial<LinkShape> | undefined): void {
    this.wires.shape(from, to, shape === undefined ? undefined : shapeFrom(shape));
  }

  /** What `from` sends does not reach `to`: it waits until the cut is opened. */
  cutOneWay(from: PeerId, to: PeerId): void {
    this.wires.cut(from, to, true);
  }

  openOneWay(from: PeerId, to: PeerId): void {
    this.wires.cut(from, to, false);
  }

  /** Nothing crosses between the groups; connections across break. Told in the log, as `heal`. */
  partition(groups: readonly (readonly PeerId[])[]): void {
    this.wires.partition(groups);
    this.tell({ kind: 'partition', groups });
  }

  heal(): void {
    this.wires.partition(undefined);
    this.tell({ kind: 'heal' });
  }

  /** A frame of the sync protocol over a link, from anybody. */
  send(from: PeerId, to: PeerId, bytes: Uint8Array): void {
    const arrive = () => {
      const node = this.nodes.get(to);
      if (node !== undefined) node.message(from, bytes);
      else this.#parties.get(to)?.message?.(from, bytes);
    };
    this.wires.carry(from, to, { bytes: bytes.length, arrive, what: () => describeFrame(bytes) });
  }

  /** A gossip message to one peer, from anybody. */
  sendGossip(from: PeerId, to: PeerId, topic: Topic, bytes: Uint8Array): void {
    this.gossip.push(from, to, topic, bytes);
  }

  // ---- time ----

  /** Whole microseconds since this world began. */
  get now(): Micros {
    return this.queue.now;
  }

  at(micros: Micros, run: () => void): void {
    this.queue.at(micros, run);
  }

  after(ms: number, run: () => void): void {
    this.queue.at(this.queue.now + Math.round(ms * MS), run);
  }

  /** The next event; false when nothing will ever happen again. */
  step(): boolean {
    return this.queue.step();
  }

  /** All that happens within this time. */
  run(ms: number): void {
    this.queue.runTo(this.queue.now + Math.round(ms * MS));
  }

  /** Until the condition holds, looked at after every event; false: it did not within this time, which has passed. */
  until(condition: () => boolean, limitMs: number): boolean {
    const end = this.queue.now + Math.round(limitMs * MS);
    while (!condition()) {
      const { next } = this.queue;
      if (next === undefined || next > end) {
        this.queue.runTo(end);
        return false;
      }
      this.queue.step();
    }
    return true;
  }

  // ---- to look and to hear ----

  /** Do all these nodes that are up stand on one tip? */
  agreed(names: readonly PeerId[] = [...this.nodes.keys()]): boolean {
    const tips = new Set<string>();
    for (const name of names) {
      const node = this.node(name);
      if (node.up) tips.add(node.tip.id);
    }
    return tips.size <= 1;
  }

  /** Steps of all nodes so far. */
  get steps(): number {
    return this.#steps;
  }

  /** A line that no node tells: what was done to the network. */
  tell(news: HostNews): void {
    this.log.tell('', news);
  }

  /** Every line of the event log from now on. Returns the way out. */
  onEvent(listener: (event: LogEvent) => void): () => void {
    return this.log.listen(listener);
  }

  /** Every step of every node, before its writes are on disk: for invariant checkers. Returns the way out. */
  onStep(listener: StepListener): () => void {
    this.#stepListeners.add(listener);
    return () => this.#stepListeners.delete(listener);
  }

  /** A node's machine stops at its crash point; it is down right after. */
  onCrash(listener: (node: SimNode) => void): () => void {
    this.#crashListeners.add(listener);
    return () => this.#crashListeners.delete(listener);
  }

  /** Over every step so far, hex; needs `trace`. */
  traceHash(): string {
    if (this.#trace === undefined)
      throw new RangeError('this world keeps no trace: ask for it with trace: true');
    return this.#trace.hex;
  }

  #stepped(node: SimNode, input: Input, step: Step): void {
    this.#steps++;
    this.#trace?.add(node.name, this.queue.now, input, step);
    for (const listener of this.#stepListeners) listener(node, input, step, this.queue.now);
  }
}

/**
 * One hash over every step of every node, in the order in which they happened: two runs that agree in it did the same,
 * to the byte. Each link covers the one before, so nothing has to be kept.
 */
class Trace {
  #link: Uint8Array = new Uint8Array(32);

  add(node: string, now: Micros, input: Input, step: Step): void {
    const { writes, durable, effects } = step;
    this.#link = sha256(concat(this.#link, encodeValue([node, now, input, writes, durable, effects])));
  }

  get hex(): string {
    return toHex(this.#link);
  }
}
