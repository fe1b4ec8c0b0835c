import { existsSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { type LineFault, lineFaultWords } from '../../events/read.ts';
import { locateYard } from '../../lab/yard/file.ts';
import { plural } from '../../util/plural.ts';
import { failed, missing } from '../../yard/problem.ts';
import type { RunFacts } from '../page/export-file.ts';
import { parseLog, readYardLog } from '../page/log-file.ts';
import type { Shared } from './common.ts';

/** Tells which lines of the log were left out, and why. */
export function tellFaults(s: Shared, { damaged, faults }: RunLog): void {
  if (damaged === 0) return;
  s.out.step(`${plural(damaged, 'line')} of the log left out:`);
  for (const fault of faults) s.out.step(`  ${lineFaultWords(fault)}`);
}

/** More than two log files hold together. */
const ALL_BYTES = 256 * 1024 * 1024;

/** A run as its log tells it. */
export interface RunLog {
  readonly facts: RunFacts;
  readonly events: readonly LogEvent[];
  readonly damaged: number;
  readonly faults: readonly LineFault[];
}

/** Of a saved log, or of the yard that is found from here. */
export function readRunLog(yard: string | undefined, log: string | undefined): RunLog {
  const run = log === undefined ? fromYard(yard) : fromFile(resolve(log));
  if (run.events.length === 0) throw failed('the log has no event yet', 'Start a yard first: forkyard up');
  return run;
}

function fromYard(given: string | undefined): RunLog {
  const { dir, yard } = locateYard(given, process.cwd());
  const { events, damaged, faults } = readYardLog(dir, ALL_BYTES);
  const { label, network, spacingMs, delayMs, topology = 'full' } = yard;
  return {
    facts: { label, network, spacingMs, delayMs, topology, nodes: yard.nodes.map((n) => n.letter) },
    events,
    damaged,
    faults,
  };
}

/** A log alone: its nodes are those that speak in it. */
function fromFile(path: string): RunLog {
  if (!existsSync(path)) throw missing(`there is no file ${path}`);
  const { events, damaged, faults } = parseLog(readFileSync(path, 'utf8'), basename(path));
  const nodes = [...new Set(events.map((e) => e.node))].filter((n) => n !== '');
  nodes.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const network = events.find((e) => e.kind === 'start')?.network ?? 'unknown';
  // The newest such line: nodes may have been added.
  const topology = events.findLast((e) => e.kind === 'yard')?.topology ?? 'full';
  const facts = { label: 'a saved log', network, nodes, spacingMs: 0, delayMs: 0, topology };
  return { facts, events, damaged, faults };
}
