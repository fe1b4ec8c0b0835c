// What processes did in the bundles of dist, as V8 wrote it down at their end (NODE_V8_COVERAGE), told by lines of the sources.
// A process that was killed at once has written nothing.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesUnder, root } from './setup.mjs';

const LEAST_FILES = 20;
/** Of a file with fewer lines a percentage says little. */
const FEW_LINES = 20;

/** The lines of a bundle that come from a source of ours: where each begins, and `file:line` of that source. */
function samplesOf(bundle) {
  const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')));
  const samples = [];
  let at = 0;
  for (const [row, line] of readFileSync(bundle, 'utf8').split('\n').entries()) {
    const column = line.search(/\S/);
    const { originalSource, originalLine } = column < 0 ? {} : map.findEntry(row, column);
    if (originalSource !== undefined) {
      const file = relative(root, join(dirname(bundle), originalSource))
        .split(sep)
        .join('/');
      if (file.startsWith('src/')) samples.push({ offset: at + column, file, line: originalLine });
    }
    at += line.length + 1;
  }
  return {
    samples,
    offsets: Int32Array.from(samples, ({ offset }) => offset),
    ran: new Uint8Array(samples.length),
  };
}

/** The first of the ascending `offsets` that is not below `wanted`. */
function firstAt(offsets, wanted) {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Marks what one process ran. V8 lists a range before those inside it, and the innermost says how often a line ran. */
function mark({ offsets, ran }, functions) {
  const counts = new Uint8Array(offsets.length);
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges)
      counts.fill(count > 0 ? 1 : 0, firstAt(offsets, startOffset), firstAt(offsets, endOffset));
  for (const [i, count] of counts.entries()) ran[i] |= count;
}

/** Reads what processes leave in `folder`, and removes it there: thousands of them leave gigabytes. */
export function coverageOf(folder) {
  const dist = join(root, 'dist');
  const names = filesUnder(dist).filter((file) => file.endsWith('.js.map'));
  const bundles = new Map(names.map((file) => [file.slice(0, -'.map'.length), undefined]));
  let processes = 0;
  const read = (path) => {
    let result;
    try {
      ({ result } = JSON.parse(readFileSync(path, 'utf8')));
    } catch (error) {
      // It is still being written, or its process was killed then.
      if (error instanceof SyntaxError) return;
      throw error;
    }
    rmSync(path);
    processes++;
    for (const { url, functions } of result) {
      if (!url.startsWith('file:')) continue;
      const bundle = fileURLToPath(url);
      if (!bundles.has(bundle)) continue;
      if (bundles.get(bundle) === undefined) bundles.set(bundle, samplesOf(bundle));
      mark(bundles.get(bundle), functions);
    }
  };
  return {
    sweep() {
      for (const name of readdirSync(folder)) read(join(folder, name));
    },
    report: () => reportOf(processes, [...bundles.values()]),
  };
}

/** A line of a source ran if it ran in any bundle. */
function reportOf(processes, bundles) {
  const files = new Map();
  for (const { samples, ran } of bundles.filter((bundle) => bundle !== undefined)) {
    for (const [i, { file, line }] of samples.entries()) {
      const lines = files.get(file) ?? new Map();
      files.set(file, lines.set(line, (lines.get(line) ?? 0) | ran[i]));
    }
  }
  const rows = [...files].map(([file, lines]) => ({
    file,
    ran: [...lines.values()].filter((it) => it === 1).length,
    of: lines.size,
  }));
  const folders = new Map();
  for (const row of rows) {
    const folder = dirname(row.file);
    folders.set(folder, [...(folders.get(folder) ?? []), row]);
  }
  const sum = (all) => all.reduce((a, b) => ({ ran: a.ran + b.ran, of: a.of + b.of }), { ran: 0, of: 0 });
  const text = (name, { ran, of }) =>
    `${((100 * ran) / of).toFixed(1).padStart(6)} %  ${`${ran} of ${of}`.padStart(15)}  ${name}`;
  const least = rows
    .filter(({ of }) => of >= FEW_LINES)
    .sort((a, b) => a.ran / a.of - b.ran / b.of || (a.file < b.file ? -1 : 1))
    .slice(0, LEAST_FILES);
  return [
    `lines that ran in the ${processes} processes of the live tests:`,
    ...[...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([folder, own]) => text(folder, sum(own))),
    text('together', sum(rows)),
    `the ${least.length} files of which the smallest part ran:`,
    ...least.map((row) => text(row.file, row)),
  ].join('\n');
}
