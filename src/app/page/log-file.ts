import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEvent } from '../../consensus/news.ts';

/** The end of a yard's log as it lies on disk, older file first, cut at the beginning of a line. */
export function logTail(dir: string, maxBytes: number): Buffer {
  const now = tailOf(join(dir, 'yard.jsonl'), maxBytes);
  const before = now.length < maxBytes ? tailOf(join(dir, 'yard.1.jsonl'), maxBytes - now.length) : undefined;
  return before === undefined ? now : Buffer.concat([before, now]);
}

function tailOf(path: string, maxBytes: number): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const got = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.subarray(0, got);
    return size > maxBytes ? text.subarray(text.indexOf(10) + 1) : text;
  } finally {
    closeSync(fd);
  }
}

export interface ReadLog {
  readonly events: readonly LogEvent[];
  /** Lines that are not whole: a log may end in the middle of one. */
  readonly damaged: number;
}

export function parseLog(text: string): ReadLog {
  const events: LogEvent[] = [];
  let damaged = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const event = parseLine(line);
    if (event === undefined) damaged++;
    else events.push(event);
  }
  return { events, damaged };
}

function parseLine(line: string): LogEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    const { v, seq, t, node, kind } = value as Record<string, unknown>;
    const isEvent =
      v === 1 &&
      Number.isSafeInteger(seq) &&
      typeof t === 'number' &&
      typeof node === 'string' &&
      typeof kind === 'string';
    return isEvent ? (value as LogEvent) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
