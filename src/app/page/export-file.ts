import { gzipSync } from 'node:zlib';
import type { LogEvent } from '../../events/events.ts';
import type { Topology } from '../../util/topology.ts';
import type { PageFiles } from './files.ts';
import { selfContained } from './self-contained.ts';

/** A run as one file: the page and the log in it, nothing to load from anywhere. */

export interface RunFacts {
  readonly label: string;
  readonly network: string;
  readonly nodes: readonly string[];
  readonly spacingMs: number;
  readonly delayMs: number;
  readonly topology: Topology;
}

export interface ExportedRun {
  readonly html: string;
  readonly kept: number;
  readonly of: number;
  /** As it travels: gzipped. */
  readonly gzipped: number;
}

/** Nobody minds a picture of this size in a mail or beside lecture notes. */
const MAX_GZIPPED = 1_000_000;

/** What the page never tells. `links` it needs: they say whether a formula's assumptions hold. */
const LEFT_OUT: ReadonlySet<LogEvent['kind']> = new Set([
  'header',
  'headers',
  'headers',
  'peer-joined',
  'peer-left',
  'peer-ready',
  'fault',
]);

/** The newest events that fit; all of them, as a rule. */
export function exportRun(
  files: PageFiles,
  facts: RunFacts,
  all: readonly LogEvent[],
  maxGzipped = MAX_GZIPPED,
): ExportedRun {
  const events = all.filter((event) => !LEFT_OUT.has(event.kind));
  let count = events.length;
  for (;;) {
    const html = page(files, facts, events.slice(events.length - count));
    const gzipped = gzipSync(html).length;
    if (gzipped <= maxGzipped || count === 0) return { html, kept: count, of: events.length, gzipped };
    count = Math.floor(count * Math.min(0.9, maxGzipped / gzipped));
  }
}

function page(files: PageFiles, facts: RunFacts, events: readonly LogEvent[]): string {
  const lines = [{ ...facts, people: [] }, ...events].map((line) => JSON.stringify(line)).join('\n');
  const text = gzipSync(lines, { level: 9 }).toString('base64');
  return selfContained(files, { title: `${facts.label}: a recorded run`, id: 'run', text });
}
