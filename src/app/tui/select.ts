import type { YardClient } from '../../lab/client/client.ts';
import { clock } from '../../lab/client/live.ts';
import { blockTitle, blockWords } from '../../observe/state/block-words.ts';
import type { SeenBlock } from '../../observe/state/forest.ts';
import { standingWords } from '../../observe/state/payment-words.ts';
import type { ReorgMoment } from '../../observe/state/reorg-moment.ts';
import { short } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import { tailOf } from '../../yard/names.ts';
import { visibleLog } from './panes.ts';
import { followPayment } from './reduce.ts';
import { type Details, letters, paymentName, rivalOf, type TuiState, upNodes } from './state.ts';

/** What the arrows select and what Enter tells of it. */

export type Direction = 'up' | 'down' | 'left' | 'right' | 'page-up' | 'page-down' | 'home' | 'end';

/** Lines of a page of the log. */
const PAGE = 8;

export function move(state: TuiState, direction: Direction): void {
  switch (state.focus) {
    case 'tree':
      moveBlock(state, direction);
      return;
    case 'nodes':
      moveNode(state, direction);
      return;
    case 'payment':
      movePayment(state, direction);
      return;
    default:
      stepLog(
        state,
        { up: 1, down: -1, 'page-up': PAGE, 'page-down': -PAGE }[direction as 'up'] ?? direction,
      );
      return;
  }
}

/** So many lines towards older ones, or to an end. */
export function stepLog(state: TuiState, by: number | Direction): void {
  const most = Math.max(0, visibleLog(state).length - 1);
  if (by === 'home' || by === 'end') state.logBack = by === 'home' ? most : 0;
  else if (typeof by === 'number') state.logBack = Math.min(most, Math.max(0, state.logBack + by));
}

function moveNode(state: TuiState, direction: Direction): void {
  const all = letters(state);
  const at = all.indexOf(state.node);
  const step = { up: -1, left: -1, down: 1, right: 1, 'page-up': -PAGE, 'page-down': PAGE }[
    direction as 'up'
  ];
  const to = direction === 'home' ? 0 : direction === 'end' ? all.length - 1 : at + (step ?? 0);
  state.node = all[Math.min(all.length - 1, Math.max(0, to))] ?? state.node;
}

function movePayment(state: TuiState, direction: Direction): void {
  const list = state.seenPayments;
  const at = state.payment === undefined ? list.length : list.indexOf(state.payment);
  const back = direction === 'up' || direction === 'left' ? -1 : 1;
  const to = direction === 'end' ? list.length - 1 : direction === 'home' ? 0 : at + back;
  const next = list[Math.min(list.length - 1, Math.max(0, to))];
  if (next === undefined || next === state.payment) {
    // Beyond the newest the view follows whatever comes.
    if (back > 0) state.pinned = false;
    return;
  }
  state.pinned = direction !== 'end';
  followPayment(state, next);
}

/** The tip with most work: where a selection begins. */
function bestTip(state: TuiState): SeenBlock | undefined {
  let best: SeenBlock | undefined;
  for (const id of state.forest.tips.values()) {
    const tip = state.forest.blocks.get(id);
    if (tip !== undefined && (best === undefined || tip.work > best.work)) best = tip;
  }
  return best;
}

function moveBlock(state: TuiState, direction: Direction): void {
  const { forest } = state;
  const at = state.block === undefined ? undefined : forest.blocks.get(state.block);
  if (direction === 'end') {
    state.block = undefined;
    return;
  }
  if (at === undefined) {
    state.block = bestTip(state)?.id;
    return;
  }
  state.block = neighbour(state, at, direction)?.id ?? at.id;
}

function neighbour(state: TuiState, at: SeenBlock, direction: Direction): SeenBlock | undefined {
  const { forest } = state;
  const steps = direction === 'page-up' ? PAGE : 1;
  switch (direction) {
    case 'left':
    case 'page-up': {
      let block: SeenBlock | undefined = at;
      for (let i = 0; i < steps && block !== undefined; i++) block = forest.blocks.get(block.prev) ?? block;
      return block;
    }
    case 'home':
      return [...forest.blocks.values()].reduce((low, b) => (b.height < low.height ? b : low), at);
    case 'right':
    case 'page-down': {
      const children = (forest.children.get(at.id) ?? []).map((id) => forest.blocks.get(id));
      return children.find((c) => c?.track === at.track) ?? children[0];
    }
    default: {
      const beside = [...forest.blocks.values()].filter((b) => b.height === at.height);
      const ordered = beside.sort((a, b) => a.track - b.track);
      return ordered[ordered.indexOf(at) + (direction === 'up' ? -1 : 1)];
    }
  }
}

const CLOSE = 'Esc closes';

/** What Enter tells in the focused pane; undefined when nothing is selected. */
export function detailsOf(state: TuiState, client: YardClient): Details | undefined {
  switch (state.focus) {
    case 'tree': {
      const block = state.block === undefined ? bestTip(state) : state.forest.blocks.get(state.block);
      return block === undefined ? undefined : blockDetails(state, block);
    }
    case 'nodes':
      return nodeDetails(state, client);
    case 'payment':
      return paymentDetails(state);
    default: {
      const items = visibleLog(state);
      const item = items[items.length - 1 - state.logBack];
      return item === undefined
        ? undefined
        : { title: `${clock(item.t)} ${item.kind}`, lines: [item.text], foot: CLOSE };
    }
  }
}

function blockDetails(state: TuiState, block: SeenBlock): Details {
  const words = blockWords(state.forest, block, {
    nodes: upNodes(state),
    clock,
    payment: (txid) => paymentName(state, txid),
  });
  return { title: blockTitle(block), lines: words, foot: `arrows another block · ${CLOSE}` };
}

function nodeDetails(state: TuiState, client: YardClient): Details {
  const node = client.node(state.node);
  const info = state.infos.get(node.letter);
  const where = `RPC ${client.url(node)} · peers reach it at ${node.address.replace(/\/p2p\/.*/, '')}`;
  const title = `node ${node.letter}`;
  if (info === undefined) return { title, lines: [`It is down. ${where}`, `Start it: s`], foot: CLOSE };
  const peers = info.peers.map((p) => (p.name === '' ? tailOf(p.peer) : p.name));
  return {
    title,
    lines: [
      `Process ${info.pid}, data in ${node.dir}. ${where}.`,
      `Linked with ${peers.length === 0 ? 'nobody' : peers.sort((a, b) => (a < b ? -1 : 1)).join(' ')}; pays its rewards to ${node.payout}.`,
      `${info.mined} blocks found since its start; ${info.pool.size} payments wait (${info.pool.bytes} bytes).`,
    ],
    foot: CLOSE,
  };
}

function paymentDetails(state: TuiState): Details | undefined {
  const { payment } = state;
  if (payment === undefined) return undefined;
  const rival = rivalOf(state, payment);
  const lines = letters(state).map(
    (node) =>
      `${node}  ${standingWords(payment, node, state.payments, state.forest, (id) => rivalOf(state, id))}`,
  );
  if (rival !== undefined)
    lines.push(`One coin, two payments: ${paymentName(state, rival)} spends it too. At most one can stay.`);
  return { title: paymentName(state, payment), lines: [`Id ${payment}`, ...lines], foot: CLOSE };
}

/** Both branches of a reorg, side by side in words. */
export function compareBranches(state: TuiState, moment: ReorgMoment): Details {
  const { forest } = state;
  const names = (refs: ReorgMoment['in']) => refs.map((r) => forest.nameOf(r.id)).join(' ');
  const work = (id: string | undefined) => {
    const block = forest.blocks.get(id ?? '');
    return block === undefined ? '' : `, work ${short(block.work)}`;
  };
  const paid = (refs: ReorgMoment['in']) => {
    const count = refs.reduce((n, r) => n + Math.max(0, (forest.blocks.get(r.id)?.txids.length ?? 1) - 1), 0);
    return plural(count, 'payment');
  };
  const fork = `Both stand on ${forest.nameOf(moment.fork.id)}${work(moment.fork.id)}.`;
  return {
    title: `before and after, on ${moment.nodes.join(' ')}`,
    lines: [
      fork,
      `OUT ${names(moment.out)}: ${paid(moment.out)}${work(moment.out[0]?.id)}.`,
      `IN  ${names(moment.in)}: ${paid(moment.in)}${work(moment.in.at(-1)?.id)}.`,
      ...moment.lost.map((l) => `Undone: ${paymentName(state, l.txid)}`),
      ...moment.returned.map((id) => `Returned to waiting: ${paymentName(state, id)}`),
    ],
    foot: CLOSE,
  };
}
