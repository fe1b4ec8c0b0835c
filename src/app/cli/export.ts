import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { LogEvent } from '../../consensus/news.ts';
import { failed, misuse } from '../../lab/problem.ts';
import { locateYard } from '../../lab/yard-file.ts';
import { exportRun, type RunFacts } from '../page/export-file.ts';
import { readPageFiles } from '../page/files.ts';
import { logTail, parseLog } from '../page/log-file.ts';
import { addShared, example, shared } from './common.ts';

/** More than two log files hold together. */
const ALL_BYTES = 256 * 1024 * 1024;

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
      const { facts, events, damaged } =
        options.log === undefined ? fromYard(s.yard) : fromFile(resolve(options.log));
      if (events.length === 0) throw failed('the log has no event yet', 'Start a yard first: forkyard up');
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
      if (damaged > 0) s.out.step(`${damaged} damaged line${damaged === 1 ? '' : 's'} of the log left out`);
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

interface Source {
  readonly facts: RunFacts;
  readonly events: readonly LogEvent[];
  readonly damaged: number;
}

function fromYard(given: string | undefined): Source {
  const { dir, yard } = locateYard(given, process.cwd());
  const { events, damaged } = parseLog(logTail(dir, ALL_BYTES).toString('utf8'));
  const { label, network, spacingMs, delayMs } = yard;
  return {
    facts: { label, network, spacingMs, delayMs, nodes: yard.nodes.map((n) => n.letter) },
    events,
    damaged,
  };
}

/** A log alone: its nodes are those that speak in it. */
function fromFile(path: string): Source {
  if (!existsSync(path)) throw misuse(`there is no file ${path}`);
  const { events, damaged } = parseLog(readFileSync(path, 'utf8'));
  const nodes = [...new Set(events.map((e) => e.node))].filter((n) => n !== '');
  nodes.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const network = events.find((e) => e.kind === 'start')?.network ?? 'unknown';
  return { facts: { label: 'a saved log', network, nodes, spacingMs: 0, delayMs: 0 }, events, damaged };
}
