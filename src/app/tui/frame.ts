import { momentBlocks, momentTitle, momentWords } from '../../observe/state/reorg-moment.ts';
import { agreeLine, headLine } from './header.ts';
import { helpLines, keyLine } from './key-lines.ts';
import { linksPane, logPane, logTitle, nodesPane, paymentLanes, paymentLine, paymentTitle } from './panes.ts';
import { BLANK, block, join, type Line, line, rule, sized, styled, toAscii, wrap } from './screen.ts';
import { paymentName, type TuiState } from './state.ts';
import { box, treePane } from './tree-pane.ts';
import { agreePane, minersPane } from './wide-panes.ts';

/** The whole screen as lines of exactly `columns` characters, `rows` of them: a pure function of the state. */

export interface Size {
  readonly columns: number;
  readonly rows: number;
  readonly ascii?: boolean;
}

/** From here on there is room for a second column of panes. */
const WIDE_COLUMNS = 120;
const WIDE_ROWS = 32;
const RIGHT = 47;
/** A smaller window shows nothing that could be understood. */
const LEAST_COLUMNS = 40;
const LEAST_ROWS = 10;

export function frame(state: TuiState, size: Size): Line[] {
  const { columns, rows } = size;
  const lines = compose(state, columns, rows).map((l) => sized(l, columns));
  if (size.ascii !== true) return lines;
  return lines.map((l) => ({ text: toAscii(l.text), runs: l.runs }));
}

function compose(state: TuiState, columns: number, rows: number): Line[] {
  if (columns < LEAST_COLUMNS || rows < LEAST_ROWS) {
    return block([line(`forkyard: this window is ${columns}×${rows};`), line('make it 80×24 · q')], rows);
  }
  const isWide = isWideAt(columns, rows);
  const head = [headLine(state, columns), agreeLine(state, columns)];
  const foot = [askLine(state), keyLine(state, isWide)];
  const room = rows - head.length - foot.length;
  const body = state.help
    ? block([rule('help', columns, true), ...helpLines(state).map((text) => line(text))], room)
    : isWide
      ? wideBody(state, columns, room)
      : narrowBody(state, columns, room);
  return block([...head, ...body, ...foot], rows);
}

function isWideAt(columns: number, rows: number): boolean {
  return columns >= WIDE_COLUMNS && rows >= WIDE_ROWS;
}

/** One column: tree, nodes, the payment in a line, log. What a low window has no room for goes, the tree last. */
function narrowBody(state: TuiState, width: number, room: number): Line[] {
  const { focus, details } = state;
  // Details need rows: those of the panes that they do not speak of.
  const isLow = details !== undefined && room < 30;
  const hasNodes = !(isLow && (focus === 'payment' || focus === 'log'));
  const hasPayment = room >= 14 && !(isLow && (focus === 'tree' || focus === 'nodes'));
  const hasLog = !(isLow && (focus === 'tree' || focus === 'nodes'));
  const space = room - 1 - (hasNodes ? 2 : 0) - (hasPayment ? 2 : 0) - (hasLog ? 1 : 0);
  const nodes = hasNodes ? Math.min(state.yard.nodes.length, Math.max(1, Math.floor(space * 0.3))) : 0;
  const log = hasLog ? Math.max(1, 2 + Math.floor((space - 14) * 0.45)) : 0;
  const tree = Math.max(2, space - nodes - log);
  const lines = [rule('', width, focus === 'tree'), ...treeArea(state, width, tree)];
  if (hasNodes) {
    lines.push(rule('nodes', width, focus === 'nodes'));
    lines.push(...block(nodesPane(state, width, nodes + 1, false), nodes + 1));
  }
  if (hasPayment)
    lines.push(rule(paymentTitle(state), width, focus === 'payment'), paymentLine(state, width));
  if (hasLog)
    lines.push(rule(logTitle(state), width, focus === 'log'), ...block(logPane(state, width, log), log));
  return block(lines, room);
}

function wideBody(state: TuiState, columns: number, room: number): Line[] {
  const { focus } = state;
  const left = columns - RIGHT - 1;
  const count = state.yard.nodes.length;
  const nodes = Math.min(count, 8);
  const links = count <= 3 ? 1 : count <= 6 ? 2 : 3;
  const tree = Math.floor((room - 4) * 0.59);
  const log = room - 4 - links - (nodes + 1) - tree;
  const lefts = [
    rule('tree', left, focus === 'tree'),
    ...treeArea(state, left, tree),
    rule('links (one-way delay, messages both ways)', left, false),
    ...block(linksPane(state, left, links), links),
    rule('nodes', left, focus === 'nodes'),
    ...block(nodesPane(state, left, nodes + 1, true), nodes + 1),
    rule(logTitle(state), left, focus === 'log'),
    ...block(logPane(state, left, log), log),
  ];
  const agree = agreePane(state);
  const lanes = Math.min(count, 10);
  const miners = Math.max(2, room - 3 - agree.length - lanes);
  const rights = [
    rule('do they agree?', RIGHT, false),
    ...agree,
    rule(paymentTitle(state), RIGHT, focus === 'payment'),
    ...block(paymentLanes(state, RIGHT, lanes), lanes),
    rule('blocks / stale by miner', RIGHT, false),
    ...block(minersPane(state, miners), miners),
  ];
  return block(lefts, room).map((l, i) => {
    const r = rights[i] ?? BLANK;
    return join(sized(l, left), styled(joint(l, r, i === 0), 'dim'), sized(r, RIGHT));
  });
}

const isRule = (l: Line) => /^[─═]/.test(l.text);

function joint(left: Line, right: Line, isTop: boolean): string {
  if (isRule(left)) return isRule(right) ? (isTop ? '┬' : '┼') : '┤';
  return isRule(right) ? '├' : '│';
}

/** The tree, and below it what is told in a box: details that were asked for, or the reorg that just happened. */
function treeArea(state: TuiState, width: number, rows: number): Line[] {
  // A branch with its ruler stays in sight.
  const told = boxFor(state, width, Math.max(3, rows - 2));
  const free = Math.max(1, rows - told.length);
  return block([...block(treePane(state, width, free).lines, free), ...told], rows);
}

function boxFor(state: TuiState, width: number, most: number): Line[] {
  const inner = width - 6;
  const { details, moment } = state;
  if (details !== undefined) {
    const body = details.lines.flatMap((text) => wrap(text, inner));
    return box(details.title, shorten(body, most - 2), details.foot, width);
  }
  if (moment === undefined) return [];
  const words = momentWords(moment, state.forest, (txid) => paymentName(state, txid));
  const title = momentTitle(moment, state.forest, width - 9);
  const told = title.includes('(') ? words : [momentBlocks(moment, state.forest), ...words];
  const body = told.flatMap((text) => wrap(text, inner));
  const follow = moment.lost.length + moment.returned.length > 0 ? 't follow payment · ' : '';
  const foot = `Enter compare branches · ${follow}Esc`;
  return box(title, shorten(body, most - 2), foot, width);
}

function shorten(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  return [
    ...lines.slice(0, Math.max(0, most - 1)),
    `… ${lines.length - most + 1} more lines in a higher window`,
  ];
}

/** The line above the keys: a question, else what went wrong, else what is under way. */
function askLine(state: TuiState): Line {
  const { prompt, notice, running } = state;
  if (prompt !== undefined) {
    const fallback = prompt.fallback === '' ? '' : `[${prompt.fallback}] `;
    const text = ` ${prompt.label}: ${fallback}${prompt.text}`;
    return join(
      line(text, { at: 1, length: prompt.label.length + 1, style: 'bold' }),
      styled('▏', 'inverse'),
    );
  }
  if (notice !== '') return styled(` ${notice}`, 'bad');
  if (running.length === 0) return BLANK;
  const more = running.length > 1 ? ` (and ${running.length - 1} more)` : '';
  return styled(` … ${running.at(-1)}${more} · Esc stops it`, 'dim');
}
