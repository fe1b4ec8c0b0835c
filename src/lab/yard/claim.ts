import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { makeDirectory } from '../../host/directories.ts';
import { sleep } from '../../yard/action.ts';
import { failed } from '../../yard/problem.ts';
import { isAlive, startOf } from './processes.ts';

/**
 * One launcher a yard. Each one creates an entry of its own in `launchers/` and then looks for others. Of two that start
 * together, the later entry's owner finds the earlier one, whatever the order of their steps, so two never own a yard.
 * No entry is renamed or reused, so removing one of a dead process can hit nobody else. An entry is an empty file: its
 * name says all, and a kill cannot leave half of it.
 */

export interface Claim {
  release(): void;
}

const FOLDER = 'launchers';
/** Rounds in which several that start together wait for each other: the smallest entry stays, the others step back. */
const ROUNDS = 1_000;
const ROUND_MS = 10;
/** Clocks are set: an entry that is older than the boot by less than this still counts. */
const BOOT_SLACK_MS = 5_000;

interface Entry {
  /** Of its files: `ID.asks` while it looks for others, and `ID.owns` beside it once it has found none. */
  readonly id: string;
  readonly pid: number;
  readonly owns: boolean;
}

const NAME = /^((\d{1,10})-(\d{1,16})-(\d{1,16})-[0-9a-f]{16})\.(asks|owns)$/;

/** `PID-START-SINCE-CHANCE`: process, its start (`startOf`), milliseconds since 1970, and 8 random bytes. */
function newId(): string {
  return `${process.pid}-${startOf(process.pid)}-${Date.now()}-${randomBytes(8).toString('hex')}`;
}

/** Is the process that made an entry still there? Pids begin anew at each boot, and the system gives them again. */
function isOwnerAlive(pid: number, start: number, since: number): boolean {
  if (since < Date.now() - uptime() * 1000 - BOOT_SLACK_MS || !isAlive(pid)) return false;
  const now = startOf(pid);
  return start === 0 || now === 0 || start === now;
}

/** Entries of processes that are alive; what others left is removed. */
function entriesIn(dir: string): Entry[] {
  const folder = join(dir, FOLDER);
  const live = new Map<string, Entry>();
  for (const name of namesIn(folder)) {
    const [, id, pid, start, since, kind] = NAME.exec(name) ?? [];
    if (id === undefined) continue;
    if (!isOwnerAlive(Number(pid), Number(start), Number(since))) {
      removeStale(join(folder, name));
      continue;
    }
    live.set(id, { id, pid: Number(pid), owns: kind === 'owns' || live.get(id)?.owns === true });
  }
  return [...live.values()];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Who may only look at the yard leaves the entry where it is; it counts for nothing. */
function removeStale(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The process that owns the yard in `dir`: its launcher, or a `save` of a stopped yard. */
export function ownerOf(dir: string): number | undefined {
  return entriesIn(dir).find((entry) => entry.owns)?.pid;
}

/** Throws where another process has the yard. */
export function refuseOwned(dir: string): void {
  const owner = ownerOf(dir);
  if (owner === undefined) return;
  throw failed(
    `a yard runs here already (${dir}, process ${owner})`,
    'Look at it: forkyard status. Stop it: forkyard down. Start another: forkyard up --data DIR',
  );
}

/** Takes the yard for this process, or throws a Problem that names the one that has it. */
export async function claimYard(dir: string): Promise<Claim> {
  const id = newId();
  const path = (kind: 'asks' | 'owns') => join(dir, FOLDER, `${id}.${kind}`);
  const release = () => {
    rmSync(path('owns'), { force: true });
    rmSync(path('asks'), { force: true });
  };
  const first = (others: readonly Entry[]) => others.every((entry) => !entry.owns && entry.id > id);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      refuseOwned(dir);
      if (first(othersIn(dir, id))) {
        create(dir, path('asks'));
        const others = othersIn(dir, id);
        if (others.length === 0) {
          create(dir, path('owns'));
          return { release };
        }
        if (!first(others)) release();
      }
      await sleep(randomInt(ROUND_MS / 2, ROUND_MS));
    }
  } catch (error) {
    release();
    throw error;
  }
  release();
  throw failed(`another forkyard is starting in ${dir} at this moment`, 'Try again in a second.');
}

function othersIn(dir: string, id: string): Entry[] {
  return entriesIn(dir).filter((entry) => entry.id !== id);
}

function create(dir: string, path: string): void {
  try {
    makeDirectory(join(dir, FOLDER));
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw failed(`cannot write in ${dir}: ${(error as Error).message}`, 'Choose another place: --data DIR');
  }
}
