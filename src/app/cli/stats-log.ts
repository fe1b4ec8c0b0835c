import { createReadStream, existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { type LineFault, newLineReader } from '../../events/read.ts';
import { missing } from '../../yard/problem.ts';

/** A line longer than this is no event of ours: its longest lists are bounded. */
const LONGEST_LINE = 16 << 20;

export interface LogReading {
  readonly events: number;
  /** Lines that are not events, besides a torn last one. */
  readonly skipped: number;
  /** The first of them, and why. */
  readonly faults: readonly LineFault[];
  /** The file ends in the middle of a line: a crash, or a writer at work. */
  readonly torn: boolean;
  /** Time of the first and the last event, undefined when there is none. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/**
 * Reads event logs, one JSON object a line, one file after the other, piece by piece: a log of any length needs the
 * memory of a few lines. A line that is not an event is left out and counted.
 */
export async function readEventLog(
  paths: readonly string[],
  each: (event: LogEvent) => void,
): Promise<LogReading> {
  let torn = false;
  let from: number | undefined;
  let to: number | undefined;
  const reader = newLineReader((event) => {
    each(event);
    from ??= event.t;
    to = event.t;
  });
  for (const path of paths) {
    if (!existsSync(path)) throw missing(`no log at ${path}`);
    reader.open(basename(path));
    let rest = '';
    try {
      for await (const chunk of createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) reader.take(line);
        if (rest.length > LONGEST_LINE)
          throw missing(`${path} is not an event log: it has a line of ${LONGEST_LINE} characters`);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      throw missing(`cannot read ${path}: ${(error as Error).message}`);
    }
    // The last line may be whole and only lack its newline, as other programs write it.
    torn = !reader.takeRest(rest);
  }
  const { events, skipped, faults } = reader;
  return { events, skipped, faults, torn, from, to };
}
