import { headerHash } from '../../bitcoin/header.ts';
import { outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { bodyKey, PREFIX } from '../../consensus/store/records.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { LogEvent } from '../../events/events.ts';
import type { Effect, Input, PeerId, Step } from '../../node/types.ts';
import { announcedHeader } from '../../node/wire/compact.ts';
import { decodeMessage } from '../../node/wire/messages.ts';
import { hashOfId, keyOf } from '../../util/bytes.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { World } from '../world/world.ts';
import type { Ledger, Replay } from './ledger.ts';

/** What must hold at every moment of every life (ARCHITECTURE.md numbers them). */
export type Invariant =
  /** A tip gives way only to more work. */
  | 'work'
  /** The coins on the disk equal a replay of the active chain; nothing is made of nothing. */
  | 'coins'
  /** No block that breaks a rule is ever on an active chain. */
  | 'forged'
  /** What a node mined, or said yes to, is there after any crash. */
  | 'promise'
  /** A payment leaves the mempool for a block, or for a reason. */
  | 'payment'
  /** Own blocks and answers wait for their durable batch. */
  | 'audible'
  /** Every queue has its bound. */
  | 'bound'
  /** Gossip hears of everything that it brought, while it still cares. */
  | 'verdict'
  /** Honest nodes are not banned, nor what they forward rejected. */
  | 'honest'
  /** No input ends the process. */
  | 'throws'
  /** Every node comes to rest until something happens. */
  | 'busy'
  /** When messages drain and mining goes on, all agree. */
  | 'agreement'
  /** The same seed, the same steps. */
  | 'trace';

export interface Failure {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly text: string;
}

/** Faults of nodes that are far away, stand still, or come back from a crash. */
const SLOW: ReadonlySet<string> = new Set(['stalled', 'no-body', 'no-headers']);

/** Microseconds by which a verdict may be late. */
const LATE = 1_000_000;

/** What is remembered of one node. */
interface Memory {
  life: number;
  tip: BlockEntry;
  /** Ids of blocks that it told to have mined. */
  readonly mined: Set<string>;
  /** Payments that it took from its owner, or that its own reorg gave back, by key. */
  readonly owed: Map<string, Tx>;
  /** Gossip that it has not judged yet: ticket → who brought it, and when. Oldest first. */
  readonly tickets: Map<number, { readonly from: PeerId; readonly at: number }>;
  /** A verdict is overdue since then: it may have stood still, and have just come to itself. */
  lateSince: number | undefined;
}

/** Looks at every step of every honest node, and at their disks whenever a tip has moved. */
export class Watch {
  failure: Failure | undefined;
  /** Blocks that may be on no active chain, with the rule that they break. */
  readonly forged = new Map<string, string>();
  readonly #world: World;
  readonly #replay: Replay;
  readonly #memories = new Map<string, Memory>();
  readonly #dirty = new Set<SimNode>();
  readonly #checked = new Set<string>();

  constructor(world: World, replay: Replay) {
    this.#world = world;
    this.#replay = replay;
    world.onStep((node, input, step) => this.#step(node, input, step));
    world.onEvent((event) => this.#event(event));
  }

  fail(invariant: Invariant, text: string): void {
    this.failure ??= { invariant, atMs: Math.round(this.#world.now / 1_000), text };
  }

  #of(node: SimNode): Memory {
    let memory = this.#memories.get(node.name);
    if (memory === undefined) {
      memory = {
        ...{ life: node.life, tip: node.tip, mined: new Set(), owed: new Map() },
        ...{ tickets: new Map(), lateSince: undefined },
      };
      this.#memories.set(node.name, memory);
    }
    return memory;
  }

  /** It answered its owner that it took this payment. */
  took(node: SimNode, tx: Tx): void {
    this.#of(node).owed.set(keyOf(tx.txid), tx);
  }

  // ---- every step, before it is on disk ----

  #step(node: SimNode, input: Input, step: Step): void {
    const memory = this.#of(node);
    if (input.kind === 'gossip') memory.tickets.set(input.ticket, { from: input.peer, at: this.#world.now });
    // A tip may be shown a step after its batch.
    if (step.writes.length > 0 || node.tip !== memory.tip) this.#dirty.add(node);
    for (const effect of step.effects) this.#effect(node, memory, effect, step);
    this.#bounds(node);
    if (input.kind === 'timer') this.#verdicts(node, memory);
  }

  #effect(node: SimNode, memory: Memory, effect: Effect, step: Step): void {
    const isHonest = (peer: PeerId) => this.#world.nodes.has(peer);
    switch (effect.kind) {
      case 'drop':
        if (effect.banMs !== undefined && isHonest(effect.peer))
          this.fail('honest', `${node.name} bans ${effect.peer}: ${effect.why}`);
        return;
      case 'judge': {
        const from = memory.tickets.get(effect.ticket)?.from;
        memory.tickets.delete(effect.ticket);
        if (effect.verdict === 'reject' && from !== undefined && isHonest(from))
          this.fail('honest', `${node.name} rejects what ${from} forwards`);
        return;
      }
      case 'publish':
        if (effect.topic === 'block') this.#published(node, effect, step);
        return;
      case 'answer':
        if (effect.result.kind === 'block' && effect.result.isNew && !isDurable(step))
          this.fail('audible', `${node.name} answers for a block before it is durable`);
        return;
      case 'send':
        if (effect.early === true) this.#toldEarly(node, effect.bytes);
        if (effect.bytes.length > node.view.limits.maxFrameBytes)
          this.fail('bound', `${node.name} sends a frame of ${effect.bytes.length} bytes`);
        return;
      default:
        return;
    }
  }

  /** Its own block may be lost in a crash as long as nobody has heard of it, and no longer. */
  #published(node: SimNode, effect: Extract<Effect, { kind: 'publish' }>, step: Step): void {
    const header = announcedHeader(effect.bytes);
    const entry = header === undefined ? undefined : node.view.chain.entry(headerHash(header));
    if (entry?.miner !== node.name || isStored(node, entry)) return;
    if (effect.early === true || !isDurable(step))
      this.fail('audible', `${node.name} publishes its block ${entry.height} before it is durable`);
  }

  #toldEarly(node: SimNode, frame: Uint8Array): void {
    const message = decodeMessage(frame, node.view.limits);
    if (!message.ok || message.value.kind !== 'tip') return;
    const entry = node.view.chain.entry(headerHash(message.value.header));
    if (entry?.miner === node.name && !isStored(node, entry))
      this.fail('audible', `${node.name} tells of its block ${entry.height} before it is durable`);
  }

  /** Held back for its transactions, and then until it is connected, but no longer. */
  #verdicts(node: SimNode, memory: Memory): void {
    const { now } = this.#world;
    const [oldest] = memory.tickets.values();
    const late = oldest !== undefined && now - oldest.at > 2 * node.view.limits.heldVerdictTimeout + LATE;
    if (!late || memory.life !== node.life) memory.lateSince = undefined;
    else if (now - (memory.lateSince ??= now) > LATE)
      this.fail('verdict', `${node.name} says nothing of what ${oldest.from} brought`);
  }

  #bounds(node: SimNode): void {
    const { view } = node;
    const { limits } = view;
    const within = (what: string, value: number, most: number) => {
      if (value > most) this.fail('bound', `${node.name} keeps ${value} ${what}, ${most} at most`);
    };
    within('orphan payments', view.orphanTxs, limits.orphanTxs);
    within('announced blocks', view.announcedBlocks, limits.compactPending);
    within('blocks of the future', view.futureBlocks, limits.futureHeaders);
    within('bytes of mempool', view.mempool.usage, limits.mempoolBytes);
    for (const peer of view.peers) {
      within('headers of one peer', peer.headersBuffered, limits.headerBufferPerPeer);
      within('bodies in flight', peer.inFlight.length, limits.inFlightPerPeer);
    }
  }

  // ---- what the log tells ----

  #event(event: LogEvent): void {
    const node = this.#world.nodes.get(event.node);
    if (node === undefined || !node.up) return;
    const memory = this.#of(node);
    // Slow it may be, and have lost a body that it told of: all else no honest node does.
    if (event.kind === 'fault' && this.#world.nodes.has(event.peer) && !SLOW.has(event.rule))
      this.fail('honest', `${node.name} blames ${event.peer}: ${event.rule}, ${event.detail}`);
    if (event.kind === 'mined') memory.mined.add(event.id);
    if (event.kind === 'reorg') for (const { id } of event.out) this.#owePayments(node, memory, id);
    // What it says to have let go, and why, it owes no more.
    if (event.kind === 'tx-removed' || event.kind === 'tx-lost') {
      const txid = hashOfId(event.txid);
      if (txid !== undefined) memory.owed.delete(keyOf(txid));
    }
  }

  #owePayments(node: SimNode, memory: Memory, id: string): void {
    const hash = hashOfId(id);
    const entry = hash === undefined ? undefined : node.view.chain.entry(hash);
    const block = entry === undefined ? undefined : node.view.chain.block(entry);
    for (const tx of block?.txs.slice(1) ?? []) memory.owed.set(keyOf(tx.txid), tx);
  }

  // ---- after each event, when all is on disk ----

  look(): void {
    for (const node of this.#dirty) {
      if (this.failure !== undefined) break;
      if (node.up) this.#settled(node);
    }
    this.#dirty.clear();
  }

  #settled(node: SimNode): void {
    const memory = this.#of(node);
    const { chain } = node.view;
    const { tip } = chain;
    const before = memory.tip;
    if (memory.life !== node.life) this.#reopened(node, memory);
    else if (tip.id !== before.id && tip.work <= before.work)
      this.fail(
        'work',
        `${node.name} leaves ${name(before)} (work ${before.work}) for ${name(tip)} (work ${tip.work})`,
      );
    if (tip.id === before.id && memory.life === node.life) {
      this.#payments(node, memory, undefined);
      return;
    }
    memory.life = node.life;
    memory.tip = tip;
    this.#onBranch(node, tip);
    const ledger = this.#replay.at(chain, tip);
    if (!ledger.ok) this.fail('coins', `${node.name} stands on ${name(tip)}: ${ledger.error}`);
    else {
      this.#coins(node, ledger.value);
      this.#payments(node, memory, ledger.value);
    }
  }

  /** All that it promised is on the disk that it opened. */
  #reopened(node: SimNode, memory: Memory): void {
    memory.tickets.clear();
    memory.lateSince = undefined;
    const { chain } = node.view;
    for (const id of memory.mined) {
      const entry = chain.entry(hashOfId(id)!);
      if (entry?.hasBody !== true)
        this.fail('promise', `${node.name} mined …${id.slice(-6)} and has lost it in a crash`);
    }
  }

  #onBranch(node: SimNode, tip: BlockEntry): void {
    for (
      let at: BlockEntry | undefined = tip;
      at !== undefined && !this.#checked.has(at.id);
      at = at.parent
    ) {
      const rule = this.forged.get(at.id);
      if (rule !== undefined) {
        this.fail('forged', `${node.name} stands on ${name(at)}, which breaks ${rule}`);
        return;
      }
    }
    // Blocks that are forged later are other blocks, so an ancestor that was good stays good.
    for (let at: BlockEntry | undefined = tip; at !== undefined && !this.#checked.has(at.id); at = at.parent)
      this.#checked.add(at.id);
  }

  #coins(node: SimNode, ledger: Ledger): void {
    const rows = node.disk.rows(PREFIX.coin);
    const wrong = rows.find(({ key, value }) => ledger.rows.get(keyOf(key)) !== keyOf(value));
    if (wrong === undefined && rows.length === ledger.rows.size) return;
    this.fail(
      'coins',
      `${node.name} has ${rows.length} coins at height ${ledger.height}, a replay has ${ledger.rows.size}` +
        (wrong === undefined ? '' : ', and one of its own differs'),
    );
  }

  /** What it owes is in a block, in its mempool, or cannot be paid any more. */
  #payments(node: SimNode, memory: Memory, known: Ledger | undefined): void {
    const { view } = node;
    if (memory.owed.size === 0 || view.busy || view.chain.connecting) return;
    const replayed = known === undefined ? this.#replay.at(view.chain, view.chain.tip) : undefined;
    const ledger = known ?? (replayed?.ok === true ? replayed.value : undefined);
    if (ledger === undefined) return;
    const height = ledger.height + 1;
    for (const tx of memory.owed.values()) {
      if (view.mempool.get(tx.txid) !== undefined) continue;
      const free = tx.inputs.every(({ prevout }) => {
        if (view.mempool.spender(prevout) !== undefined) return false;
        const coin = ledger.coins.get(outpointKey(prevout));
        if (coin === undefined) return view.mempool.get(prevout.txid) !== undefined;
        return !coin.coinbase || height - coin.height >= this.#world.params.maturity;
      });
      if (free && tx.lockTime === 0)
        this.fail(
          'payment',
          `${node.name} has lost the payment …${tx.id.slice(-6)}, whose coins are unspent`,
        );
    }
  }
}

const isDurable = (step: Step) => step.writes.length === 0 || step.durable;

/** In a batch before this step's own. */
const isStored = (node: SimNode, entry: BlockEntry) => node.disk.get(bodyKey(entry.hash)) !== undefined;

function name(entry: BlockEntry): string {
  return `${entry.height}${entry.miner} …${entry.id.slice(-6)}`;
}
