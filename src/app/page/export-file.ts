import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { LogEvent } from '../../consensus/news.ts';
import type { PageFiles } from './files.ts';

/** A run as one file: the page and the log in it, nothing to load from anywhere. */

export interface RunFacts {
  readonly label: string;
  readonly network: string;
  readonly nodes: readonly string[];
  readonly spacingMs: number;
  readonly delayMs: number;
}

export interface ExportedRun {
  readonly html: string;
  readonly kept: number;
  readonly of: number;
  /** As it travels: gzipped. */
  readonly gzipped: number;
}

/** Nobody minds a picture of this size in a mail or beside lecture notes. */
export const MAX_GZIPPED = 1_000_000;

/** What the page never tells. `links` it needs: they say whether a formula's assumptions hold. */
const LEFT_OUT: ReadonlySet<LogEvent['kind']> = new Set([
  'header',
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
  const data = gzipSync(lines, { level: 9 }).toString('base64');
  const script = files.script.replaceAll('</script', '<\\/script');
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(files.style)}'; img-src data:`;
  const replaced: readonly (readonly [string, string])[] = [
    [
      '<meta charset="utf-8">',
      `<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    ],
    ['<title>forkyard</title>', `<title>forkyard ${escaped(facts.label)}: a recorded run</title>`],
    ['<link rel="stylesheet" href="/style.css">', `<style>${files.style}</style>`],
    [
      '<script type="module" src="/page.js"></script>',
      `<script type="application/json" id="run">${data}</script>\n<script type="module">${script}</script>`,
    ],
  ];
  let html = files.html;
  for (const [from, to] of replaced) {
    if (!html.includes(from)) throw new Error(`the page's index.html has no ${from}`);
    html = html.replace(from, () => to);
  }
  return html;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
