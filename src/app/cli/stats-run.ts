import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ownerOf } from '../../lab/yard/claim.ts';
import { locateYard } from '../../lab/yard/file.ts';
import type { EpochFigures } from '../../observe/figures/epochs.ts';
import { newFigures, type RunFigures } from '../../observe/figures/figures.ts';
import { Problem } from '../../yard/problem.ts';
import type { Shared } from './common.ts';
import { readEventLog } from './stats-log.ts';
import { statsJson, statsLines } from './stats-report.ts';

export interface StatsOptions {
  readonly log?: string;
  readonly epoch?: string;
}

/** Reads the log from its beginning, which is all there is to know, and prints. */
export async function runStats(s: Shared, options: StatsOptions): Promise<void> {
  const source = sourceOf(s, options.log);
  const figures = newFigures();
  const reading = await readEventLog(source.paths, (event) => figures.apply(event));
  if (reading.events === 0) throw new Problem(1, `${source.paths.at(-1)} holds no event`);
  const run = figures.read(source.running ? Math.max(Date.now(), reading.to ?? 0) : undefined);
  const epochs = chooseEpochs(run, options.epoch);
  s.out.object(statsJson({ run, epochs, reading, paths: source.paths }));
  const setting = {
    strong: (text: string) => s.out.style('bold', text),
    columns: s.out.columns,
    rows: (rows: readonly (readonly string[])[]) => s.out.rows(rows),
  };
  for (const line of statsLines({ run, epochs, reading, paths: source.paths }, setting)) s.out.line(line);
}

/** The files to read, oldest first, and whether somebody still writes them. */
function sourceOf(s: Shared, log: string | undefined): { paths: string[]; running: boolean } {
  if (log !== undefined) return { paths: [resolve(process.cwd(), log)], running: false };
  const { dir } = locateYard(s.yard, process.cwd());
  const parts = [join(dir, 'yard.1.jsonl'), join(dir, 'yard.jsonl')].filter((path) => existsSync(path));
  if (parts.length === 0) throw new Problem(3, `the yard in ${dir} has no log yet`, 'Start it: forkyard up');
  return { paths: parts, running: ownerOf(dir) !== undefined };
}

/** Without a wish: the newest epoch in which a block was found, else the newest. */
function chooseEpochs(run: RunFigures, wish: string | undefined): readonly EpochFigures[] {
  const { epochs } = run;
  if (wish === 'all') return epochs;
  if (wish === undefined) {
    const latest = epochs.findLast((e) => e.blocks > 0) ?? epochs.at(-1);
    return latest === undefined ? [] : [latest];
  }
  const found = epochs.find((e) => String(e.epoch) === wish);
  if (found !== undefined) return [found];
  const known = epochs.map((e) => e.epoch).join(', ');
  throw new Problem(2, `--epoch: '${wish}' is not all or the number of an epoch`, `There is ${known}.`);
}
