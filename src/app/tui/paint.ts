import type { Line, Style } from './screen.ts';

/** From one screen to the next with as few bytes as it takes: only cells that changed are written. */

export interface Palette {
  /** Undefined = no colour (NO_COLOR): bold, dim and inverse are not colours. */
  readonly colours: 'none' | 'basic' | '256';
}

const RESET = '0';
const ATTRIBUTES: Readonly<Record<string, string>> = { bold: '1', dim: '2', inverse: '7' };
const BASIC: Readonly<Record<string, string>> = { good: '32', bad: '1;31', warn: '33' };
/** Okabe and Ito's colours for A to F, then they repeat; the nearest of the 256, and of the eight. */
const LETTERS_256 = ['38;5;32', '38;5;214', '38;5;36', '38;5;175', '38;5;74', '38;5;227'];
const LETTERS_BASIC = ['34', '33', '32', '35', '36', '93'];

function sgr(style: Style | undefined, palette: Palette): string {
  if (style === undefined) return RESET;
  const attribute = ATTRIBUTES[style];
  if (attribute !== undefined) return `0;${attribute}`;
  if (palette.colours === 'none') return style === 'bad' || style === 'warn' ? '0;1' : RESET;
  const basic = BASIC[style];
  if (basic !== undefined) return `0;${basic}`;
  const letter = style.slice('node:'.length);
  const index = letter.length === 1 ? letter.charCodeAt(0) - 65 : Number(letter.slice(1)) - 1;
  if (!(index >= 0)) return RESET;
  const colours = palette.colours === '256' ? LETTERS_256 : LETTERS_BASIC;
  return `0;${colours[index % colours.length]!}`;
}

/** A row as it stands on the screen: a character and its style a cell. */
interface Row {
  readonly text: string;
  readonly codes: readonly string[];
}

/** Unchanged cells between two changes that are cheaper to write again than to jump over. */
const BRIDGE = 6;

export class Painter {
  readonly #palette: Palette;
  #rows: Row[] = [];

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  /** The screen was cleared or is another one: everything is drawn at the next paint. */
  forget(): void {
    this.#rows = [];
  }

  /** The bytes that turn the present screen into this one; '' when nothing changed. */
  paint(lines: readonly Line[]): string {
    let out = '';
    let style = '';
    const next = lines.map((l) => this.#rowOf(l));
    next.forEach((row, y) => {
      for (const [from, to] of changes(this.#rows[y], row)) {
        out += `\u001b[${y + 1};${from + 1}H`;
        for (let x = from; x < to; x++) {
          const code = row.codes[x]!;
          if (code !== style) {
            out += `\u001b[${code}m`;
            style = code;
          }
          out += row.text[x];
        }
      }
    });
    this.#rows = next;
    return out === '' ? '' : `${out}\u001b[0m`;
  }

  #rowOf(from: Line): Row {
    const codes = new Array<string>(from.text.length).fill(RESET);
    for (const { at, length, style } of from.runs) {
      codes.fill(sgr(style, this.#palette), Math.max(0, at), Math.min(codes.length, at + length));
    }
    return { text: from.text, codes };
  }
}

/** Ranges [from, to) of cells that differ; all of them when nothing is known of the row. */
function changes(old: Row | undefined, now: Row): (readonly [number, number])[] {
  if (old === undefined || old.text.length !== now.text.length) return [[0, now.text.length]];
  const found: [number, number][] = [];
  for (let x = 0; x < now.text.length; x++) {
    if (old.text[x] === now.text[x] && old.codes[x] === now.codes[x]) continue;
    const last = found.at(-1);
    if (last !== undefined && x - last[1] <= BRIDGE) last[1] = x + 1;
    else found.push([x, x + 1]);
  }
  return found;
}
