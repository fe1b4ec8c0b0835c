import { emitKeypressEvents, type Interface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import { type Key, keypressListener } from './keys.ts';
import { Painter, type Palette } from './paint.ts';
import type { Line } from './screen.ts';

/**
 * The terminal itself: its other screen, its keys, its size. Whatever happens (end, crash, signal, suspension), it gets
 * its own screen, cursor and line mode back.
 */
export interface TerminalOptions {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  /** At once and without the event loop: it may be the last thing that this process does. */
  readonly writeNow: (bytes: string) => void;
  readonly palette: Palette;
  readonly onKey: (key: Key) => void;
  /** Another size, or back from a suspension: draw anew. */
  readonly onRedraw: () => void;
}

/** Other screen, no cursor, no wrapping at the right edge. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[0m\u001b[2J';
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';
/** Longer than the pieces of one sequence lie apart, even over a slow line. */
const ESCAPE_MS = 50;
/** A terminal whose size is unknown has this one. */
const USUAL = { columns: 80, rows: 24 };

export function paletteFor(env: NodeJS.ProcessEnv): Palette {
  if ((env['NO_COLOR'] ?? '') !== '') return { colours: 'none' };
  const many = /256|direct|kitty|alacritty/.test(env['TERM'] ?? '') || (env['COLORTERM'] ?? '') !== '';
  return { colours: many ? '256' : 'basic' };
}

export class Terminal {
  readonly #o: TerminalOptions;
  readonly #painter: Painter;
  /** What comes from stdin. readline never lets go of the stream that it reads, and stdin is the shell's again afterwards. */
  readonly #input = new PassThrough();
  #isIn = false;

  constructor(options: TerminalOptions) {
    this.#o = options;
    this.#painter = new Painter(options.palette);
    // Of an interface readline reads this field alone. Its own half second is long for who leaves a question with Esc.
    emitKeypressEvents(this.#input, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface);
    this.#input.on('keypress', keypressListener(options.onKey));
  }

  get size(): { columns: number; rows: number } {
    const { columns, rows } = this.#o.stdout;
    return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
  }

  /** Does the terminal still take what was written? If not, the next frame waits: a slow line shows fewer, not older ones. */
  get isReady(): boolean {
    return this.#isIn && !this.#o.stdout.writableNeedDrain;
  }

  open(): void {
    const { stdin, stdout } = this.#o;
    stdin.on('data', this.#onData);
    stdout.on('resize', this.#onResize);
    process.on('exit', this.#leave);
    process.on('uncaughtExceptionMonitor', this.#leave);
    process.on('SIGCONT', this.#onContinue);
    this.#enter();
  }

  close(): void {
    const { stdin, stdout } = this.#o;
    stdin.off('data', this.#onData);
    this.#input.removeAllListeners().destroy();
    stdout.off('resize', this.#onResize);
    process.off('exit', this.#leave);
    process.off('uncaughtExceptionMonitor', this.#leave);
    process.off('SIGCONT', this.#onContinue);
    this.#leave();
    stdin.pause();
  }

  draw(lines: readonly Line[]): void {
    if (!this.#isIn) return;
    const bytes = this.#painter.paint(lines);
    if (bytes !== '') this.#o.stdout.write(bytes);
  }

  /** Everything again: somebody else wrote on the screen. */
  clear(): void {
    this.#painter.forget();
    if (this.#isIn) this.#o.stdout.write('\u001b[2J');
  }

  #enter(): void {
    this.#isIn = true;
    this.#painter.forget();
    this.#o.stdin.setRawMode(true);
    this.#o.stdin.resume();
    this.#o.stdout.write(ENTER);
  }

  readonly #leave = (): void => {
    if (!this.#isIn) return;
    this.#isIn = false;
    try {
      this.#o.stdin.setRawMode(false);
      this.#o.writeNow(LEAVE);
    } catch (error) {
      // A terminal that is gone has nothing left to be restored.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EIO' && code !== 'EPIPE' && code !== 'EBADF' && code !== 'EAGAIN') throw error;
    }
  };

  /** Ctrl-Z: the shell has its terminal back until `fg`. The nodes are not of this job and go on. */
  suspend(): void {
    this.#leave();
    process.kill(0, 'SIGTSTP');
    // Runs when we are continued; also where nothing stopped us, as in a job that nobody could continue.
    setTimeout(this.#onContinue, ESCAPE_MS);
  }

  readonly #onContinue = (): void => {
    if (this.#isIn) this.clear();
    else this.#enter();
    this.#o.onRedraw();
  };

  readonly #onResize = (): void => {
    this.clear();
    this.#o.onRedraw();
  };

  readonly #onData = (data: Buffer | string): void => {
    this.#input.write(data);
  };
}
