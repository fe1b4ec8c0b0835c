import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type Bench, openBench } from '../../lab/bench/bench.ts';
import { list, span } from '../../observe/words/words.ts';
import type { LifeFigures } from '../../sim/swarm/life.ts';
import type { SeedReport, ShrunkReport } from '../../sim/swarm/swarm.ts';
import { plural } from '../../util/plural.ts';
import { misuse } from '../../yard/problem.ts';
import { ending, type Shared } from './common.ts';
import type { Out } from './out.ts';
import { ProgressBar } from './progress-bar.ts';

const USUAL_LIVES = 200;
const MOST_LIVES = 1_000_000;
const MOST_SEED = 2 ** 47;
const MOST_THREADS = 8;
/** Lives that a thread takes at a time. */
const PIECE = 5;
/** Failures that are printed; all are counted. */
const SHOWN = 10;

export async function runSwarmVerb(
  s: Shared,
  programPath: string,
  options: Readonly<Record<string, string>>,
): Promise<void> {
  const { seed: seedText, seeds: seedsText } = options;
  const first = seedText === undefined ? undefined : whole('--seed', seedText, 0, MOST_SEED);
  const lives =
    seedsText === undefined
      ? first === undefined
        ? USUAL_LIVES
        : 1
      : whole('--seeds', seedsText, 1, MOST_LIVES);
  // Fresh ones of six digits or more: a person may have to type one.
  const from = first ?? randomInt(100_000, 1_000_000_000);
  const seeds = Array.from({ length: lives }, (_, i) => String(from + i));
  const networks: unknown = JSON.parse(
    readFileSync(join(dirname(programPath), '..', 'genesis.json'), 'utf8'),
  );
  const bar = new ProgressBar(s.out, 'swarm');
  const timeout = s.timeoutMs === undefined ? [] : [AbortSignal.timeout(s.timeoutMs)];
  const threads = lives <= PIECE ? 0 : Math.min(MOST_THREADS, availableParallelism());
  const bench = openBench({
    threads,
    progress: (part) => bar.show(part),
    signal: AbortSignal.any([s.signal, ...timeout]),
  });
  const began = performance.now();
  try {
    const pieces: Promise<SeedReport[]>[] = [];
    for (let i = 0; i < lives; i += PIECE) {
      const piece = seeds.slice(i, i + PIECE);
      pieces.push(bench.do('swarm', { networks, seeds: piece }, piece.length));
    }
    const reports = (await Promise.all(pieces)).flat();
    const ms = performance.now() - began;
    const failed = reports.filter(({ failure }) => failure !== undefined);
    bar.end();
    tellFailures(s.out, failed);
    const smallest = failed[0] === undefined ? undefined : await shrunk(bench, networks, failed[0].seed);
    if (smallest !== undefined) tellShrunk(s.out, failed[0]!.seed, smallest);
    tellEnd(s.out, reports, failed.length, from, ms);
    if (failed.length > 0) ending.code = 1;
    s.out.object({
      ...{ from, lives, ms: Math.round(ms), ok: failed.length === 0, total: totalOf(reports) },
      failures: failed.map(({ seed, failure }) => ({ seed, ...failure, again: again(seed) })),
      smallest: smallest === undefined ? null : { seed: failed[0]!.seed, ...smallest },
    });
  } finally {
    bar.end();
    await bench.close();
  }
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw misuse(`${option} must be a whole number from ${least} to ${most}, not '${text.slice(0, 40)}'`);
}

const again = (seed: string) => `forkyard swarm --seed ${seed}`;

function shrunk(bench: Bench, networks: unknown, seed: string): Promise<ShrunkReport | undefined> {
  return bench.do('shrink', { networks, seed }, 1);
}

function tellFailures(out: Out, failed: readonly SeedReport[]): void {
  for (const { seed, failure } of failed.slice(0, SHOWN)) {
    out.line(out.style('red', `seed ${seed} FAILED after ${span(failure!.atMs)}: ${failure!.invariant}`));
    out.line(`  ${failure!.text}`);
    out.line(`  Again: ${again(seed)}`);
  }
  if (failed.length > SHOWN) out.line(`… and ${failed.length - SHOWN} more`);
}

function tellShrunk(out: Out, seed: string, smallest: ShrunkReport): void {
  const { plan, events, words, tries, failure } = smallest;
  const left = `${plan.events.length} of ${plural(events, 'event')}`;
  out.line(out.style('bold', `The smallest plan that fails as seed ${seed} does (${left}, ${tries} tried):`));
  for (const line of words) out.line(`  ${line}`);
  out.line(`  ${failure.invariant} after ${span(failure.atMs)}: ${failure.text}`);
}

function tellEnd(out: Out, reports: readonly SeedReport[], failed: number, from: number, ms: number): void {
  const total = totalOf(reports);
  const { length } = reports;
  const seeds = length === 1 ? `seed ${from}` : `seeds ${from} to ${from + length - 1}`;
  const rate = length === 1 ? '' : `, ${((length * 1_000) / ms).toFixed(1)} lives a second`;
  const number = (n: number) => n.toLocaleString('en-US');
  out.line(`${number(length)} ${length === 1 ? 'life' : 'lives'} (${seeds}) in ${span(ms)}${rate}`);
  const saw = [
    `${span(total.virtualMs)} of invented time`,
    `${number(total.blocks)} blocks, ${number(total.compactBlocks)} of them by short ids`,
    `${number(total.reorgs)} reorgs, the deepest ${total.deepestReorg}`,
    `${number(total.restarts)} restarts`,
    `${number(total.payments)} payments`,
    `${number(total.lies)} liars`,
  ];
  out.step(`  ${list(saw)}`);
  out.line(
    failed === 0
      ? 'Every invariant held, and all agreed in the end.'
      : `${plural(failed, 'life', 'lives')} failed.`,
  );
}

function totalOf(reports: readonly SeedReport[]): LifeFigures {
  const sum = (of: (figures: LifeFigures) => number) => reports.reduce((n, r) => n + of(r.figures), 0);
  return {
    virtualMs: sum((f) => f.virtualMs),
    steps: sum((f) => f.steps),
    blocks: sum((f) => f.blocks),
    compactBlocks: sum((f) => f.compactBlocks),
    reorgs: sum((f) => f.reorgs),
    deepestReorg: Math.max(...reports.map((r) => r.figures.deepestReorg)),
    restarts: sum((f) => f.restarts),
    payments: sum((f) => f.payments),
    lies: sum((f) => f.lies),
    agreedMs: Math.max(...reports.map((r) => r.figures.agreedMs)),
  };
}
