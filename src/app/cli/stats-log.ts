import { createReadStream, existsSync } from 'node:fs';
import type { LogEvent } from '../../consensus/news.ts';
import { missing } from '../../lab/problem.ts';

/** A line longer than this is no event of ours: its longest lists are bounded. */
const LONGEST_LINE = 16 << 20;

export interface LogReading {
  readonly events: number;
  /** Lines that are not events, besides a torn last one. */
  readonly skipped: number;
  /** The file ends in the middle of a line: a crash, or a writer at work. */
  readonly torn: boolean;
  /** Time of the first and the last event, undefined when there is none. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/**
 * Reads event logs, one JSON object a line, one file after the other, piece by piece: a log of any length needs the
 * memory of a few lines. What is not an event is counted, not believed.
 */
export async function readEventLog(
  paths: readonly string[],
  each: (event: LogEvent) => void,
): Promise<LogReading> {
  let events = 0;
  let skipped = 0;
  let torn = false;
  let from: number | undefined;
  let to: number | undefined;
  const take = (line: string): boolean => {
    if (line.trim() === '') return true;
    const event = parseEvent(line);
    if (event === undefined) return false;
    each(event);
    events++;
    from ??= event.t;
    to = event.t;
    return true;
  };
  for (const path of paths) {
    if (!existsSync(path)) throw missing(`no log at ${path}`);
    let rest = '';
    try {
      for await (const chunk of createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (!take(line)) skipped++;
        if (rest.length > LONGEST_LINE)
          throw missing(`${path} is not an event log: it has a line of ${LONGEST_LINE} characters`);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      throw missing(`cannot read ${path}: ${(error as Error).message}`);
    }
    // The last line may be whole and only lack its newline, as other programs write it.
    torn = !take(rest);
  }
  return { events, skipped, torn, from, to };
}

/** Undefined for what is not an event of version 1 in its outer form. */
export function parseEvent(line: string): LogEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, t, node, kind, height, work, id } = value as Record<string, unknown>;
  if (v !== 1 || typeof t !== 'number' || typeof node !== 'string' || typeof kind !== 'string')
    return undefined;
  // What the figures count with must be what it should: a log may have passed through an editor.
  if (height !== undefined && !Number.isSafeInteger(height)) return undefined;
  if (work !== undefined && !(typeof work === 'string' && /^[0-9a-f]{1,64}$/.test(work))) return undefined;
  if (id !== undefined && typeof id !== 'string') return undefined;
  return Number.isFinite(t) ? (value as LogEvent) : undefined;
}
