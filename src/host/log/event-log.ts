import type { HostNews, LogEvent, News } from '../../events/events.ts';
import { makeDirectory } from '../directories.ts';
import { eventTime } from '../driver/clock.ts';
import { hostLimits } from '../limits.ts';
import { EventFile } from './event-file.ts';

export interface EventLogOptions {
  /** `events.jsonl` is kept here. */
  readonly dir: string;
  /** Goes into every line: a node's letter. */
  readonly node: string;
  /** The log cannot be written (disk full…): told once each time it begins. The node goes on. */
  readonly problem: (sentence: string) => void;
  /** Milliseconds since 1970; for tests. */
  readonly time?: () => number;
  readonly ring?: number;
  readonly fileBytes?: number;
}

/** What a line adds to the news. */
type Body = News | HostNews;

/** Opens the log and goes on after its last line. A line torn by a crash is cut off, and a note says so. */
export function openEventLog(o: EventLogOptions): EventLog {
  makeDirectory(o.dir);
  const file = new EventFile({
    dir: o.dir,
    maxBytes: o.fileBytes ?? hostLimits.logFileBytes,
    problem: o.problem,
  });
  return new EventLog(o, file);
}

/**
 * What this process tells, one JSON line each, in order: on disk, in memory (the last ones), and to subscribers.
 * Sequence numbers go on over restarts; the time never goes back within a run.
 */
export class EventLog {
  readonly #node: string;
  readonly #time: () => number;
  readonly #file: EventFile;
  readonly #ringSize: number;
  /** The newest events, oldest first; up to twice `ringSize` between two cuts. */
  #ring: LogEvent[];
  #lastSeq: number;
  #lastTime = 0;
  readonly #subscribers = new Set<(event: LogEvent) => void>();

  /** Use {@link openEventLog}. */
  constructor(o: EventLogOptions, file: EventFile) {
    this.#node = o.node;
    this.#time = o.time ?? eventTime;
    this.#file = file;
    this.#ringSize = o.ring ?? hostLimits.logRing;
    const { events, lastSeq, note } = file.recover(this.#ringSize);
    this.#ring = events;
    this.#lastSeq = lastSeq;
    if (note !== undefined) this.append({ kind: 'note', text: note });
  }

  /** 0 before the first event. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Oldest that `since` can still give; one more than `lastSeq` when there is none. */
  get oldestSeq(): number {
    return Math.min(
      this.#ring[0]?.seq ?? this.#lastSeq + 1,
      this.#file.oldestSeq ?? Number.POSITIVE_INFINITY,
    );
  }

  /** `agoMs`: it happened so long ago; but never before the line above it. */
  append(news: Body, agoMs = 0): LogEvent {
    this.#lastTime = Math.max(this.#lastTime, this.#time() - agoMs);
    const event: LogEvent = { v: 1, seq: ++this.#lastSeq, t: this.#lastTime, node: this.#node, ...news };
    this.#ring.push(event);
    if (this.#ring.length >= 2 * this.#ringSize) this.#ring = this.#ring.slice(-this.#ringSize);
    this.#file.append(event.seq, JSON.stringify(event) + '\n');
    for (const subscriber of [...this.#subscribers]) subscriber(event);
    return event;
  }

  /**
   * Events after `seq`, oldest first. Without `max` those in memory; with it at most so many, from the files where
   * memory does not reach back so far. Ask again with the last one's `seq` to go on.
   */
  since(seq: number, max?: number): readonly LogEvent[] {
    const first = this.#ring[0]?.seq ?? this.#lastSeq + 1;
    if (max === undefined || seq + 1 >= first) {
      const from = Math.max(0, seq + 1 - first);
      return this.#ring.slice(from, max === undefined ? undefined : from + max);
    }
    const old = this.#file
      .read(seq, Math.min(max, hostLimits.logReadEvents))
      .filter((event) => event.seq < first);
    return old.length > 0 ? old : this.#ring.slice(0, max);
  }

  /** Hears every event from now on, as it is appended. Returns the way out. */
  subscribe(subscriber: (event: LogEvent) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Settles when all lines so far are with the operating system (or have been given up, see `problem`). */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
