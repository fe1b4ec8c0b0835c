import { renameSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { hostLimits } from '../limits.ts';
import { cutTornLine, EventLines } from './event-lines.ts';

export interface EventFileOptions {
  readonly dir: string;
  readonly maxBytes: number;
  readonly problem: (sentence: string) => void;
}

interface Line {
  readonly seq: number;
  readonly text: string;
}

/** How much of the last run's log is taken into memory at opening. */
const TAIL_BYTES = 4_000_000;

/**
 * The lines of an event log on disk: `events.jsonl`, and `events.1.jsonl`, the one before it. Lines are written as fast
 * as the disk takes them, always whole.
 */
export class EventFile {
  readonly #maxBytes: number;
  readonly #problem: (sentence: string) => void;
  #current: EventLines;
  #older: EventLines;
  #handle: FileHandle | undefined;
  #bytes = 0;
  #waiting: Line[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #failing = false;
  #writing: Promise<void> | undefined;
  /** Somebody waits for the lines: each goes out at once. */
  #flushing = 0;
  #stopGathering: () => void = () => undefined;
  #oldestSeq: number | undefined;

  constructor(o: EventFileOptions) {
    this.#maxBytes = o.maxBytes;
    this.#problem = o.problem;
    this.#current = new EventLines(join(o.dir, 'events.jsonl'));
    this.#older = new EventLines(join(o.dir, 'events.1.jsonl'));
  }

  /** Of the oldest line on disk; undefined while there is none. */
  get oldestSeq(): number | undefined {
    return this.#oldestSeq;
  }

  /**
   * What the last run left, to be called once, before anything is appended. A crash may leave half a line at the end: it
   * is cut off, so that the next line does not grow out of it. `events`: the newest, at most `keep`.
   */
  recover(keep: number): { events: LogEvent[]; lastSeq: number; note: string | undefined } {
    const torn = cutTornLine(this.#current.path);
    let events = this.#current.tail(TAIL_BYTES);
    if (events.length === 0) events = this.#older.tail(TAIL_BYTES);
    this.#bytes = statSync(this.#current.path, { throwIfNoEntry: false })?.size ?? 0;
    this.#oldestSeq = (this.#older.first() ?? this.#current.first())?.seq;
    return {
      events: events.slice(-keep),
      lastSeq: events.at(-1)?.seq ?? 0,
      note:
        torn > 0 ? `the last line of the event log was torn by a crash: ${torn} bytes cut off` : undefined,
    };
  }

  append(seq: number, text: string): void {
    this.#waiting.push({ seq, text });
    this.#waitingBytes += text.length;
    while (this.#waitingBytes > hostLimits.logBacklogBytes && this.#waiting.length > 1) {
      this.#waitingBytes -= this.#waiting.shift()!.text.length;
      this.#lost++;
    }
    this.#writing ??= this.#drain();
  }

  /** Events after `seq` that are on disk, oldest first, at most `max`. */
  read(seq: number, max: number): LogEvent[] {
    const found: LogEvent[] = [];
    this.#older.read(seq, max, found);
    this.#current.read(seq, max, found);
    return found;
  }

  async flush(): Promise<void> {
    this.#flushing++;
    this.#stopGathering();
    while (this.#writing !== undefined) await this.#writing;
    this.#flushing--;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** Writes what waits until nothing does. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#write(lines);
        if (this.#lost > 0)
          this.#problem(`the event log lost ${this.#lost} lines while the disk refused or was slow`);
        this.#lost = 0;
        this.#failing = false;
      } catch (error) {
        this.#fail(error, lines.length);
      }
    }
    this.#writing = undefined;
  }

  /** A write is a system call, however short the line: those of one moment go out together. */
  #gather(): Promise<void> {
    if (this.#flushing > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, hostLimits.logGatherMs);
      this.#stopGathering = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #write(lines: readonly Line[]): Promise<void> {
    if (this.#bytes >= this.#maxBytes) await this.#rotate();
    this.#handle ??= await open(this.#current.path, 'a', 0o600);
    await this.#handle.appendFile(lines.map((line) => line.text).join(''));
    for (const { seq, text } of lines) {
      this.#oldestSeq ??= seq;
      this.#current.appended(seq, this.#bytes);
      this.#bytes += Buffer.byteLength(text);
    }
  }

  async #rotate(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    renameSync(this.#current.path, this.#older.path);
    const { path } = this.#current;
    this.#older = this.#current.renamed(this.#older.path);
    this.#current = new EventLines(path);
    this.#bytes = 0;
    this.#oldestSeq = this.#older.first()?.seq;
  }

  /** The log is an account of what happened, not a part of it: a full disk stops lines, not the node. */
  #fail(error: unknown, lines: number): void {
    this.#lost += lines;
    if (!this.#failing) {
      this.#problem(
        `the event log cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    this.#failing = true;
    // A failed write may have left half a line; the next one must start on a line of its own.
    cutTornLine(this.#current.path);
    this.#bytes = statSync(this.#current.path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
