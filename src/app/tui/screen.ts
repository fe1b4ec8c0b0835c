/** What a frame is made of: lines of single-width characters, with runs of style that only repeat what they say. */

/** `node:A` is the colour of a node's letter. */
export type Style = 'bold' | 'dim' | 'inverse' | 'good' | 'bad' | 'warn' | `node:${string}`;

export interface Run {
  readonly at: number;
  readonly length: number;
  readonly style: Style;
}

export interface Line {
  readonly text: string;
  /** In the order in which they are laid on; a later one wins. */
  readonly runs: readonly Run[];
}

export const BLANK: Line = { text: '', runs: [] };

export function line(text: string, ...runs: readonly Run[]): Line {
  return { text: clean(text), runs };
}

/** The whole line in one style. */
export function styled(text: string, style: Style): Line {
  return line(text, { at: 0, length: text.length, style });
}

/**
 * Texts of the log may come from peers: control characters would steer the terminal, and wide or combining ones would
 * shift the cells behind them.
 */
function clean(text: string): string {
  // Box drawing, arrows, blocks, geometric shapes and Latin letters are one cell wide; all else is not certain.
  return text.replace(
    /[^\u0020-\u007e\u00a1-\u024f\u0370-\u03ff\u2010-\u2027\u203a\u2190-\u21ff\u2500-\u25ff\u2248\u22ee\u2713\u2715]/gu,
    '?',
  );
}

/** Cut (with `…` at the end) or padded to exactly this width. */
export function sized(from: Line, width: number): Line {
  if (width <= 0) return BLANK;
  if (from.text.length <= width) return { text: from.text.padEnd(width), runs: from.runs };
  return { text: `${from.text.slice(0, width - 1)}…`, runs: clip(from.runs, width) };
}

function clip(runs: readonly Run[], width: number): Run[] {
  return runs
    .filter((run) => run.at < width)
    .map((run) => ({ ...run, length: Math.min(run.length, width - run.at) }));
}

/** One behind the other. */
export function join(...parts: readonly Line[]): Line {
  let text = '';
  const runs: Run[] = [];
  for (const part of parts) {
    for (const run of part.runs) runs.push({ ...run, at: run.at + text.length });
    text += part.text;
  }
  return { text, runs };
}

/** `right` flush to the right edge; it goes when there is no room for it. */
export function spread(left: Line, right: Line, width: number): Line {
  const room = width - left.text.length - right.text.length;
  if (room < 2) return sized(left, width);
  return join(left, line(' '.repeat(room)), right);
}

/** `─ nodes ───`; that of the pane with the keys is doubled. */
export function rule(title: string, width: number, focused: boolean): Line {
  const stroke = focused ? '═' : '─';
  const head = title === '' ? '' : `${stroke} ${title} `;
  const text = clean(head).slice(0, width);
  const all = text + stroke.repeat(Math.max(0, width - text.length));
  return focused
    ? { text: all, runs: [{ at: 0, length: text.length, style: 'bold' }] }
    : { text: all, runs: [{ at: 0, length: all.length, style: 'dim' }] };
}

/** Exactly so many lines. */
export function block(lines: readonly Line[], rows: number): Line[] {
  const cut = lines.slice(0, Math.max(0, rows));
  return [...cut, ...Array.from({ length: Math.max(0, rows - cut.length) }, () => BLANK)];
}

/** Breaks at blanks; a word longer than a line is broken anywhere. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width && width > 0) {
    const at = rest.lastIndexOf(' ', width);
    const end = at > 0 ? at : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  lines.push(rest);
  return lines;
}

/** One for one, so that nothing shifts. */
const ASCII: ReadonlyMap<string, string> = new Map([
  ...[...'─┄'].map((c) => [c, '-'] as const),
  ...[...'┬├└┼┤┴╭╮╰╯┐┌┘'].map((c) => [c, '+'] as const),
  ...([
    ['│', '|'],
    ['◄', '<'],
    ['▸', '>'],
    ['→', '>'],
    ['·', '-'],
    ['…', '~'],
    ['═', '='],
  ] as const),
  ...([
    ['░', ':'],
    ['█', '#'],
    ['╳', 'x'],
    ['✕', 'X'],
    ['✓', '*'],
    ['↑', '^'],
    ['↓', 'v'],
    ['←', '<'],
  ] as const),
  ...([
    ['⋮', ':'],
    ['▏', '|'],
    ['›', '>'],
    ['±', '~'],
    ['≈', '~'],
    ['×', 'x'],
  ] as const),
]);

export function toAscii(text: string): string {
  return text.replace(/[^ -~]/g, (c) => ASCII.get(c) ?? '?');
}
