import { OPENING_PREFIXES } from '../../consensus/store/records.ts';
import type { HostNews, News } from '../../events/events.ts';
import { FullNode } from '../../node/fullnode.ts';
import type { Command, CommandResult, Effect, Input, Job, Micros, PeerId, Topic } from '../../node/types.ts';
import type { NodeView } from '../../node/view.ts';
import { assert } from '../../util/assert.ts';
import { seeded } from '../../util/random.ts';
import { type Stop, VirtualDisk } from './disk.ts';
import type { GossipMember, GossipMessage } from './gossip.ts';
import { simLimits } from './limits.ts';
import { SimMiner } from './miner.ts';
import { type MiningOptions, MiningOrders, type MiningRequest } from './mining-control.ts';
import type { Surroundings } from './surroundings.ts';

export interface SimNodeOptions extends MiningOptions {
  /** How far its wall clock is off. */
  readonly clockMs?: number;
  /** Nobody can be linked with it, and the log has no line of it: where an attacker mines. */
  readonly secret?: boolean;
}

/** When a node's machine stops: at its n-th batch from now, before it is on disk, or after it and before any effect. */
export interface CrashPoint {
  readonly batch: number;
  readonly when: 'before commit' | 'after commit';
  readonly how?: Stop;
}

type Outgoing = Extract<Effect, { kind: 'send' | 'publish' }>;

/** Where a miner's strategy, or an attacker, gets hold of its own node. */
export interface NodeHooks {
  /** False withholds it from the wire; `release` lets it go later. */
  outgoing?(effect: Outgoing): boolean;
  /** False: the node does not hear that its job is solved. */
  solved?(job: Job, nonce: number): boolean;
}

/**
 * One machine of the world: an unchanged FullNode, and around it what the host is in the real world. Takes one input at
 * a time, steps, makes the step's writes durable, then performs its effects in order (host/driver/driver.ts).
 */
export class SimNode implements GossipMember {
  readonly id: PeerId;
  readonly name: string;
  readonly disk: VirtualDisk;
  readonly mining: MiningOrders;
  readonly #secret: boolean;
  readonly #world: Surroundings<SimNode>;
  readonly #miner: SimMiner;
  /** What the node asked for by command: who waits for the answer. */
  readonly #answers = new Map<number, (result: CommandResult | undefined) => void>();
  readonly #verdicts = new Map<number, { readonly from: PeerId; readonly message: GossipMessage }>();
  #inbox: Input[] = [];
  /** Peers whose leaving it has not heard of yet: what it sends them goes to a stream that is closed. */
  #leaving: PeerId[] = [];
  #node: FullNode | undefined;
  #stepping = false;
  #frozen = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #ticket = 1;
  #starts = 0;
  #clockMs: number;
  /** Another number after each start: what was asked of an earlier life comes to nothing. */
  life: number;
  /** Id of the newest block that it mined in this life. */
  lastMined = '';
  hooks: NodeHooks = {};
  crashAt: CrashPoint | undefined;

  constructor(world: Surroundings<SimNode>, name: string, o: SimNodeOptions) {
    this.#world = world;
    this.id = name;
    this.name = name;
    this.disk = new VirtualDisk(world.keepBodies);
    this.#clockMs = o.clockMs ?? 0;
    this.life = world.newLife();
    this.#miner = new SimMiner({
      queue: world.queue,
      random: seeded(`${world.seed}|power|${name}`),
      hashScale: world.hashScale,
      solved: (job, nonce, tries, ms) => {
        if (this.hooks.solved?.(job, nonce) === false) return;
        this.input({ kind: 'solved', job: job.id, nonce, tries, ms });
      },
      exhausted: (job) => this.input({ kind: 'exhausted', job }),
    });
    this.#secret = o.secret === true;
    this.mining = new MiningOrders(this, this.#miner, o);
  }

  get up(): boolean {
    return this.#node !== undefined;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get clockMs(): number {
    return this.#clockMs;
  }

  /** What the node shows; throws while it is down. */
  get view(): NodeView {
    assert(this.#node !== undefined, `node ${this.name} is up`);
    return this.#node.view;
  }

  get tip() {
    return this.view.chain.tip;
  }

  /** The job that it would grind now. */
  get job(): Job | undefined {
    return this.#miner.job;
  }

  tell(news: News | HostNews): void {
    if (!this.#secret) this.#world.log.tell(this.name, news);
  }

  /** Opens on what is on its disk, and is linked with whoever wants to be. */
  start(): void {
    assert(!this.up, `node ${this.name} is down before it starts`);
    const { params, verify, reading, seed, limits, bounds, forkChoice } = this.#world;
    this.life = this.#world.newLife();
    this.#node = new FullNode({
      params,
      store: this.disk,
      index: this.disk.opening(OPENING_PREFIXES),
      verify,
      reading,
      forkChoice,
      bounds,
      limits,
      seed: seeded(`${seed}|node|${this.name}|${this.#starts++}`).u32(),
      name: this.name,
    });
    const { tip } = this.view.chain;
    this.tell({
      kind: 'start',
      genesis: params.genesisId,
      network: params.name,
      id: tip.id,
      height: tip.height,
      work: tip.work.toString(16),
      pid: this.life,
      peer: this.id,
    });
    this.#setOffset();
    this.mining.started();
    this.#world.back(this.id);
  }

  /** The machine stops: the process alone, or its power, which also takes what was not durable yet. */
  kill(how: Stop = 'process'): void {
    if (!this.up) return;
    this.#node = undefined;
    this.#frozen = false;
    this.#inbox = [];
    this.#leaving = [];
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#verdicts.clear();
    this.disk.stop(how, this.#world.chance);
    this.mining.stoppedWithNode();
    const waiting = [...this.#answers.values()];
    this.#answers.clear();
    this.#world.gone(this.id);
    for (const answer of waiting) answer(undefined);
  }

  /** Stands still with its connections open: what comes in waits. */
  freeze(): void {
    this.#frozen = true;
    this.mining.apply();
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.mining.apply();
    this.#drain();
    if (this.#wakeAt <= this.#world.queue.now) this.#alarm(this.#wakeAt);
  }

  /** Sets its wall clock off by so much against the world's. */
  setClock(ms: number): void {
    this.#clockMs = ms;
    if (this.up) this.#setOffset();
  }

  #setOffset(): void {
    this.input({ kind: 'clock', offset: this.#world.epochMicros + Math.round(this.#clockMs * 1_000) });
  }

  /** One more input; it waits while the node is in a step, or frozen. */
  input(input: Input): void {
    if (!this.up) return;
    if (this.#frozen && this.#inbox.length >= simLimits.frozenInputs) {
      if (input.kind === 'message' || input.kind === 'gossip') this.#world.wires.sever(this.id, input.peer);
      return;
    }
    if (input.kind === 'left') this.#leaving.push(input.peer);
    this.#inbox.push(input);
    this.#drain();
  }

  #drain(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    while (this.#inbox.length > 0 && !this.#frozen) {
      const inputs = this.#inbox;
      this.#inbox = [];
      for (let i = 0; i < inputs.length; i++) {
        // Killed or frozen by what an effect set off: the rest is lost with the process, or waits.
        if (!this.up) break;
        if (this.#frozen) {
          this.#inbox = [...inputs.slice(i), ...this.#inbox];
          break;
        }
        this.#step(inputs[i]!);
      }
    }
    this.#stepping = false;
  }

  #step(input: Input): void {
    const node = this.#node!;
    const { life } = this;
    const { queue } = this.#world;
    if (input.kind === 'left') this.#leaving.splice(this.#leaving.indexOf(input.peer), 1);
    const step = node.step(queue.now, input);
    this.#world.stepped(this, input, step);
    const { writes, effects } = step;
    let early = false;
    for (const effect of effects) {
      if (!isEarly(effect)) continue;
      early = true;
      this.#perform(effect);
    }
    if (writes.length > 0 && !this.#commit(step.writes, step.durable)) return;
    for (const effect of effects) {
      if (this.life !== life || !this.up) return;
      if (!early || !isEarly(effect)) this.#perform(effect);
    }
  }

  /** False: the machine stopped here. */
  #commit(writes: Parameters<VirtualDisk['commit']>[0], durable: boolean): boolean {
    const crash = this.crashAt;
    const now = crash !== undefined && crash.batch <= 1;
    if (crash !== undefined) this.crashAt = now ? undefined : { ...crash, batch: crash.batch - 1 };
    if (!now || crash.when === 'after commit') this.disk.commit(writes, durable);
    if (!now) return true;
    this.#world.crashed(this);
    this.kill(crash.how ?? 'power');
    return false;
  }

  #perform(effect: Effect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'send':
      case 'publish':
        if (this.hooks.outgoing?.(effect) !== false) this.release(effect);
        return;
      case 'judge': {
        const asked = this.#verdicts.get(effect.ticket);
        assert(asked !== undefined, 'every gossip message gets one verdict');
        this.#verdicts.delete(effect.ticket);
        world.gossip.judged(this, asked.from, asked.message, effect.verdict);
        return;
      }
      case 'answer': {
        const answer = this.#answers.get(effect.ticket);
        this.#answers.delete(effect.ticket);
        answer?.(effect.result);
        return;
      }
      case 'drop':
        // After this step: the node hears that the peer left as any other input.
        world.queue.at(world.queue.now, () => world.wires.sever(this.id, effect.peer, effect.banMs));
        return;
      case 'work':
        this.#miner.work(effect.job, (news) => this.tell(news));
        return;
      case 'wake':
        this.#wake(effect.at);
        return;
      case 'tell':
        this.tell(effect.news);
        if (effect.news.kind === 'mined') this.lastMined = effect.news.id;
        if (effect.news.kind === 'mining' && !effect.news.on) this.mining.orderDone();
    }
  }

  /** Puts on the wire what the node wanted sent. */
  release(effect: Outgoing): void {
    const world = this.#world;
    if (effect.kind === 'publish') world.gossip.publish(this, effect.topic, effect.bytes);
    else if (!this.#leaving.includes(effect.peer)) world.send(this.id, effect.peer, effect.bytes);
  }

  /** Publishes any bytes, whether its node would or not. */
  publish(bytes: Uint8Array, topic: Topic = 'block'): void {
    this.#world.gossip.publish(this, topic, bytes);
  }

  #wake(at: Micros): void {
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    this.#alarm(at);
  }

  #alarm(at: Micros): void {
    const { life } = this;
    this.#world.queue.at(at, () => {
      // A later, earlier wake has taken its place; or the node that asked is gone; or it stands still.
      if (this.life !== life || this.#wakeAt !== at || this.#frozen) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.input({ kind: 'timer' });
    });
  }

  take(from: PeerId, message: GossipMessage): void {
    const ticket = this.#ticket++;
    this.#verdicts.set(ticket, { from, message });
    this.input({ kind: 'gossip', ticket, peer: from, topic: message.topic, bytes: message.bytes });
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

  /** The answer may come now or after some steps; undefined: the node stopped before it answered. */
  command(command: Command, done: (result: CommandResult | undefined) => void = () => undefined): void {
    if (!this.up) {
      done(undefined);
      return;
    }
    const ticket = this.#ticket++;
    this.#answers.set(ticket, done);
    this.input({ kind: 'command', ticket, command });
  }

  /** As `command`, and lets the world go on until there is an answer. Throws when the node is down or stops. */
  ask(command: Command): CommandResult {
    let answer: CommandResult | undefined;
    let answered = false;
    this.command(command, (result) => {
      answer = result;
      answered = true;
    });
    while (!answered && this.#world.queue.step());
    if (answer === undefined) throw new Error(`node ${this.name} stopped before it answered ${command.kind}`);
    return answer;
  }

  /** What it mines, and how fast, from now on. */
  mine(request: MiningRequest): void {
    this.mining.set(request);
  }

  /** One block on its tip, now, with real proof of work; its id as the log tells it. */
  mineOne(): string {
    return this.mining.oneNow();
  }

  /** Grinds the job at hand now: false when there is none. */
  solveNow(): boolean {
    if (this.#miner.job === undefined) return false;
    this.#miner.solve();
    return true;
  }
}

function isEarly(effect: Effect): boolean {
  return (
    effect.kind === 'judge' ||
    ((effect.kind === 'send' || effect.kind === 'publish') && effect.early === true)
  );
}
