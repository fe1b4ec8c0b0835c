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
  const path = join(dir, 'yard.jsonl');
  let fd = openSync(path, 'a+', 0o600);
  let bytes = fstatSync(fd).size;
  let seq = lastSeqOf(fd, bytes);
  const kept: LogEvent[] = [];
  const listeners = new Set<(event: LogEvent) => void>();
  let waiting: { event: Unnumbered; due: number }[] = [];
  let timer: NodeJS.Timeout | undefined;

  function deliver(limit: number): void {
    const ready = waiting.filter((w) => w.due <= limit);
    if (ready.length === 0) return;
    // What is older than the newest event that is due goes out with it: that is the point of waiting.
    const newest = Math.max(...ready.map((w) => w.event.t));
    const out = waiting.filter((w) => w.due <= limit || w.event.t <= newest);
    waiting = waiting.filter((w) => w.due > limit && w.event.t > newest);
    out.sort((a, b) => a.event.t - b.event.t);
    const numbered = out.map((w) => ({ ...w.event, seq: ++seq }) as LogEvent);
    const text = numbered.map((event) => `${JSON.stringify(event)}\n`).join('');
    bytes += writeSync(fd, text);
    for (const event of numbered) {
      kept.push(event);
      for (const listener of [...listeners]) listener(event);
    }
    if (kept.length > KEPT * 1.1) kept.splice(0, kept.length - KEPT);
    if (bytes > MAX_BYTES) rotate();
  }

  function rotate(): void {
    closeSync(fd);
    renameSync(path, join(dir, 'yard.1.jsonl'));
    fd = openSync(path, 'a+', 0o600);
    bytes = 0;
  }

  function plan(): void {
    if (timer !== undefined || waiting.length === 0) return;
    const first = Math.min(...waiting.map((w) => w.due));
    timer = setTimeout(
      () => {
        timer = undefined;
        deliver(Date.now());
        plan();
      },
      Math.max(1, first - Date.now()),
    );
  }

  function put(event: Unnumbered): void {
    waiting.push({ event, due: Date.now() + ORDER_MS });
    plan();
  }

  return {
    get last() {
      return seq;
    },
    since(after, max) {
      // Numbers are without gap, so the place of one is known.
      const from = Math.max(0, after + 1 - (kept[0]?.seq ?? 0));
      return kept.slice(from, max === undefined ? undefined : from + max);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    merge: put,
    tell: (news) => put({ v: 1, t: eventTime(), node: '', ...news }),
    flush: () => deliver(Number.POSITIVE_INFINITY),
    close() {
      deliver(Number.POSITIVE_INFINITY);
      clearTimeout(timer);
      listeners.clear();
      closeSync(fd);
    },
  };
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
