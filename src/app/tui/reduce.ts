import type { LogEvent } from '../../events/events.ts';
import type { YardFile } from '../../lab/yard/check.ts';
import { newFigures } from '../../observe/figures/figures.ts';
import { agreementOf } from '../../observe/state/agreement.ts';
import { keptBlocks } from '../../observe/state/fold.ts';
import type { Forest } from '../../observe/state/forest.ts';
import { narrate } from '../../observe/state/narrate.ts';
import { laneSign } from '../../observe/state/payment-words.ts';
import { newPayments } from '../../observe/state/payments.ts';
import { newReorgMoments } from '../../observe/state/reorg-moment.ts';
import { spellVerbs } from '../../yard/problem.ts';
import {
  KEPT_LINES,
  KEPT_PAYMENTS,
  LANE,
  type LogItem,
  type MinerTally,
  type Traffic,
  type TuiState,
  upNodes,
} from './state.ts';

/** How events and time change what is shown. Nothing here reads a clock or a terminal. */

/** The present epoch, the latest uncut one, and a few between: reading them takes a moment each second. */
const KEPT_EPOCHS = 8;

export interface NewState {
  readonly yard: YardFile;
  readonly owner: boolean;
  /** The tree as it is; the events that follow only add to it. */
  readonly forest: Forest;
  readonly now: number;
}

export function newState({ yard, owner, forest, now }: NewState): TuiState {
  const figures = newFigures({ keptEpochs: KEPT_EPOCHS });
  return {
    ...{ now, yard, owner, forest },
    payments: newPayments(forest),
    moments: newReorgMoments(),
    figures,
    run: figures.read(),
    infos: new Map(),
    traffic: new Map(),
    connected: true,
    log: [],
    focus: 'nodes',
    node: yard.nodes[0]?.letter ?? 'A',
    ...{ block: undefined, payment: undefined, pinned: false },
    seenPayments: [],
    names: new Map(),
    lanes: new Map(),
    ...{ logBack: 0, filter: '', prompt: undefined, notice: '' },
    ...{ moment: undefined, details: undefined, help: false },
    shown: new Map(forest.tips),
    hops: new Map(),
    cutSince: forest.cut === undefined ? undefined : now,
    agreedSince: undefined,
    tally: [],
    running: [],
  };
}

/** `isPast`: it happened before this view opened, so nothing moves for it. */
export function applyEvent(state: TuiState, event: LogEvent, isPast = false): void {
  const { forest } = state;
  forest.apply(event);
  state.payments.apply(event);
  state.figures.apply(event);
  const told = state.moments.apply(event);
  if (told && !isPast) state.moment = state.moments.latest;
  const text = narrate(event, forest);
  if (text !== undefined) addLog(state, itemOf(event, text));
  switch (event.kind) {
    case 'tip':
      moveFlag(state, event.node, event.id, isPast ? 'tip' : 'reorg');
      break;
    case 'start':
    case 'process':
      syncFlags(state);
      break;
    case 'tx-seen':
      seePayment(state, event.txid);
      break;
    case 'partition':
      state.cutSince = event.t;
      break;
    case 'heal':
      state.cutSince = undefined;
      break;
    default:
      break;
  }
  if (event.kind === 'tip' || event.kind === 'start' || event.kind === 'process')
    noteAgreement(state, event.t);
}

function itemOf(event: LogEvent, text: string): LogItem {
  const txids = 'txid' in event ? [event.txid] : [];
  const block =
    event.kind === 'mined' || event.kind === 'tip' || event.kind === 'refused' ? event.id : undefined;
  const node = event.kind === 'process' ? event.of : event.node;
  return { t: event.t, text, from: 'event', node, kind: event.kind, txids, block };
}

function addLog(state: TuiState, item: LogItem): void {
  state.log.push(item);
  if (state.log.length > KEPT_LINES * 1.1) state.log.splice(0, state.log.length - KEPT_LINES);
  // Who reads further up keeps the lines before the eyes.
  if (state.logBack > 0) state.logBack = Math.min(state.logBack + 1, state.log.length - 1);
}

/** What one of our own actions says. */
export function say(state: TuiState, text: string, from: 'action' | 'error' = 'action'): void {
  const item = { t: state.now, from, node: '', kind: from, txids: [], block: undefined };
  for (const line of spellVerbs(text).split('\n')) addLog(state, { ...item, text: line });
}

function noteAgreement(state: TuiState, t: number): void {
  const isOne = agreementOf(state.forest, upNodes(state)).answers.length === 1;
  if (!isOne) state.agreedSince = undefined;
  else state.agreedSince ??= t;
}

function seePayment(state: TuiState, txid: string): void {
  if (state.seenPayments.includes(txid)) return;
  state.seenPayments.push(txid);
  if (state.seenPayments.length > KEPT_PAYMENTS) state.seenPayments.shift();
  if (!state.pinned) followPayment(state, txid);
}

export function followPayment(state: TuiState, txid: string | undefined): void {
  state.payment = txid;
  state.lanes = new Map();
}

/** A flag that changes its branch walks there; one that only goes ahead is there at once. */
function moveFlag(state: TuiState, node: string, id: string, how: 'tip' | 'reorg'): void {
  const { forest, shown, hops } = state;
  const from = shown.get(node);
  const fork = from === undefined ? undefined : forest.forkPoint(from, id);
  if (how === 'tip' || from === undefined || fork === undefined || fork.id === from) {
    if (hops.has(node) && how === 'reorg') hops.get(node)?.push(id);
    else {
      hops.delete(node);
      shown.set(node, id);
    }
    return;
  }
  const path: string[] = [];
  for (let at = forest.blocks.get(from); at !== undefined && at.id !== fork.id; ) {
    at = forest.blocks.get(at.prev);
    if (at !== undefined) path.push(at.id);
  }
  const up: string[] = [];
  for (
    let at = forest.blocks.get(id);
    at !== undefined && at.id !== fork.id;
    at = forest.blocks.get(at.prev)
  ) {
    up.push(at.id);
  }
  hops.set(node, [...path, ...up.reverse()]);
}

/** Nodes that ended have no flag, and those that opened stand where they are. */
function syncFlags(state: TuiState): void {
  const { forest, shown, hops } = state;
  for (const node of [...shown.keys()]) {
    if (forest.tips.has(node)) continue;
    shown.delete(node);
    hops.delete(node);
  }
  for (const [node, id] of forest.tips) if (!hops.has(node)) shown.set(node, id);
}

/** Beyond so many cells a walk is a sweep: it takes no longer, it takes bigger steps. */
const SWEEP = 20;

/** One step for every flag on its way; true while any is. Call at most ten times a second. */
export function hop(state: TuiState): boolean {
  for (const [node, path] of state.hops) {
    const step = Math.max(1, Math.ceil(path.length / SWEEP));
    const next = path.splice(0, step).at(-1);
    if (next !== undefined) state.shown.set(node, next);
    if (path.length === 0) state.hops.delete(node);
  }
  return state.hops.size > 0;
}

/** Straight to where they are: for a terminal that was away. */
export function endHops(state: TuiState): void {
  state.hops.clear();
  syncFlags(state);
}

/** So far back a rate of traffic looks, about. */
const TRAFFIC_MS = 8_000;

/** What only the nodes know, `ms` after they were asked before. */
export function takeInfos(state: TuiState, infos: TuiState['infos'], ms: number): void {
  const now = new Map<string, Traffic>();
  for (const [letter, info] of infos) {
    for (const { peer, name, sent, heard } of info?.peers ?? []) {
      const before = state.infos.get(letter)?.peers.find((p) => p.peer === peer);
      // A connection that is new counts from 0.
      if (before === undefined || before.sent > sent || ms <= 0) continue;
      const link = letter < name ? `${letter} ${name}` : `${name} ${letter}`;
      const { messages, bytes } = now.get(link) ?? { messages: 0, bytes: 0 };
      now.set(link, {
        messages: messages + ((heard - before.heard) * 1_000) / ms,
        bytes: bytes + ((sent - before.sent) * 1_000) / ms,
      });
    }
  }
  const weight = Math.min(1, ms / TRAFFIC_MS);
  const smooth = (to: number, from = to) => from + (to - from) * weight;
  state.traffic = new Map(
    [...now].map(([link, { messages, bytes }]) => {
      const old = state.traffic.get(link);
      return [link, { messages: smooth(messages, old?.messages), bytes: smooth(bytes, old?.bytes) }];
    }),
  );
  state.infos = infos;
}

/** Once a second: what is counted by time. */
export function second(state: TuiState): void {
  state.run = state.figures.read(state.now);
  state.tally = tallyOf(state);
}

/** Adds a column to the payment's lanes when any of them changed. */
export function sampleLanes(state: TuiState): void {
  const { payment, payments, forest, lanes } = state;
  if (payment === undefined) return;
  const nodes = state.yard.nodes.map((n) => n.letter);
  const signs = nodes.map((node) => laneSign(payment, node, payments, forest));
  if (nodes.every((node, i) => lanes.get(node)?.at(-1) === signs[i])) return;
  state.lanes = new Map(nodes.map((node, i) => [node, `${lanes.get(node) ?? ''}${signs[i]}`.slice(-LANE)]));
}

function tallyOf(state: TuiState): MinerTally[] {
  const { forest } = state;
  const kept = keptBlocks(forest, forest.tips);
  const by = new Map<string, { blocks: number; stale: number }>();
  for (const block of forest.blocks.values()) {
    if (block.height === 0) continue;
    const count = by.get(block.miner) ?? { blocks: 0, stale: 0 };
    if (kept.has(block.id)) count.blocks++;
    else count.stale++;
    by.set(block.miner, count);
  }
  const order = state.yard.nodes.map((n) => n.letter);
  return [...by]
    .map(([miner, count]) => ({ miner, ...count }))
    .sort((a, b) => order.indexOf(a.miner) - order.indexOf(b.miner));
}
