import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sha256, sha256d } from '../../src/bitcoin/hash.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { type WellKnown, wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { deriveParams, type Params, parseNetworks } from '../../src/consensus/params/params.ts';
import type { ForkChoiceName } from '../../src/consensus/tree/fork-choice-rules.ts';
import type { Verify } from '../../src/consensus/validate/verify.ts';
import type { News } from '../../src/events/events.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { type Limits, limits as standard } from '../../src/node/limits.ts';
import { encodeStep } from '../../src/node/record/encode-step.ts';
import type {
  Command,
  CommandResult,
  Effect,
  GossipVerdict,
  Input,
  Job,
  Micros,
  PeerId,
  Step,
  Topic,
} from '../../src/node/types.ts';
import { compare, keyOf, reversed, writeU32LE } from '../../src/util/bytes.ts';
import { Heap } from '../../src/util/heap.ts';
import { MemoryStore } from '../dsl/memory-store.ts';

const MS = 1_000;

/** The lab network with the easiest target: two hashes a block. */
export function labParams(label = 'test', network = 'lab'): Params {
  const json: unknown = JSON.parse(readFileSync(new URL('../../genesis.json', import.meta.url), 'utf8'));
  const networks = parseNetworks(json);
  if (!networks.ok) throw new Error(networks.error);
  return deriveParams(networks.value.get(network)!, { label, timeS: 1_800_000_000, bits: 0x207fffff });
}

/** Valid signatures are remembered, since many nodes in one test check the same ones. */
export function cachedVerify(): Verify {
  const known = new Map<string, boolean>();
  return (check) => {
    const key = check.scheme + [check.key, check.message, check.signature].map(keyOf).join('');
    let valid = known.get(key);
    if (valid === undefined) known.set(key, (valid = nobleVerify(check)));
    return valid;
  };
}

export function withLimits(changed: Partial<Limits> = {}): Limits {
  return { ...standard, ...changed };
}

export interface NetOptions {
  readonly params?: Params;
  /** One way, each link. */
  readonly delayMs?: number;
  readonly gossip?: boolean;
  readonly forkChoice?: ForkChoiceName;
  readonly limits?: Partial<Limits>;
  /** Whether the host calls `signaturesAhead` before each step, as it may. */
  readonly signaturesAhead?: boolean;
  /** Hash every step. */
  readonly trace?: boolean;
  /** Which node's machine stops, and when. */
  readonly crash?: Readonly<Record<string, CrashPoint>>;
}

/** Somebody on the other end of a link who speaks bytes: an honest node or a hostile one. */
export interface Party {
  readonly id: PeerId;
  joined(peer: PeerId, inbound: boolean): void;
  left(peer: PeerId): void;
  message(peer: PeerId, bytes: Uint8Array): void;
  gossip(peer: PeerId, topic: Topic, bytes: Uint8Array): void;
}

/**
 * A world for several nodes in one process: virtual time, links with a delay, gossip as flooding with verdicts, and a
 * host that commits each step's batch and then performs its effects. Nothing in it depends on the real clock.
 */
export class Net {
  readonly params: Params;
  readonly delay: Micros;
  readonly verify = cachedVerify();
  readonly options: NetOptions;
  readonly nodes = new Map<string, TestNode>();
  readonly #parties = new Map<PeerId, Party>();
  /** Both ways, with a number that a cut makes void, so that what was on the wire is lost. */
  readonly #links = new Map<string, number>();
  readonly #events = new Heap<{ at: Micros; seq: number; run: () => void }>(
    (a, b) => a.at - b.at || a.seq - b.seq,
  );
  #seq = 0;
  now: Micros = 0;
  gossip: boolean;
  /** Everything sent from now on is lost, though the links stay. */
  lossy = false;
  /** Gossip alone is lost. */
  lossyGossip = false;

  constructor(o: NetOptions = {}) {
    this.options = o;
    this.params = o.params ?? labParams();
    this.delay = (o.delayMs ?? 10) * MS;
    this.gossip = o.gossip ?? true;
  }

  at(at: Micros, run: () => void): void {
    this.#events.push({ at, seq: this.#seq++, run });
  }

  node(name: string): TestNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error('no node ' + name);
    return node;
  }

  /** Adds nodes, not yet linked. */
  add(...names: readonly string[]): TestNode[] {
    return names.map((name) => {
      const node = new TestNode(this, name);
      this.nodes.set(name, node);
      this.#parties.set(name, node);
      return node;
    });
  }

  party(party: Party): void {
    this.#parties.set(party.id, party);
  }

  linked(a: string, b: string): boolean {
    return this.#links.has(linkKey(a, b));
  }

  neighbours(of: string): string[] {
    return [...this.#parties.keys()].filter((other) => other !== of && this.linked(of, other)).sort(byText);
  }

  connect(a: string, b: string): void {
    if (this.linked(a, b)) return;
    this.#links.set(linkKey(a, b), this.#seq++);
    this.#parties.get(a)!.joined(b, false);
    this.#parties.get(b)!.joined(a, true);
  }

  disconnect(a: string, b: string): void {
    if (!this.#links.delete(linkKey(a, b))) return;
    this.#parties.get(a)!.left(b);
    this.#parties.get(b)!.left(a);
  }

  connectAll(names: readonly string[] = [...this.nodes.keys()]): void {
    for (const a of names) for (const b of names) if (a < b) this.connect(a, b);
  }

  /** Nothing crosses between the groups from now on. */
  partition(...groups: readonly (readonly string[])[]): void {
    for (const one of groups) {
      for (const other of groups)
        if (one !== other) for (const a of one) for (const b of other) this.disconnect(a, b);
    }
  }

  /** As {@link carry}, unless gossip is broken. */
  carryGossip(from: string, to: string, run: (party: Party) => void): void {
    if (!this.lossyGossip) this.carry(from, to, run);
  }

  /** Delivers after the link's delay, if the link lasts so long. */
  carry(from: string, to: string, run: (party: Party) => void): void {
    const link = this.#links.get(linkKey(from, to));
    if (link === undefined || this.lossy) return;
    this.at(this.now + this.delay, () => {
      if (this.#links.get(linkKey(from, to)) === link) run(this.#parties.get(to)!);
    });
  }

  /** Runs all that happens within this time. */
  run(ms: number): void {
    const end = this.now + ms * MS;
    for (let next = this.#events.peek(); next !== undefined && next.at <= end; next = this.#events.peek())
      this.#one();
    this.now = end;
  }

  #one(): void {
    const event = this.#events.pop()!;
    this.now = Math.max(this.now, event.at);
    event.run();
  }

  /** Runs until the condition holds; answers how many milliseconds that took. */
  until(what: string, condition: () => boolean, limitMs = 120_000): number {
    const start = this.now;
    while (!condition()) {
      const next = this.#events.peek();
      if (next === undefined || next.at > start + limitMs * MS) {
        throw new Error('not within ' + limitMs + ' ms: ' + what + '\n' + this.describe());
      }
      this.#one();
    }
    return (this.now - start) / MS;
  }

  describe(): string {
    return [...this.nodes.values()]
      .map(({ name, node }) => {
        const { tip, bestHeader } = node.view.chain;
        return name + ' ' + tip.height + ' ' + tip.id.slice(-6) + ' header ' + bestHeader.height;
      })
      .join('\n');
  }

  agreed(names: readonly string[] = [...this.nodes.keys()]): boolean {
    return new Set(names.map((name) => this.node(name).tip.id)).size === 1;
  }

  untilAgreed(names?: readonly string[], limitMs?: number): number {
    return this.until('agreement', () => this.agreed(names), limitMs);
  }

  /** This node mines so many blocks on its tip, with a pause after each so that times move on. */
  mine(name: string, blocks = 1, pauseMs = 250): void {
    for (let i = 0; i < blocks; i++) {
      this.node(name).mineOne();
      this.run(pauseMs);
    }
  }
}

function linkKey(a: string, b: string): string {
  return a < b ? a + '|' + b : b + '|' + a;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** When a node's machine stops: at its n-th batch, before it is on disk, or after it and before any effect. */
export interface CrashPoint {
  readonly batch: number;
  readonly when: 'before commit' | 'after commit';
}

export class TestNode implements Party {
  readonly id: PeerId;
  readonly name: string;
  readonly store = new MemoryStore();
  readonly news: News[] = [];
  readonly drops: { readonly peer: PeerId; readonly why: string; readonly banMs: number | undefined }[] = [];
  readonly verdicts: { readonly peer: PeerId; readonly verdict: GossipVerdict }[] = [];
  /** Every step, hashed one after the other. */
  readonly trace: Hash = createHash('sha256');
  readonly #net: Net;
  readonly #seen = new Set<string>();
  readonly #tickets = new Map<number, (verdict: GossipVerdict) => void>();
  readonly #answers = new Map<number, CommandResult>();
  node: FullNode;
  job: Job | undefined;
  batches = 0;
  crashes = 0;
  crash: CrashPoint | undefined;
  /** Sees every input and step, for transcripts. */
  watch: ((input: Input, step: Step) => void) | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #ticket = 1;
  #life = 0;
  #down = false;

  constructor(net: Net, name: string) {
    this.#net = net;
    this.id = name;
    this.name = name;
    this.crash = net.options.crash?.[name];
    this.node = this.#open();
    this.#clock();
  }

  #open(): FullNode {
    return new FullNode({
      params: this.#net.params,
      store: this.store,
      index: this.store.rows(),
      verify: this.#net.verify,
      seed: this.name.charCodeAt(0) + this.#life,
      name: this.name,
      limits: withLimits(this.#net.options.limits),
      forkChoice: this.#net.options.forkChoice ?? 'first-seen',
    });
  }

  #clock(): void {
    const startS = this.#net.params.genesis.header.time + 3_600;
    this.input({ kind: 'clock', offset: startS * 1_000_000 });
  }

  get tip() {
    return this.node.view.chain.tip;
  }

  /** One input, its batch and its effects. */
  input(input: Input): void {
    if (this.#down) return;
    if (this.#net.options.signaturesAhead !== false) this.node.signaturesAhead();
    const step = this.node.step(this.#net.now, input);
    if (this.#net.options.trace === true) this.trace.update(encodeStep(this.#net.now, step));
    this.watch?.(input, step);
    if (step.writes.length > 0) {
      this.batches++;
      const crash = this.crash?.batch === this.batches ? this.crash : undefined;
      if (crash?.when !== 'before commit') this.store.commit(step.writes);
      if (crash !== undefined) {
        this.restart();
        return;
      }
    }
    for (const effect of step.effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    const net = this.#net;
    switch (effect.kind) {
      case 'send':
        net.carry(this.name, effect.peer, (party) => party.message(this.name, effect.bytes));
        return;
      case 'publish':
        this.#seen.add(gossipKey(effect.topic, effect.bytes));
        this.#flood(effect.topic, effect.bytes, undefined);
        return;
      case 'judge': {
        const tell = this.#tickets.get(effect.ticket);
        if (tell === undefined) throw new Error('a verdict twice, or for nothing');
        this.#tickets.delete(effect.ticket);
        tell(effect.verdict);
        return;
      }
      case 'answer':
        if (this.#answers.has(effect.ticket)) throw new Error('two answers to one command');
        this.#answers.set(effect.ticket, effect.result);
        return;
      case 'drop':
        this.drops.push({ peer: effect.peer, why: effect.why, banMs: effect.banMs });
        net.at(net.now, () => net.disconnect(this.name, effect.peer));
        return;
      case 'work':
        this.job = effect.job;
        return;
      case 'wake':
        this.#wake(effect.at);
        return;
      case 'tell':
        this.news.push(effect.news);
        return;
    }
  }

  #wake(at: Micros): void {
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    const life = this.#life;
    this.#net.at(Math.max(at, this.#net.now), () => {
      // A later, earlier wake has taken its place; or the node that asked is gone.
      if (this.#life !== life || this.#wakeAt !== at) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.input({ kind: 'timer' });
    });
  }

  #flood(topic: Topic, bytes: Uint8Array, except: string | undefined): void {
    if (!this.#net.gossip) return;
    for (const other of this.#net.neighbours(this.name)) {
      if (other !== except)
        this.#net.carryGossip(this.name, other, (party) => party.gossip(this.name, topic, bytes));
    }
  }

  gossip(peer: PeerId, topic: Topic, bytes: Uint8Array): void {
    const key = gossipKey(topic, bytes);
    if (this.#down || this.#seen.has(key)) return;
    this.#seen.add(key);
    const ticket = this.#ticket++;
    this.#tickets.set(ticket, (verdict) => {
      this.verdicts.push({ peer, verdict });
      if (verdict === 'accept') this.#flood(topic, bytes, peer);
    });
    this.input({ kind: 'gossip', ticket, peer, topic, bytes });
  }

  joined(peer: PeerId, inbound: boolean): void {
    this.input({ kind: 'joined', peer, inbound });
  }

  left(peer: PeerId): void {
    this.input({ kind: 'left', peer });
  }

  message(peer: PeerId, bytes: Uint8Array): void {
    this.input({ kind: 'message', peer, bytes });
  }

  /** The answer may come now or after some steps. */
  ask(command: Command): number {
    const ticket = this.#ticket++;
    this.input({ kind: 'command', ticket, command });
    return ticket;
  }

  answer(ticket: number): CommandResult | undefined {
    return this.#answers.get(ticket);
  }

  command(command: Command): CommandResult {
    const ticket = this.ask(command);
    this.#net.until('an answer to ' + command.kind, () => this.#answers.has(ticket));
    return this.#answers.get(ticket)!;
  }

  send(tx: Tx): CommandResult {
    return this.command({ kind: 'send-tx', bytes: tx.bytes });
  }

  /** Mines one block by the job, with real proof of work, and sees it stored. */
  mineOne(payout: WellKnown = 'judy'): string {
    this.command({ kind: 'mine', payout: wellKnownScript(payout), tag: this.name, blocks: 1 });
    const mined = this.solve();
    if (mined === undefined) throw new Error(this.name + ' has no job');
    return mined;
  }

  /** As {@link mineOne}, where the machine may stop in between: false if nothing was mined. */
  tryMine(): boolean {
    const before = this.crashes;
    this.ask({ kind: 'mine', payout: wellKnownScript('judy'), tag: this.name, blocks: 1 });
    return this.solve() !== undefined && this.crashes === before;
  }

  /** Grinds the present job; answers the block's id as told in the news. */
  solve(): string | undefined {
    const { job } = this;
    if (job === undefined) return undefined;
    this.input({ kind: 'solved', job: job.id, nonce: grind(job), tries: 1, ms: 1 });
    const told = this.news.findLast((news) => news.kind === 'mined');
    return told?.kind === 'mined' ? told.id : undefined;
  }

  /** The process ends at once and starts again on what is on disk; its links come back after a second. */
  restart(): void {
    this.kill();
    this.crashes++;
    this.start();
  }

  kill(): void {
    this.#down = true;
    this.#life++;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.job = undefined;
    this.#tickets.clear();
    const net = this.#net;
    for (const other of net.neighbours(this.name)) {
      net.disconnect(this.name, other);
      net.at(net.now + 1_000 * MS, () => net.connect(this.name, other));
    }
  }

  start(): void {
    this.#down = false;
    this.#seen.clear();
    this.node = this.#open();
    this.#clock();
  }

  told<K extends News['kind']>(kind: K): (News & { kind: K })[] {
    return this.news.filter((news): news is News & { kind: K } => news.kind === kind);
  }
}

function gossipKey(topic: Topic, bytes: Uint8Array): string {
  return topic + keyOf(sha256(bytes));
}

/** Real proof of work: the first nonce from 0 on that meets the job's target. */
export function grind(job: { readonly header: Uint8Array; readonly target: Uint8Array }): number {
  const header = new Uint8Array(80);
  header.set(job.header.subarray(0, 76));
  for (let nonce = 0; nonce <= 0xffff_ffff; nonce++) {
    writeU32LE(header, 76, nonce);
    if (compare(reversed(sha256d(header)), job.target) <= 0) return nonce;
  }
  throw new Error('no nonce');
}
