/** Where a command writes. Results go to stdout, refusals to stderr; `--json` leaves stdout to the one object. */
import { inspect, styleText } from 'node:util';
import { printable, printableJson } from '../../util/printable.ts';
import { isAscii, jsonToAscii, toAscii } from './ascii.ts';
import { folded, table } from './fit.ts';
import { asTyped } from './typed.ts';

export interface OutOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly ascii: boolean;
}

const STYLES = ['bold', 'dim', 'red', 'green', 'yellow'] as const;
type Style = (typeof STYLES)[number];

/** What `style` writes before and after a text. */
const OWN_COLOUR = new RegExp(`(\\u001b\\[(?:${STYLES.flatMap((s) => inspect.colors[s]!).join('|')})m)`);

export class Out {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly ascii: boolean;
  readonly #color: boolean;

  constructor(options: OutOptions) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.ascii = isAscii(options.ascii);
    const env = process.env;
    this.#color =
      process.stdout.isTTY === true &&
      (env['NO_COLOR'] ?? '') === '' &&
      env['TERM'] !== 'dumb' &&
      !options.json;
  }

  /** Is somebody watching, so that a line may be redrawn? */
  get isLive(): boolean {
    return process.stdout.isTTY === true && process.env['TERM'] !== 'dumb' && !this.json && !this.quiet;
  }

  /** Of the terminal; without one nothing needs to fit, unless COLUMNS says so. */
  get columns(): number {
    return columnsOf(process.stdout);
  }

  style(style: Style, text: string): string {
    // Whether there are colours is decided once, above: `styleText` knows neither TERM=dumb nor --json.
    return this.#color ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Every text for a person passes here: of control characters only our own colours reach the terminal. */
  plain(text: string): string {
    const safe = this.#color
      ? text
          .split(OWN_COLOUR)
          .map((part, i) => (i % 2 === 1 ? part : printable(part)))
          .join('')
      : printable(text);
    const typed = asTyped(safe);
    return this.ascii ? toAscii(typed) : typed;
  }

  /** A result for a person; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${folded(this.plain(text), this.columns)}\n`);
  }

  /** What happens meanwhile: nothing with `--json` or `--quiet`. */
  step(text: string): void {
    if (!this.json && !this.quiet) process.stdout.write(`${folded(this.plain(text), this.columns)}\n`);
  }

  /** Rows of cells; their last column may be prose, which goes on below itself. */
  table(rows: readonly (readonly string[])[]): void {
    for (const line of this.rows(rows)) this.line(line);
  }

  /** Cells as they will be printed, so that columns stand below each other whatever becomes of a sign. */
  rows(rows: readonly (readonly string[])[]): string[] {
    return table(rows.map((row) => row.map((cell) => this.plain(cell))));
  }

  /** Redraws the present line, where there is a terminal; elsewhere nothing. */
  live(text: string): void {
    if (this.isLive) process.stdout.write(`\r\u001b[K${this.plain(text).slice(0, this.columns - 1)}`);
  }

  endLive(): void {
    if (this.isLive) process.stdout.write('\r\u001b[K');
  }

  /** The one object, or one line an event, of `--json`. */
  object(value: unknown): void {
    if (!this.json) return;
    const json = JSON.stringify(value, jsonable);
    process.stdout.write(`${this.ascii ? jsonToAscii(json) : printableJson(json)}\n`);
  }

  error(text: string): void {
    process.stderr.write(`${folded(this.plain(text), columnsOf(process.stderr))}\n`);
  }
}

/** How wide a stream is, as its terminal or COLUMNS says. */
export function columnsOf(stream: { readonly columns?: number | undefined }): number {
  const wished = Number(process.env['COLUMNS']);
  return stream.columns ?? (Number.isInteger(wished) && wished > 0 ? wished : 1_000);
}

/** Maps become objects; nothing else of ours needs help. */
function jsonable(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'bigint' ? value.toString() : value;
}
