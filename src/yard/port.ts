import type { Block } from '../bitcoin/block.ts';
import type { Tx } from '../bitcoin/tx.ts';
import type { Params } from '../consensus/params/params.ts';
import type { BlockRef, Conditions, LogEvent } from '../events/events.ts';
import type { YardLinks } from '../observe/state/yard-links.ts';
import type { Region } from '../util/profiles.ts';
import type { Topology } from '../util/topology.ts';
import type { Key } from '../wallet/keys.ts';
import type { Spendable } from '../wallet/select.ts';

/**
 * What a person can do to a network of nodes, real or simulated. Every verb (yard/verbs) is written on this port, once;
 * its adapters are processes behind RPC (lab/live/yard.ts) and simulated nodes (yard/simulated.ts).
 */
export interface Yard {
  readonly letters: readonly string[];
  readonly topology: Topology;
  readonly params: Params;
  readonly clock: YardClock;
  readonly processes: YardProcesses;
  readonly links: YardWires;
  readonly events: YardEvents;
  readonly keys: YardKeys;
  /** Throws a Problem when there is no such node. */
  node(letter: string): YardNode;
  /** In the yard's order; undefined for a node that is down or frozen. */
  states(letters?: readonly string[]): Awaitable<States>;
  /** Holds or releases the miners of these nodes; a held node that starts again is still held. */
  hold(on: boolean, letters: readonly string[]): Awaitable<void>;
  /** Writes a line into the log. */
  note(text: string): Awaitable<void>;
}

/** A simulated yard answers at once, a live one later. */
export type Awaitable<T> = T | Promise<T>;

type Groups = readonly (readonly string[])[];
export type States = ReadonlyMap<string, NodeState | undefined>;

export interface NodeState {
  readonly tip: YardTip;
  readonly mining: { readonly on: boolean; readonly held: boolean };
}

export interface YardTip extends BlockRef {
  readonly id: string;
  /** Total, hex. */
  readonly work: string;
}

/** Time as the nodes have it: real, or simulated. */
export interface YardClock {
  /** Milliseconds since 1970, as in the log. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Asks until there is an answer. After `timeoutMs` it throws a Problem that says what `missing` says. */
  until<T>(ask: () => Awaitable<T | undefined>, o: Patience, missing: () => string): Promise<T>;
}

export interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface YardProcesses {
  /** `clean`: the process is asked to end; otherwise it ends as by `kill -9`. */
  kill(letter: string, clean: boolean): Awaitable<void>;
  /** On the node's own data. Resolves when the node answers. */
  start(letter: string): Awaitable<void>;
  freeze(letter: string): Awaitable<void>;
  thaw(letter: string): Awaitable<void>;
}

export interface YardWires {
  /** As they are now. */
  facts(): YardLinks;
  /** Cuts every link between groups and waits until none is left; gives the number of links cut. */
  partition(groups: Groups): Awaitable<number>;
  /** Opens every cut and lets held messages arrive. False: nothing was cut or held. */
  heal(): Awaitable<boolean>;
  /** Sets these conditions and keeps the others; `text` goes into the log. */
  change(text: string, change: Partial<Conditions>): Awaitable<void>;
  /** Resolves when all nodes that are up are linked as the topology asks. */
  ready(patience: Patience): Promise<void>;
  /** Nodes that a message from this one can reach now, itself included. */
  reachableFrom(letter: string): Awaitable<readonly string[]>;
  /** Messages on held wires, oldest first. */
  held(): Awaitable<readonly WireMessage[]>;
  /** The oldest held message from one node to another arrives; undefined: none is held there. */
  deliver(from: string, to: string): Awaitable<WireMessage | undefined>;
}

export interface WireMessage {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  /** Id of the block or transaction that it is about, or ''. */
  readonly about: string;
  readonly bytes: number;
  readonly heldMs: number;
}

export interface YardEvents {
  /** Number of the newest event of the merged log. */
  mark(): Awaitable<number>;
  /** Everything after a mark that has happened by now, oldest first. */
  since(mark: number): Awaitable<readonly LogEvent[]>;
  /** Every event from now on. Gives the function that ends it. */
  listen(listener: (event: LogEvent) => void): Awaitable<() => void>;
}

/** The keys with a name; a Problem when there is none of that name. */
export interface YardKeys {
  /** The ten well-known people first, the miners' last. */
  all(): readonly YardKey[];
  find(name: string): YardKey;
  /** A key's name, or an address of the network. */
  payee(text: string): Payee;
}

export interface YardKey {
  readonly name: string;
  readonly key: Key;
  readonly kind: 'well-known' | 'own' | 'miner';
}

interface Payee {
  readonly name: string;
  readonly script: Uint8Array;
}

/** What one node counts as a key's. */
export interface Holdings {
  /** Confirmed, mature, and not spent by a payment in the mempool. */
  readonly coins: readonly Spendable[];
  /** Outputs of payments in the mempool, not spent again. */
  readonly waiting: readonly Spendable[];
  /** Coinbases that are too young, in satoshis. */
  readonly immature: number;
}

/** With what a node mines on somebody's order; what is absent stays as the node has it. */
export interface MinePower {
  readonly uncapped: boolean;
  /** Hashes a second over all threads. */
  readonly hashrate?: number | undefined;
  readonly threads?: number | undefined;
  readonly kernel?: string | undefined;
}

export interface NodeSettings {
  /** Hashes a second, 0 = uncapped. */
  readonly hashrate?: number | undefined;
  readonly mines?: boolean | undefined;
  /** How far its clock is ahead. */
  readonly clockMs?: number | undefined;
  readonly region?: Region | undefined;
}

/** Why a node refused a transaction: the rule by Bitcoin Core's name. */
export interface TxRefusal {
  readonly rule: string;
  readonly detail: string;
}

/** One node. A method throws a Problem when the node is down, is frozen, or refuses. */
export interface YardNode {
  readonly letter: string;
  /** Cap of its miner in hashes a second, 0 = uncapped. */
  readonly hashrate: number;
  /** Undefined while it is down or frozen. */
  state(): Awaitable<NodeState | undefined>;
  /** Mines so many blocks from now on, held or not. Gives the function that puts its miner back as it was. */
  mine(blocks: number, power: MinePower): Awaitable<() => Awaitable<void>>;
  /** Changes it from now on, over its restarts too; `text` goes into the log. */
  set(text: string, settings: NodeSettings): Awaitable<void>;
  /** By the keys' names. */
  holdings(keys: readonly YardKey[]): Awaitable<ReadonlyMap<string, Holdings>>;
  /** Undefined: accepted. */
  send(tx: Uint8Array): Awaitable<TxRefusal | undefined>;
  /** Undefined: it does not have the block. */
  findBlock(id: string): Awaitable<BlockRef | undefined>;
  /** Of its active chain. */
  blockAt(height: number): Awaitable<Block>;
  /** A transaction of its active chain. */
  transaction(txid: string): Awaitable<Tx | undefined>;
  /** Undefined: it is valid, on the active chain or beside it; else the rule that refuses it. */
  submit(block: Uint8Array): Awaitable<string | undefined>;
  /** Bitcoin Core's `invalidateblock`, `reconsiderblock`, `preciousblock`. */
  invalidate(id: string): Awaitable<void>;
  reconsider(id: string): Awaitable<void>;
  prefer(id: string): Awaitable<void>;
}
