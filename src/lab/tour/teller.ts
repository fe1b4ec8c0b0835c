import type { ReadStream } from 'node:tty';
import { wrapped } from '../../observe/words/words.ts';
import { Interrupted } from '../../yard/action.ts';

/** Prints the tour at a pace that can be read: `n` goes on, space holds, `q` ends. */
export interface Teller {
  /** Starts a moment: `2/6 MINE  0:05  text`, further lines below the text. */
  moment(number: number, title: string, lines: readonly string[]): Promise<void>;
  /** A line below the moment's text. */
  text(line: string): void;
  /** A line at the left, for trees and tables. */
  wide(line: string): void;
  /** A line that grows: each call adds a part, `end` closes it. */
  grow(part: string): void;
  end(): void;
  /** What is going to be told went wrong. */
  failed(line: string): void;
  /** Waits until what was told could be read. */
  rest(ms: number): Promise<void>;
  /** Aborted by Ctrl-C, `q` or the caller's own signal. */
  readonly signal: AbortSignal;
  close(): void;
}

export interface TellerOptions {
  readonly write: (text: string) => void;
  readonly stdin: ReadStream | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds since the tour began. */
  readonly clock: () => number;
}

const MOMENTS = 6;
const LEAST_MS = 2_000;
/** `1/6 MEET  0:02  `: how far the text stands from the left. */
const INDENT = ' '.repeat(17);
const COLUMNS = 80;

export function newTeller(options: TellerOptions): Teller {
  return new ScreenTeller(options);
}

class ScreenTeller implements Teller {
  readonly #o: TellerOptions;
  readonly #stop = new AbortController();
  #held = false;
  #lastMoment = Number.NEGATIVE_INFINITY;
  #title = '';
  #growing = false;
  /** Set while resting; called by `n`, or by time when not held. */
  #wake: ((by: 'key' | 'time') => void) | undefined;
  readonly #forward = () => this.#stop.abort();

  constructor(options: TellerOptions) {
    this.#o = options;
    const { stdin, signal } = options;
    signal.addEventListener('abort', this.#forward, { once: true });
    if (stdin === undefined) return;
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', this.#onKey);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  async moment(number: number, name: string, lines: readonly string[]): Promise<void> {
    await this.rest(this.#lastMoment + LEAST_MS - this.#o.clock());
    this.#lastMoment = this.#o.clock();
    this.#title = ` ${number}/${MOMENTS} ${name.padEnd(4)}`;
    const seconds = Math.floor(this.#lastMoment / 1000);
    const at = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const [first, ...rows] = lines.flatMap((text) => wrapped(text, COLUMNS - INDENT.length));
    this.#line(`${this.#title}  ${at.padEnd(5)} ${first ?? ''}`);
    for (const more of rows) this.#line(INDENT + more);
  }

  text(line: string): void {
    for (const part of wrapped(line, COLUMNS - INDENT.length)) this.#line(INDENT + part);
  }

  wide(line: string): void {
    this.#line(`     ${line}`);
  }

  grow(part: string): void {
    this.#o.write(this.#growing ? part : `     ${part}`);
    this.#growing = true;
  }

  end(): void {
    if (this.#growing) this.#o.write('\n');
    this.#growing = false;
  }

  failed(line: string): void {
    this.#line(`${this.#title}  FAILED: ${line}`);
  }

  rest(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.reject(new Interrupted());
    return new Promise((done, fail) => {
      let late = false;
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.#wake = undefined;
      };
      const abort = () => {
        end();
        fail(new Interrupted());
      };
      this.#wake = (by) => {
        if (by === 'time' && !late) return;
        if (by === 'key') this.#held = false;
        end();
        done();
      };
      const timer = setTimeout(
        () => {
          late = true;
          if (!this.#held) this.#wake?.('time');
        },
        Math.max(0, ms),
      );
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  close(): void {
    const { stdin, signal } = this.#o;
    signal.removeEventListener('abort', this.#forward);
    if (stdin === undefined) return;
    stdin.off('data', this.#onKey);
    stdin.setRawMode(false);
    stdin.pause();
  }

  readonly #onKey = (data: Buffer): void => {
    for (const key of data.toString('latin1')) {
      if (key === '\u0003' || key === 'q') this.#stop.abort();
      else if (key === 'n') this.#wake?.('key');
      else if (key === ' ') {
        this.#held = !this.#held;
        if (!this.#held) this.#wake?.('time');
      }
    }
  };

  #line(text: string): void {
    this.end();
    this.#o.write(`${text}\n`);
  }
}
