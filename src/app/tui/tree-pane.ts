import { type Drawing, type DrawnRow, drawTree } from '../../observe/tree/draw.ts';
import { short } from '../../observe/words/words.ts';
import { defined } from '../../util/defined.ts';
import { BLANK, join, type Line, line, type Run, sized, styled } from './screen.ts';
import { letters, type TuiState } from './state.ts';

/** The fork tree: ruler, a row a branch, flags, folds, work and lead. */

/** Below this the window is too narrow for notes. */
const NOTED_FROM = 60;
/** Heights that are looked for at once; more do not fit any terminal. */
const MOST_HEIGHTS = 200;
const LEAST_HEIGHTS = 2;

export interface TreePane {
  readonly lines: readonly Line[];
  /** Rows that hold nothing: the lines fill the pane from the top. */
  readonly free: number;
}

export function treePane(state: TuiState, width: number, rows: number): TreePane {
  const best = bestOf(state);
  let last = Math.min(MOST_HEIGHTS, Math.max(LEAST_HEIGHTS, Math.floor(width / 6)));
  for (; ; last--) {
    const drawing = draw(state, last, rows);
    if (drawing.rows.length === 0) {
      return { lines: [line(' no block yet: the tree is its genesis')], free: Math.max(0, rows - 1) };
    }
    // As many heights as fit beside flags and notes, whoever is where at the moment: a view that jumps cannot be read.
    // And not so many that forks of old push the best branch out.
    const isWhole = drawing.hidden === '' || drawing.rows.some((row) => row.end.work === best);
    const fits = widthOf(state, drawing, width) <= width && (isWhole || state.block !== undefined);
    if (!fits && last > LEAST_HEIGHTS) continue;
    const all = [rulerLine(drawing), ...noted(state, drawing, width)];
    if (drawing.hidden !== '') all.push(styled(` ${drawing.hidden}`, 'dim'));
    return { lines: all.slice(0, rows), free: Math.max(0, rows - all.length) };
  }
}

function bestOf(state: TuiState): bigint {
  let best = 0n;
  for (const block of state.forest.blocks.values()) if (block.work > best) best = block.work;
  return best;
}

function draw(state: TuiState, last: number, rows: number): Drawing {
  const selected = state.block === undefined ? undefined : state.forest.blocks.get(state.block);
  const until = untilFor(state, selected?.height, last);
  return drawTree(state.forest, {
    ...{ nodes: letters(state), tips: state.shown, last, late: false },
    // One row is the ruler's.
    maxRows: Math.max(1, rows - 1),
    ...defined({ until }),
  });
}

/** The window follows the newest block, unless the selected one lies before it: then that one is in its middle. */
function untilFor(state: TuiState, selected: number | undefined, last: number): number | undefined {
  if (selected === undefined) return undefined;
  let top = 0;
  for (const block of state.forest.blocks.values()) if (block.height > top) top = block.height;
  return selected > top - last + 1 ? undefined : selected + Math.floor(last / 2);
}

/** ` height   4     5`: the word stands where no height does. */
function rulerLine(drawing: Drawing): Line {
  const word = drawing.ruler.startsWith('        ') ? `height${drawing.ruler.slice(6)}` : drawing.ruler;
  const text = ` ${word}`;
  return line(text, { at: 0, length: text.length, style: 'dim' });
}

/** Columns for flags are kept free for so many letters. */
const FLAGS = 6;
/** `  leads by 400k`, while there is a cut. */
const LEAD = 15;

/** Columns that it takes with all flags on one block. */
function widthOf(state: TuiState, drawing: Drawing, width: number): number {
  const end = Math.max(
    ...drawing.rows.map(({ cells }) => (cells.at(-1)?.at ?? 0) + (cells.at(-1)?.width ?? 0)),
  );
  const { cut } = state.forest;
  const together = Math.max(...(cut ?? [letters(state)]).map((group) => group.join('').length));
  const flags = 1 + Math.min(FLAGS, together);
  const note =
    width < NOTED_FROM ? 0 : `   work ${short(bestOf(state))}`.length + (cut === undefined ? 0 : LEAD);
  return 1 + end + flags + note;
}

function noted(state: TuiState, drawing: Drawing, width: number): Line[] {
  const longest = Math.max(...drawing.rows.map((row) => row.text.length));
  const live = drawing.rows.filter((row) => !row.stale).map((row) => row.end.work);
  const works = live.sort((a, b) => (a > b ? -1 : a < b ? 1 : 0));
  return drawing.rows.map((row) => {
    const drawn = rowLine(state, row);
    if (width < NOTED_FROM) return drawn;
    const gap = ' '.repeat(longest + 4 - drawn.text.length);
    const [work, ...more] = [...noteFor(row, works), forkOf(row), lateOn(state, row)].filter(
      (part) => part !== '',
    );
    let text = `${gap}${work}`;
    for (const part of more) {
      if (drawn.text.length + text.length + 2 + part.length <= width) text += `  ${part}`;
    }
    return join(drawn, line(text));
  });
}

/** Where it leaves the others, if that is out of sight. */
function forkOf({ fork }: DrawnRow): string {
  return fork === undefined ? '' : `forks at ${fork.label}`;
}

/** `CD at 8D`: flags on their way, and nodes that have not heard of the row's end. */
function lateOn(state: TuiState, row: DrawnRow): string {
  const parts = row.cells.map(({ block }) => {
    if (block.id === row.end.id) return '';
    const here = letters(state).filter((l) => state.shown.get(l) === block.id);
    return here.length === 0 ? '' : `${here.join('')} at ${block.label}`;
  });
  return parts.filter((part) => part !== '').join('  ');
}

/** Work is compared, never length: it decides. */
function noteFor(row: DrawnRow, works: readonly bigint[]): string[] {
  if (row.stale) return ['stale'];
  const { work } = row.end;
  const text = `work ${short(work)}`;
  const [best, next] = works;
  if (next === undefined || best === undefined || work !== best) return [text];
  return [text, next === best ? 'a draw' : `leads by ${short(best - next)}`];
}

function rowLine(state: TuiState, row: DrawnRow): Line {
  let text = ` ${row.text}`;
  const runs: Run[] = [];
  for (const { block, at, width } of row.cells) {
    const isStale = text[at + 1] === '(';
    const label = { at: at + 2, length: width - 2 };
    runs.push({ ...label, style: isStale ? 'dim' : `node:${block.miner}` });
    const here = letters(state).some((l) => state.shown.get(l) === block.id);
    // A flag that is not at the end of its row stands on the line behind its block; the row's end names it.
    if (here && block.id !== row.end.id) text = put(text, at + width + 2, '◄');
    if (block.id !== state.block) continue;
    if (at > 0) text = put(text, at, '▸');
    runs.push({ at: at + 1, length: width, style: 'inverse' });
  }
  const flag = text.indexOf(`◄${row.flags.join('')}`, (row.cells.at(-1)?.at ?? 0) + 1);
  if (row.flags.length > 0 && flag >= 0)
    runs.push({ at: flag, length: row.flags.join('').length + 1, style: 'bold' });
  return line(text, ...runs);
}

function put(text: string, at: number, sign: string): string {
  if (at >= text.length || text[at] === '[' || text[at] === '(') return text;
  return text.slice(0, at) + sign + text.slice(at + 1);
}

/** A framed text as wide as the pane: title and foot in its edges. */
export function box(title: string, body: readonly string[], foot: string, width: number): Line[] {
  const inner = width - 4;
  const edge = (left: string, words: string, right: string) => {
    const text =
      words === '' ? '' : ` ${words.length > inner - 4 ? `${words.slice(0, inner - 5)}…` : words} `;
    return line(` ${left}─${text}${'─'.repeat(Math.max(0, inner - 1 - text.length))}${right}`);
  };
  const rows = body.map((words) => join(line(' │ '), sized(line(words), inner - 2), line(' │')));
  return [edge('╭', title, '╮'), ...rows, edge('╰', foot, '╯')].map((l) => (l.text === '' ? BLANK : l));
}
