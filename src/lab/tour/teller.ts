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
  const { write, stdin } = options;
  const stop = new AbortController();
  const forward = () => stop.abort();
  options.signal.addEventListener('abort', forward, { once: true });
  let held = false;
  let lastMoment = Number.NEGATIVE_INFINITY;
  let title = '';
  let growing = false;
  /** Set while resting; called by `n`, or by time when not held. */
  let wake: ((by: 'key' | 'time') => void) | undefined;

  function onKey(data: Buffer): void {
    for (const key of data.toString('latin1')) {
      if (key === '\u0003' || key === 'q') stop.abort();
      else if (key === 'n') wake?.('key');
      else if (key === ' ') {
        held = !held;
        if (!held) wake?.('time');
      }
    }
  }

  if (stdin !== undefined) {
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', onKey);
  }

  function rest(ms: number): Promise<void> {
    if (stop.signal.aborted) return Promise.reject(new Interrupted());
    return new Promise((done, fail) => {
      let late = false;
      const end = () => {
        clearTimeout(timer);
        stop.signal.removeEventListener('abort', abort);
        wake = undefined;
      };
      const abort = () => {
        end();
        fail(new Interrupted());
      };
      wake = (by) => {
        if (by === 'time' && !late) return;
        held = by === 'key' ? false : held;
        end();
        done();
      };
      const timer = setTimeout(
        () => {
          late = true;
          if (!held) wake?.('time');
        },
        Math.max(0, ms),
      );
      stop.signal.addEventListener('abort', abort, { once: true });
    });
  }

  function line(text: string): void {
    if (growing) {
      growing = false;
      write('\n');
    }
    write(`${text}\n`);
  }

  return {
    signal: stop.signal,
    async moment(number, name, lines) {
      await rest(lastMoment + LEAST_MS - options.clock());
      lastMoment = options.clock();
      title = ` ${number}/${MOMENTS} ${name.padEnd(4)}`;
      const seconds = Math.floor(lastMoment / 1000);
      const at = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      const [first, ...rows] = lines.flatMap((text) => wrapped(text, COLUMNS - INDENT.length));
      line(`${title}  ${at.padEnd(5)} ${first ?? ''}`);
      for (const more of rows) line(INDENT + more);
    },
    text(text) {
      for (const part of wrapped(text, COLUMNS - INDENT.length)) line(INDENT + part);
    },
    wide: (text) => line(`     ${text}`),
    grow(part) {
      write(growing ? part : `     ${part}`);
      growing = true;
    },
    end() {
      if (growing) write('\n');
      growing = false;
    },
    failed: (text) => line(`${title}  FAILED: ${text}`),
    rest,
    close() {
      options.signal.removeEventListener('abort', forward);
      if (stdin === undefined) return;
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
