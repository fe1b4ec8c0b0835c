import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { HostNews, LogEvent, News } from '../../events/events.ts';
import { eventTime } from '../../host/driver/clock.ts';
import type { EventSource } from '../../host/http/events.ts';

/**
 * The launcher's merged log, `yard.jsonl`: what all nodes tell, in the order of their clocks (it is one clock: one
 * machine), and what the launcher itself did, with sequence numbers of its own.
 */
export interface YardLog extends EventSource {
  readonly last: number;
  /** What is still in memory after this number, oldest first. */
  since(after: number, max?: number): readonly LogEvent[];
  /** An event of a node, as it came over its stream. */
  merge(event: LogEvent): void;
  /** What the launcher did itself; `node` is ''. */
  tell(news: HostNews): void;
  /** Writes and delivers what still waits to be put in order. */
  flush(): void;
  close(): void;
}

/** Kept in memory for readers that come back. */
const KEPT = 20_000;
/** Events wait this long for older ones of another stream. */
const ORDER_MS = 30;
/** Then the file becomes `yard.1.jsonl` and a new one begins. */
const MAX_BYTES = 64 << 20;

type Unnumbered = Omit<LogEvent, 'seq'> & (News | HostNews);

export function openYardLog(dir: string): YardLog {
  return new FileLog(dir);
}

class FileLog implements YardLog {
  readonly #dir: string;
  readonly #path: string;
  #fd: number;
  #bytes: number;
  #seq: number;
  readonly #kept: LogEvent[] = [];
  readonly #listeners = new Set<(event: LogEvent) => void>();
  #waiting: { event: Unnumbered; due: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.#path = join(dir, 'yard.jsonl');
    this.#fd = openSync(this.#path, 'a+', 0o600);
    this.#bytes = fstatSync(this.#fd).size;
    this.#seq = lastSeqOf(this.#fd, this.#bytes);
  }

  get last(): number {
    return this.#seq;
  }

  since(after: number, max?: number): readonly LogEvent[] {
    // Numbers are without gap, so the place of one is known.
    const from = Math.max(0, after + 1 - (this.#kept[0]?.seq ?? 0));
    return this.#kept.slice(from, max === undefined ? undefined : from + max);
  }

  subscribe(listener: (event: LogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  merge(event: Unnumbered): void {
    this.#waiting.push({ event, due: Date.now() + ORDER_MS });
    this.#plan();
  }

  tell(news: HostNews): void {
    this.merge({ v: 1, t: eventTime(), node: '', ...news });
  }

  flush(): void {
    this.#deliver(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#listeners.clear();
    closeSync(this.#fd);
  }

  #deliver(limit: number): void {
    const ready = this.#waiting.filter((w) => w.due <= limit);
    if (ready.length === 0) return;
    // What is older than the newest event that is due goes out with it: that is the point of waiting.
    const newest = Math.max(...ready.map((w) => w.event.t));
    const out = this.#waiting.filter((w) => w.due <= limit || w.event.t <= newest);
    this.#waiting = this.#waiting.filter((w) => w.due > limit && w.event.t > newest);
    out.sort((a, b) => a.event.t - b.event.t);
    const numbered = out.map((w) => ({ ...w.event, seq: ++this.#seq }) as LogEvent);
    const text = numbered.map((event) => `${JSON.stringify(event)}\n`).join('');
    this.#bytes += writeSync(this.#fd, text);
    for (const event of numbered) {
      this.#kept.push(event);
      for (const listener of [...this.#listeners]) listener(event);
    }
    if (this.#kept.length > KEPT * 1.1) this.#kept.splice(0, this.#kept.length - KEPT);
    if (this.#bytes > MAX_BYTES) this.#rotate();
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.#path, join(this.#dir, 'yard.1.jsonl'));
    this.#fd = openSync(this.#path, 'a+', 0o600);
    this.#bytes = 0;
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const first = Math.min(...this.#waiting.map((w) => w.due));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#deliver(Date.now());
        this.#plan();
      },
      Math.max(1, first - Date.now()),
    );
  }
}

/** Sequence number of the file's last whole line, so that numbers go on over a restart; 0 for a new or unreadable one. */
function lastSeqOf(fd: number, size: number): number {
  const span = Math.min(size, 1 << 20);
  const buffer = Buffer.alloc(span);
  readSync(fd, buffer, 0, span, size - span);
  const lines = buffer.toString('utf8').split('\n').reverse();
  for (const line of lines) {
    const seq = /"seq":(\d+)/.exec(line)?.[1];
    if (seq !== undefined && line.endsWith('}')) return Number(seq);
  }
  return 0;
}
