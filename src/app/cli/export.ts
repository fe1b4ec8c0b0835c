import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { LogEvent } from '../../events/events.ts';
import { failed, misuse } from '../../yard/problem.ts';
import { exportRun } from '../page/export-file.ts';
import { readPageFiles } from '../page/files.ts';
import { addShared, example, shared } from './common.ts';
import { readRunLog, tellFaults } from './run-log.ts';

/** What a reorganisation does to payments is told within this. */
const AFTERMATH_MS = 1_500;

export function exportVerb(): Command {
  const verb = addShared(new Command('export'))
    .description('save what happened as one file to open in any browser: log and page')
    .argument('<file>', 'such as run.html')
    .option('--log <file>', "a saved log instead of this yard's")
    .option('--force', 'replace the file if it is there')
    .action((file: string, options: { log?: string; force?: boolean }, command: Command) => {
      const s = shared(command);
      const target = resolve(file);
      if (!/\.html?$/.test(file)) throw misuse(`'${file}' must end in .html`, 'forkyard export run.html');
      if (existsSync(target) && options.force !== true) {
        throw failed(`${file} is there already`, 'Choose another name, or replace it with --force');
      }
      const log = readRunLog(s.yard, options.log);
      const { facts, events, damaged } = log;
      const run = exportRun(readPageFiles(), facts, events);
      try {
        writeFileSync(target, run.html);
      } catch (error) {
        throw failed(`cannot write ${file}: ${(error as Error).message}`);
      }
      const reorg = afterLastReorg(events);
      const size = `${Math.ceil(run.html.length / 1000)} kB, ${Math.ceil(run.gzipped / 1000)} kB gzipped`;
      const part = run.kept === run.of ? `${run.of} events` : `the newest ${run.kept} of ${run.of} events`;
      s.out.line(`${file}: ${part}, ${size}; opens from disk, on a phone too`);
      tellFaults(s, log);
      if (reorg !== undefined) s.out.step(`at the last reorg: ${file}#e=${reorg.seq}`);
      s.out.object({
        file: target,
        events: run.kept,
        of: run.of,
        damaged,
        bytes: run.html.length,
        gzipped: run.gzipped,
        lastReorg: reorg?.seq ?? null,
      });
    });
  return example(verb, 'export run.html', 'export lesson.html --log saved.jsonl');
}

/** The moment when its payments have met their fate too. */
function afterLastReorg(events: readonly LogEvent[]): LogEvent | undefined {
  const last = events.findLast((e) => e.kind === 'reorg');
  return last === undefined ? undefined : events.findLast((e) => e.t <= last.t + AFTERMATH_MS);
}
