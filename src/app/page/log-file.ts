import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { type LineFault, newLineReader } from '../../events/read.ts';

/** The end of a log: open files, read when somebody takes what is in them. */
export interface LogTail {
  readonly bytes: number;
  pieces(): AsyncGenerator<Buffer>;
  close(): void;
}

interface Part {
  readonly fd: number;
  /** Its name without its folder. */
  readonly file: string;
  readonly from: number;
  readonly bytes: number;
}

const PIECE_BYTES = 64 * 1024;

/** The end of a yard's log as it lies on disk, older file first, cut at the beginning of a line. Whoever opens it closes it. */
export function openTail(dir: string, maxBytes: number): LogTail {
  const parts = partsOf(dir, maxBytes);
  return {
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    async *pieces() {
      for (const { fd, from, bytes } of parts) {
        for (let at = 0; at < bytes; at += PIECE_BYTES) {
          yield readAt(fd, from + at, Math.min(PIECE_BYTES, bytes - at));
        }
      }
    },
    close() {
      for (const { fd } of parts) closeSync(fd);
    },
  };
}

function partsOf(dir: string, maxBytes: number): Part[] {
  const now = partOf(join(dir, 'yard.jsonl'), maxBytes);
  const left = maxBytes - (now?.bytes ?? 0);
  const before = left > 0 ? partOf(join(dir, 'yard.1.jsonl'), left) : undefined;
  return [before, now].filter((part) => part !== undefined);
}

function partOf(path: string, maxBytes: number): Part | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, 'r');
  const { size } = fstatSync(fd);
  const from = size > maxBytes ? lineAfter(fd, size - maxBytes, size) : 0;
  return { fd, file: basename(path), from, bytes: size - from };
}

/** Where the first line begins that begins after `at`; `end` when none does. */
function lineAfter(fd: number, at: number, end: number): number {
  for (let from = at; from < end; from += PIECE_BYTES) {
    const newline = readAt(fd, from, Math.min(PIECE_BYTES, end - from)).indexOf(10);
    if (newline >= 0) return from + newline + 1;
  }
  return end;
}

function readAt(fd: number, from: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  return buffer.subarray(0, readSync(fd, buffer, 0, bytes, from));
}

export interface ReadLog {
  readonly events: readonly LogEvent[];
  /** Lines that are not events: a log may end in the middle of one. */
  readonly damaged: number;
  /** The first of them, and why. */
  readonly faults: readonly LineFault[];
}

/** The lines of a log file; `file` is its name without its folder. */
export function parseLog(text: string, file: string): ReadLog {
  return readTexts([{ text, file }]);
}

/** The end of a yard's log as it lies on disk, at most so many bytes; lines are counted from the first that is read. */
export function readYardLog(dir: string, maxBytes: number): ReadLog {
  const parts = partsOf(dir, maxBytes);
  try {
    return readTexts(
      parts.map(({ fd, file, from, bytes }) => ({ text: readAt(fd, from, bytes).toString('utf8'), file })),
    );
  } finally {
    for (const { fd } of parts) closeSync(fd);
  }
}

function readTexts(texts: readonly { readonly text: string; readonly file: string }[]): ReadLog {
  const events: LogEvent[] = [];
  const reader = newLineReader((event) => events.push(event));
  for (const { text, file } of texts) {
    reader.open(file);
    for (const line of text.split('\n')) reader.take(line);
  }
  return { events, damaged: reader.skipped, faults: reader.faults };
}
