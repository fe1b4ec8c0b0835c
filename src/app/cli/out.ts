/** Where a command writes. Results go to stdout, refusals to stderr; `--json` leaves stdout to the one object. */
import { wrapped } from '../../observe/words.ts';
import { asTyped } from './typed.ts';

export interface OutOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly ascii: boolean;
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

/** What each sign beyond ASCII becomes where only ASCII is wanted; none of them carries meaning alone. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [/→/g, '->'],
  [/[·]/g, '-'],
  [/…/g, '..'],
  [/✓/g, 'ok'],
  [/×/g, 'x'],
];

export class Out {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly ascii: boolean;
  readonly #color: boolean;

  constructor(options: OutOptions) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.ascii = options.ascii || process.env['TERM'] === 'dumb';
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

  /** Of the terminal; without one nothing needs to fit. */
  get columns(): number {
    return process.stdout.columns ?? 1_000;
  }

  style(style: Style, text: string): string {
    return this.#color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
  }

  plain(text: string): string {
    const typed = asTyped(text);
    if (!this.ascii) return typed;
    return PLAIN.reduce((t, [from, to]) => t.replace(from, to), typed);
  }

  /** A result for a person; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${folded(this.plain(text), this.columns)}\n`);
  }

  /** What happens meanwhile: nothing with `--json` or `--quiet`. */
  step(text: string): void {
    if (!this.json && !this.quiet) process.stdout.write(`${folded(this.plain(text), this.columns)}\n`);
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
    if (this.json) process.stdout.write(`${JSON.stringify(value, jsonable)}\n`);
  }

  error(text: string): void {
    process.stderr.write(`${this.plain(text)}\n`);
  }
}

/**
 * A sentence that is wider than the terminal, broken at blanks, with its indent. A row of a table or of the tree has two
 * blanks somewhere and stays as it is; so does a command, which is to be copied in one piece.
 */
export function folded(text: string, columns: number): string {
  if (text.length <= columns || /\S {2,}\S/.test(text) || /forkyard [a-z]/.test(text)) return text;
  const indent = text.slice(0, text.length - text.trimStart().length);
  return wrapped(text.trimStart(), columns - indent.length)
    .map((line) => indent + line)
    .join('\n');
}

/** Maps become objects; nothing else of ours needs help. */
function jsonable(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'bigint' ? value.toString() : value;
}
