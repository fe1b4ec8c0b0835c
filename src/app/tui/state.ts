import type { NodeInfo } from '../../lab/client/client.ts';
import type { YardFile } from '../../lab/yard/check.ts';
import type { FiguresReader, RunFigures } from '../../observe/figures/figures.ts';
import type { Forest } from '../../observe/state/forest.ts';
import type { Payments } from '../../observe/state/payments.ts';
import type { ReorgMoment, ReorgMoments } from '../../observe/state/reorg-moment.ts';

/** All that a frame shows. Events, keys and the clock change it; drawing only reads it. */

export type Pane = 'tree' | 'nodes' | 'payment' | 'log';
export const PANES: readonly Pane[] = ['tree', 'nodes', 'payment', 'log'];

export interface LogItem {
  readonly t: number;
  readonly text: string;
  /** `event` is from the log; the others are what our own actions say. */
  readonly from: 'event' | 'action' | 'error';
  readonly node: string;
  readonly kind: string;
  readonly txids: readonly string[];
  readonly block: string | undefined;
}

/** What one payment is about, as far as it could be read. */
export interface PaymentName {
  readonly from: string;
  readonly to: string;
  /** In coins. */
  readonly amount: string;
  /** `txid:index` of the coins that it spends. */
  readonly coins: readonly string[];
}

export type Ask =
  | 'mine'
  | 'pay'
  | 'double-spend'
  | 'cut'
  | 'link'
  | 'reorg'
  | 'kill'
  | 'start'
  | 'filter'
  | 'quit';

/** One value, asked for on the line above the keys. */
export interface Prompt {
  readonly ask: Ask;
  readonly label: string;
  /** Taken when nothing is typed. */
  readonly fallback: string;
  readonly text: string;
}

export interface Details {
  readonly title: string;
  readonly lines: readonly string[];
  readonly foot: string;
}

/** Blocks by who found them. */
export interface MinerTally {
  readonly miner: string;
  readonly blocks: number;
  readonly stale: number;
}

/** Each a second, over the last ones: messages are too rare to be read from one second to the next. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

export interface TuiState {
  /** Milliseconds since 1970. */
  now: number;
  yard: YardFile;
  /** Does this process own the yard, so that `q` ends it? */
  readonly owner: boolean;
  readonly forest: Forest;
  readonly payments: Payments;
  readonly moments: ReorgMoments;
  readonly figures: FiguresReader;
  /** What they say, read once a second. */
  run: RunFigures;
  infos: ReadonlyMap<string, NodeInfo | undefined>;
  /** By link, `A B`, letters in order: both ways together. */
  traffic: ReadonlyMap<string, Traffic>;
  /** Is the event stream up? */
  connected: boolean;
  readonly log: LogItem[];
  focus: Pane;
  /** Selected node, by letter. */
  node: string;
  /** Selected block; undefined while the tree shows its newest. */
  block: string | undefined;
  /** Followed payment; `pinned` when somebody chose it, else it is the latest. */
  payment: string | undefined;
  pinned: boolean;
  /** Payments as they were first seen, newest last. */
  readonly seenPayments: string[];
  readonly names: Map<string, PaymentName>;
  /** The followed payment's lane of each node, newest character last. */
  lanes: ReadonlyMap<string, string>;
  /** Lines of the log below the view; 0 = the newest is shown. */
  logBack: number;
  filter: string;
  prompt: Prompt | undefined;
  /** One line above the keys, until the next key. */
  notice: string;
  /** The reorg that is told in the free rows of the tree, until a key. */
  moment: ReorgMoment | undefined;
  details: Details | undefined;
  help: boolean;
  /** Where each flag is drawn: on its way through a reorg it is not yet where the node is. */
  readonly shown: Map<string, string>;
  /** What lies before each flag that is on its way. */
  readonly hops: Map<string, string[]>;
  /** Local time at which the open cut was made. */
  cutSince: number | undefined;
  /** Since when the nodes have had one answer. */
  agreedSince: number | undefined;
  tally: readonly MinerTally[];
  /** Actions that are running, by their plan. */
  readonly running: string[];
}

/** Lines that the log pane remembers. */
export const KEPT_LINES = 2_000;
/** Payments that can be chosen in their pane. */
export const KEPT_PAYMENTS = 200;
/** Characters of a lane that are kept. */
export const LANE = 24;
export function letters(state: TuiState): string[] {
  return state.yard.nodes.map((n) => n.letter);
}

/** Those that are up. */
export function upNodes(state: TuiState): string[] {
  return letters(state).filter((l) => state.forest.tips.has(l));
}

export function isHeld(state: TuiState): boolean {
  const mining = [...state.infos.values()].filter((i) => i?.mining.on === true);
  return mining.length > 0 && mining.every((i) => i?.mining.held === true);
}

/** `…a91f3c alice → dave 20.0`, or only its tail while nothing more is known. */
export function paymentName(state: TuiState, txid: string): string {
  const name = state.names.get(txid);
  const tail = `…${txid.slice(-6)}`;
  return name === undefined ? tail : `${name.from} → ${name.to} ${name.amount} (${tail})`;
}

/** The other payment that spends one of its coins. */
export function rivalOf(state: TuiState, txid: string): string | undefined {
  const mine = state.names.get(txid)?.coins;
  if (mine === undefined) return undefined;
  for (const [other, name] of state.names) {
    if (other !== txid && name.coins.some((coin) => mine.includes(coin))) return other;
  }
  return undefined;
}

/** `0:12`, `3:05`, `1:02:07`. */
export function minutes(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const rest = `${hours > 0 ? two(Math.floor(s / 60) % 60) : Math.floor(s / 60)}:${two(s % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
