import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ReadStream } from 'node:tty';
import { defined } from '../../util/defined.ts';
import { quoted } from '../../util/printable.ts';
import { Interrupted } from '../../yard/action.ts';
import { Problem } from '../../yard/problem.ts';
import { followLog } from '../client/live.ts';
import { type LaunchOptions, launch, type RunningYard } from '../launcher/launch.ts';
import { checkLaunch } from '../launcher/launch-check.ts';
import { ownerOf } from '../yard/claim.ts';
import { pathFrom, readYard, YARD_DIR, yardOption } from '../yard/file.ts';
import { joinAgain, so } from './join.ts';
import { cut, meet, mine, pay } from './moments.ts';
import type { Tour } from './scene.ts';
import { newTeller } from './teller.ts';
import { newWitness, TourFailure, type Witness, whereabouts } from './witness.ts';

export interface TourOptions {
  readonly programPath: string;
  readonly cwd: string;
  /** Where the yard lives; undefined = `.forkyard` under `cwd`. */
  readonly dir?: string;
  /** End with the tour instead of staying live. */
  readonly exit: boolean;
  readonly write: (text: string) => void;
  /** The tree in ASCII; other signs are for `write` to replace. */
  readonly ascii: boolean;
  /** For the keys; undefined when the input is not a terminal. */
  readonly stdin: ReadStream | undefined;
  readonly signal: AbortSignal;
  readonly page?: NonNullable<LaunchOptions['page']>;
}

const LETTERS = ['A', 'B', 'C', 'D'] as const;
const PACE_MS = 1_750;
const LABEL = 'demo';

/** The one-minute tour on four real nodes. Gives the exit code: 0 only if everything that it tells did happen. */
export async function runTour(options: TourOptions): Promise<number> {
  const began = performance.now();
  const dir = demoDirectory(options);
  const wishes = {
    nodes: LETTERS.length,
    network: 'lab',
    paceMs: PACE_MS,
    label: `${LABEL}-${Date.now().toString(36)}`,
  };
  checkLaunch(dir, options.programPath, wishes);
  const keys = options.stdin === undefined ? '' : '   space hold · n next · q';
  options.write(` forkyard · four real nodes on this laptop · a minute${keys}\n`);
  const teller = newTeller({ ...options, clock: () => performance.now() - began });
  let running: RunningYard | undefined;
  let witness: Witness | undefined;
  try {
    running = await launch({
      dir,
      programPath: options.programPath,
      wishes,
      hold: true,
      ...defined({ page: options.page }),
      signal: teller.signal,
      say: (line) => teller.wide(line),
    });
    witness = newWitness(running.launcher.log, teller.signal);
    const tour: Tour = {
      launcher: running.launcher,
      teller,
      witness,
      letters: LETTERS,
      left: LETTERS.slice(0, 2),
      right: LETTERS.slice(2),
      ascii: options.ascii,
      page: running.page,
    };
    const txid = await tell(tour);
    if (options.exit) return 0;
    await stay(tour, running, txid, dir, options);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    if (!(error instanceof TourFailure) && !(error instanceof Problem)) throw error;
    const where = witness === undefined ? '' : ` (${whereabouts(witness.forest, LETTERS)})`;
    teller.failed(`${error.message}${where}. Log: ${join(dir, 'yard.jsonl')}`);
    return 1;
  } finally {
    teller.close();
    witness?.close();
    await running?.close();
  }
}

async function tell(tour: Tour): Promise<string> {
  await meet(tour);
  await mine(tour);
  const bob = await pay(tour);
  const apart = await cut(tour);
  await tour.teller.rest(3_000);
  const joined = await joinAgain(tour, apart, bob);
  await so(tour, apart, joined);
  return bob.txid;
}

/** The yard goes on; one line an event, until Ctrl-C or `forkyard down`. */
async function stay(
  tour: Tour,
  running: RunningYard,
  txid: string,
  dir: string,
  options: TourOptions,
): Promise<void> {
  const nodes = running.launcher.yard.nodes;
  const ports = nodes.map((node) => `${node.letter} :${node.rpcPort}`).join('  ');
  const where = yardOption(dir, options.cwd);
  const hint = (verb: string, what: string) => `  ${`npx forkyard ${verb}${where}`.padEnd(31)}  ${what}`;
  for (const line of [
    'The yard is yours, Ctrl-C ends it. In a second terminal:',
    hint('watch', 'every event as it happens'),
    hint('tree', 'who is on which branch'),
    hint(`tx ${txid.slice(-6)}`, 'one payment, on every node'),
    hint('reorg --depth 3', 'undo three blocks, for real'),
    hint('keys', 'ten funded keys'),
    `RPC ${ports} · data ${pathFrom(options.cwd, dir)}`,
  ]) {
    options.write(` ${line}\n`);
  }
  await tour.teller.rest(2_000);
  const unfollow = followLog(running.launcher.log, (line) => options.write(`${line}\n`));
  try {
    await Promise.race([
      running.downAsked,
      new Promise<never>((_, fail) => {
        const abort = () => fail(new Interrupted());
        tour.teller.signal.addEventListener('abort', abort, { once: true });
        if (tour.teller.signal.aborted) abort();
      }),
    ]);
  } catch (error) {
    // Leaving a finished tour is how it ends: that is success.
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    unfollow();
  }
}

/**
 * A tour starts from an empty yard. The last tour's is kept beside it under the next number, and the tour says so; nothing
 * is ever deleted. A yard that somebody made with `up` is not touched: the tour then has a directory of its own.
 */
export function demoDirectory(options: Pick<TourOptions, 'cwd' | 'dir' | 'write'>): string {
  const own = options.dir === undefined ? resolve(options.cwd, YARD_DIR) : resolve(options.dir);
  const dir = existsSync(join(own, 'yard.json')) && !isDemo(own) ? `${own}-demo` : own;
  if (!existsSync(join(dir, 'yard.json'))) return dir;
  const owner = ownerOf(dir);
  if (owner !== undefined) {
    throw new Problem(
      1,
      `a tour is running here already (process ${owner})`,
      `End it with: npx forkyard down${yardOption(dir, options.cwd)}`,
    );
  }
  const kept = keepAside(dir);
  options.write(
    ` The yard of the last tour is kept in ${pathFrom(options.cwd, kept)}. Look at it: ` +
      `npx forkyard up --data ${quoted(pathFrom(options.cwd, kept))}\n`,
  );
  return dir;
}

/** Renames a directory to the first `DIR.old-N` that is free. */
function keepAside(dir: string): string {
  const taken = readdirSync(dirname(dir)).flatMap((name) => {
    const n = name.startsWith(`${basename(dir)}.old-`)
      ? Number(name.slice(basename(dir).length + 5))
      : Number.NaN;
    return Number.isSafeInteger(n) ? [n] : [];
  });
  const kept = `${dir}.old-${Math.max(0, ...taken) + 1}`;
  renameSync(dir, kept);
  return kept;
}

function isDemo(dir: string): boolean {
  const yard = readYard(dir);
  return yard.ok && yard.value.label.startsWith(`${LABEL}-`);
}
