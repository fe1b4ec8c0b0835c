import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import type { LogEvent } from '../../events/events.ts';
import { readOwnEventLine } from '../../events/read.ts';

const CHUNK = 256 * 1024;
const NEWLINE = 10;
/** At least so many sequence numbers between two remembered lines. */
const MARK_EVERY = 256;

/** Where a line begins, in bytes. */
interface Mark {
  readonly seq: number;
  readonly at: number;
}

/**
 * Reads one file of event lines. Remembers where some of them begin, as it sees them, so that reading on from where the
 * last answer ended does not start at the top. Synchronous: callers ask for a bounded number.
 */
export class EventLines {
  readonly path: string;
  /** Ascending. */
  #marks: Mark[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** The same lines under another name: the file was renamed. */
  renamed(path: string): EventLines {
    const lines = new EventLines(path);
    lines.#marks = this.#marks;
    return lines;
  }

  /** A line was appended at byte `at`. */
  appended(seq: number, at: number): void {
    const last = this.#marks.at(-1);
    if (last === undefined || seq >= last.seq + MARK_EVERY) this.#marks.push({ seq, at });
  }

  first(): LogEvent | undefined {
    let found: LogEvent | undefined;
    scan(this.path, 0, (event) => {
      found = event;
      return false;
    });
    return found;
  }

  /** The events in about the last `bytes` of the file, oldest first. */
  tail(bytes: number): LogEvent[] {
    const size = sizeOf(this.path);
    const found: LogEvent[] = [];
    // The first of them is likely to be cut in two, and is then no event.
    scan(this.path, Math.max(0, size - bytes), (event) => {
      found.push(event);
      return true;
    });
    return found;
  }

  /** Adds the events after `seq` to `found`, oldest first, until it holds `max`. */
  read(seq: number, max: number, found: LogEvent[]): void {
    if (found.length >= max) return;
    const start = this.#lastMarkUpTo(seq);
    let last = this.#marks[start];
    let next = this.#marks[start + 1];
    const fresh: Mark[] = [];
    scan(this.path, last?.at ?? 0, (event, at) => {
      if (next !== undefined && event.seq >= next.seq) {
        last = next;
        next = this.#marks[this.#lastMarkUpTo(event.seq) + 1];
      } else if (last === undefined || event.seq >= last.seq + MARK_EVERY) {
        last = { seq: event.seq, at };
        fresh.push(last);
      }
      if (event.seq > seq) found.push(event);
      return found.length < max;
    });
    if (fresh.length > 0) this.#marks = [...this.#marks, ...fresh].sort((a, b) => a.seq - b.seq);
  }

  /** Index of the last mark at or before `seq`, −1 if there is none. */
  #lastMarkUpTo(seq: number): number {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#marks[middle]!.seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function sizeOf(path: string): number {
  if (!existsSync(path)) return 0;
  const fd = openSync(path, 'r');
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** Calls `each` for every whole line from byte `from` on that is an event, until it answers false. */
function scan(path: string, from: number, each: (event: LogEvent, at: number) => boolean): void {
  if (!existsSync(path)) return;
  const fd = openSync(path, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    let restAt = from;
    for (let at = from; ; ) {
      const chunk = Buffer.alloc(CHUNK);
      const n = readSync(fd, chunk, 0, CHUNK, at);
      if (n === 0) return;
      at += n;
      rest = Buffer.concat([rest, chunk.subarray(0, n)]);
      let start = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
        // Others are no events: half a line, somebody's edit, zeros after a power cut.
        const read = readOwnEventLine(rest.toString('utf8', start, end));
        if (read.ok && !each(read.value, restAt + start)) return;
        start = end + 1;
      }
      rest = rest.subarray(start);
      restAt += start;
    }
  } finally {
    closeSync(fd);
  }
}

/** Cuts what follows the last newline of a file; answers how many bytes that was. */
export function cutTornLine(path: string): number {
  if (!existsSync(path)) return 0;
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    const chunk = Buffer.alloc(CHUNK);
    let whole = 0;
    for (let end = size; end > 0 && whole === 0; ) {
      const from = Math.max(0, end - CHUNK);
      const n = readSync(fd, chunk, 0, end - from, from);
      whole = from + chunk.subarray(0, n).lastIndexOf(NEWLINE) + 1;
      // No newline in this chunk: `whole` is where the chunk began, which proves nothing yet.
      if (chunk.subarray(0, n).lastIndexOf(NEWLINE) < 0) whole = 0;
      end = from;
    }
    if (whole < size) ftruncateSync(fd, whole);
    return size - whole;
  } finally {
    closeSync(fd);
  }
}
