import type { Tx } from '../../bitcoin/tx.ts';
import type { NetworkTemplates } from '../../consensus/params/params.ts';
import type { Limits } from '../../node/limits.ts';
import { isCompact } from '../../node/wire/compact.ts';
import { equal } from '../../util/bytes.ts';
import { rateFor, simParams } from '../world/params.ts';
import type { SimNode } from '../world/sim-node.ts';
import { World } from '../world/world.ts';
import { Replay } from './ledger.ts';
import type { Plan, PlannedEvent } from './plan.ts';
import { coinsOf, type Owned, payment, scriptOf } from './purse.ts';
import { Stranger } from './stranger.ts';
import { type Failure, Watch } from './watch.ts';

type LinkFault = Extract<PlannedEvent, { kind: 'partition' | 'one-way' | 'unlink' | 'slow' | 'deaf-gossip' }>;
type NodeFault = Extract<PlannedEvent, { kind: 'kill' | 'crash' | 'freeze' | 'clock' }>;

/** Bounds that a short life meets: pieces, batches and queues are then many and full. */
const TIGHT: Partial<Limits> = {
  connectWeightPerStep: 1_500,
  batchAheadRows: 8,
  readmitWeightPerStep: 1_000,
  maxHeadersPerMessage: 7,
  headersPerStep: 5,
  inFlightPerPeer: 8,
  downloadWindow: 20,
  serveBytesPerStep: 2_000,
  framesBurst: 500,
  framesPerSecond: 200,
  orphanTxs: 5,
  orphanTxsPerPeer: 6,
  futureHeaders: 6,
  futureHeadersPerPeer: 2,
  sideHeadersBurst: 12,
  badConnectBudget: 1,
  heldVerdicts: 2,
  prefetchChecks: 2,
};

/** Nearly every block with two payments is then announced by short ids, and room for announcements is short. */
const COMPACT: Partial<Limits> = {
  compactFromBytes: 500,
  compactPending: 2,
  compactFailed: 4,
  compactServeDepth: 3,
  checkBytesPerStep: 600,
  checkingBytes: 3_000,
};

/**
 * After the last fault mining goes on, as slowly as a network must whose blocks are to be heard by all before the next
 * one: so many link delays for each node there is. All agree within so many of its intervals, and some time to sync.
 */
const CALM_DELAYS = 12;
const AGREE_INTERVALS = 20;
const AGREE_MS = 300_000;

/** Events at one moment: more than any flood brings. */
const STILL = 50_000;

export interface LifeFigures {
  readonly virtualMs: number;
  readonly steps: number;
  readonly blocks: number;
  /** Of those, announced by short transaction ids. */
  readonly compactBlocks: number;
  readonly reorgs: number;
  readonly deepestReorg: number;
  readonly restarts: number;
  readonly payments: number;
  readonly lies: number;
  /** From the last fault's end to one tip. */
  readonly agreedMs: number;
}

export interface Life {
  readonly failure: Failure | undefined;
  readonly figures: LifeFigures;
  /** With `trace`. */
  readonly traceHash: string | undefined;
}

export interface LifeOptions {
  readonly networks: NetworkTemplates;
  readonly trace?: boolean;
}

/** Lives a plan from its first block to agreement, and says what broke, if anything did. */
export function live(plan: Plan, o: LifeOptions): Life {
  return new Living(plan, o).run();
}

class Living {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #replay: Replay;
  readonly #watch: Watch;
  readonly #traced: boolean;
  /** Which event's partition is in force. */
  #cut = -1;
  #strangers = 0;
  #blocks = 0;
  #compactBlocks = 0;
  #reorgs = 0;
  #deepest = 0;
  #restarts = 0;
  #payments = 0;

  constructor(plan: Plan, o: LifeOptions) {
    this.#plan = plan;
    this.#traced = o.trace === true;
    const template = o.networks.get(plan.network);
    if (template === undefined) throw new RangeError(`there is no network ${plan.network}`);
    const params = simParams(template, { intervalMs: plan.intervalMs, label: 'swarm' });
    const { delayMs, jitterMs, loss } = plan;
    this.#world = new World({
      ...{ params, seed: plan.seed, gossip: plan.gossip, link: { delayMs, jitterMs, loss } },
      limits: { ...(plan.tight ? TIGHT : {}), ...(plan.compact ? COMPACT : {}) },
      trace: this.#traced,
    });
    this.#replay = new Replay(params);
    this.#watch = new Watch(this.#world, this.#replay);
    this.#world.onEvent((event) => {
      if (event.kind === 'mined') this.#blocks++;
      if (event.kind !== 'reorg') return;
      this.#reorgs++;
      this.#deepest = Math.max(this.#deepest, event.depth);
    });
    this.#world.onStep((_node, _input, { effects }) => {
      for (const effect of effects)
        if (effect.kind === 'publish' && effect.topic === 'block' && isCompact(effect.bytes))
          this.#compactBlocks++;
    });
    const total = plan.nodes.reduce((sum, { power }) => sum + power, 0);
    for (const [i, { name, power }] of plan.nodes.entries()) {
      const hashrate = rateFor(params, power / Math.max(1, total), plan.intervalMs);
      this.#world.add(name, { hashrate, payout: scriptOf(i) });
    }
    for (const [a, b] of plan.links) this.#world.connect(a, b);
    this.#world.onCrash((node) => this.#crashed(node));
    for (const [i, event] of plan.events.entries())
      this.#world.at(event.atMs * 1_000, () => this.#begin(event, i));
  }

  run(): Life {
    const ends = this.#plan.events.map((e) => e.atMs + ('forMs' in e ? e.forMs : 0));
    const world = this.#world;
    let agreedMs = 0;
    try {
      this.#until(Math.max(this.#plan.lifeMs, ...ends) * 1_000, () => false);
      if (this.#watch.failure === undefined) {
        this.#allWell();
        const healed = world.now;
        const limitMs = AGREE_MS + AGREE_INTERVALS * this.#calmMs;
        const agreed = this.#until(healed + limitMs * 1_000, () => this.#agreed());
        agreedMs = Math.round((world.now - healed) / 1_000);
        if (!agreed && this.#watch.failure === undefined)
          this.#watch.fail('agreement', `${limitMs / 1_000} s after the last fault: ${this.#tips()}`);
      }
    } catch (error) {
      this.#watch.fail('throws', error instanceof Error ? error.message : String(error));
    }
    return {
      failure: this.#watch.failure,
      figures: {
        ...{ virtualMs: Math.round(world.now / 1_000), steps: world.steps, blocks: this.#blocks },
        compactBlocks: this.#compactBlocks,
        ...{ reorgs: this.#reorgs, deepestReorg: this.#deepest, restarts: this.#restarts },
        ...{ payments: this.#payments, lies: this.#strangers, agreedMs },
      },
      traceHash: this.#traced ? world.traceHash() : undefined,
    };
  }

  /** Event by event, each followed by a look at what must hold. True when the condition came first. */
  #until(end: number, condition: () => boolean): boolean {
    const { queue } = this.#world;
    let still = 0;
    while (this.#watch.failure === undefined && !condition()) {
      const { next, now } = queue;
      still = next === now ? still + 1 : 0;
      if (still > STILL) this.#watch.fail('busy', `${STILL} events and no time has passed`);
      if (next === undefined || next > end) {
        queue.runTo(end);
        return false;
      }
      queue.step();
      this.#watch.look();
    }
    return this.#watch.failure === undefined;
  }

  #agreed(): boolean {
    const world = this.#world;
    for (const node of world.nodes.values()) if (!node.up || node.view.chain.connecting) return false;
    return world.agreed();
  }

  /** Mean interval of blocks after the last fault. */
  get #calmMs(): number {
    const { delayMs, jitterMs, nodes, intervalMs } = this.#plan;
    return Math.max(intervalMs, CALM_DELAYS * (delayMs + jitterMs) * nodes.length);
  }

  #tips(): string {
    const tips = [...this.#world.nodes.values()].map((node) => {
      if (!node.up) return `${node.name} down`;
      const { tip, bestHeader } = node.view.chain;
      return `${node.name} ${tip.height} …${tip.id.slice(-6)} (best header ${bestHeader.height})`;
    });
    return tips.join(', ');
  }

  /** Whatever is broken is mended, and the strangers are gone. */
  #allWell(): void {
    const world = this.#world;
    world.heal();
    world.gossip.on = this.#plan.gossip;
    for (const event of this.#plan.events) {
      if (event.kind === 'one-way') world.openOneWay(event.from, event.to);
      if (event.kind === 'slow') this.#shape(event.a, event.b, undefined);
    }
    for (const [a, b] of this.#plan.links) world.connect(a, b);
    for (const node of world.nodes.values()) {
      node.crashAt = undefined;
      node.thaw();
      node.setClock(0);
      if (!node.up) this.#start(node);
      node.mine({ hashrate: (node.mining.hashrate * this.#plan.intervalMs) / this.#calmMs });
    }
  }

  #start(node: SimNode): void {
    if (node.up) return;
    this.#restarts++;
    node.start();
  }

  #crashed(node: SimNode): void {
    const crash = this.#plan.events.find((e) => e.kind === 'crash' && e.node === node.name);
    const downMs = crash?.kind === 'crash' ? crash.forMs : 1_000;
    this.#world.after(downMs, () => this.#start(node));
  }

  #shape(a: string, b: string, delayMs: number | undefined): void {
    const shape = delayMs === undefined ? undefined : { delayMs };
    this.#world.shape(a, b, shape);
    this.#world.shape(b, a, shape);
  }

  #begin(event: PlannedEvent, index: number): void {
    switch (event.kind) {
      case 'partition':
      case 'one-way':
      case 'unlink':
      case 'slow':
      case 'deaf-gossip':
        this.#breakLinks(event, index);
        return;
      case 'kill':
      case 'crash':
      case 'freeze':
      case 'clock':
        this.#breakNode(event);
        return;
      case 'burst':
        this.#burst(event.node, event.blocks);
        return;
      case 'pay':
        this.#pay(event);
        return;
      case 'double-spend':
        this.#doubleSpend(event);
        return;
      case 'lie':
        new Stranger({
          ...{ world: this.#world, replay: this.#replay, event, number: ++this.#strangers },
          onForged: (id, rule) => this.#watch.forged.set(id, rule),
        }).begin();
        return;
    }
  }

  #breakLinks(event: LinkFault, index: number): void {
    const world = this.#world;
    const later = (run: () => void) => world.after(event.forMs, run);
    switch (event.kind) {
      case 'partition':
        this.#cut = index;
        world.partition(event.groups);
        later(() => {
          if (this.#cut === index) world.heal();
        });
        return;
      case 'one-way':
        world.cutOneWay(event.from, event.to);
        later(() => world.openOneWay(event.from, event.to));
        return;
      case 'unlink': {
        const isOurs = ([a, b]: readonly [string, string]) =>
          (a === event.a && b === event.b) || (a === event.b && b === event.a);
        if (!this.#plan.links.some(isOurs)) return;
        world.disconnect(event.a, event.b);
        later(() => world.connect(event.a, event.b));
        return;
      }
      case 'slow':
        this.#shape(event.a, event.b, event.delayMs);
        later(() => this.#shape(event.a, event.b, undefined));
        return;
      case 'deaf-gossip':
        world.gossip.on = false;
        later(() => {
          world.gossip.on = this.#plan.gossip;
        });
        return;
    }
  }

  #breakNode(event: NodeFault): void {
    const node = this.#world.node(event.node);
    const later = (run: () => void) => this.#world.after(event.forMs, run);
    switch (event.kind) {
      case 'kill':
        if (!node.up) return;
        node.kill(event.how);
        later(() => this.#start(node));
        return;
      case 'crash': {
        const { batch, when, how } = event;
        node.crashAt = { batch, when, how };
        return;
      }
      case 'freeze':
        if (!node.up || node.frozen) return;
        node.freeze();
        later(() => node.thaw());
        return;
      case 'clock':
        node.setClock(event.offsetMs);
        later(() => node.setClock(0));
        return;
    }
  }

  #burst(name: string, blocks: number): void {
    const node = this.#world.node(name);
    // One after the other with a pause: the next job must be here.
    for (let i = 0; i < blocks; i++)
      this.#world.after(200 * i, () => {
        if (node.up && !node.frozen && node.job !== undefined) node.solveNow();
      });
  }

  /** The coins of a person as this node sees them: on its chain, and in its mempool. */
  #coins(node: SimNode, person: number): Owned[] {
    const { chain, mempool } = node.view;
    const ledger = this.#replay.at(chain, chain.tip);
    if (!ledger.ok) return [];
    const owned = coinsOf(ledger.value, person);
    const script = scriptOf(person);
    for (const { tx } of mempool.entries())
      for (const [index, output] of tx.outputs.entries()) {
        if (!equal(output.script, script)) continue;
        const coin = { ...output, height: chain.tip.height + 1, coinbase: false };
        owned.push({ outpoint: { txid: tx.txid, index }, coin });
      }
    return owned;
  }

  #pay(event: Extract<PlannedEvent, { kind: 'pay' }>): void {
    const node = this.#world.node(event.node);
    if (!node.up) return;
    const coins = this.#coins(node, event.from);
    const coin = coins[event.coin % Math.max(1, coins.length)];
    const tx = coin === undefined ? undefined : payment(coin, event.from, event.to, event.part);
    if (tx !== undefined) this.#submit(node, tx);
  }

  #doubleSpend(event: Extract<PlannedEvent, { kind: 'double-spend' }>): void {
    const nodes = event.nodes.map((name) => this.#world.node(name));
    const first = nodes.find((node) => node.up);
    if (first === undefined) return;
    const coins = this.#coins(first, event.from);
    const coin = coins[event.coin % Math.max(1, coins.length)];
    if (coin === undefined) return;
    for (const [i, node] of nodes.entries()) {
      const tx = payment(coin, event.from, event.to[i]!, 3 + i);
      if (tx !== undefined && node.up) this.#submit(node, tx);
    }
  }

  #submit(node: SimNode, tx: Tx): void {
    node.command({ kind: 'send-tx', bytes: tx.bytes }, (result) => {
      if (result?.kind !== 'tx') return;
      this.#payments++;
      this.#watch.took(node, tx);
    });
  }
}
