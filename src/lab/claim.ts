import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { failed } from './problem.ts';

/** One launcher a yard: a lock file with the owner's pid, left behind only by a launcher that was killed. */

export interface Claim {
  release(): void;
}

/** Is a process with this id alive (whoever owns it)? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface Owner {
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner;
    return Number.isInteger(owner.pid) && typeof owner.since === 'number' ? owner : undefined;
  } catch {
    // A lock without a readable owner was written by nobody who is still there: the write is one small call.
    return undefined;
  }
}

/** The launcher that owns the yard in `dir` and is alive. A lock from before the last boot says nothing: pids start anew. */
export function ownerOf(dir: string): number | undefined {
  const owner = readOwner(join(dir, 'launcher.lock'));
  if (owner === undefined || owner.since < Date.now() - uptime() * 1000 - 5_000) return undefined;
  return isAlive(owner.pid) ? owner.pid : undefined;
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
export function claimYard(dir: string): Claim {
  const path = join(dir, 'launcher.lock');
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const fd = openSync(path, 'wx', 0o600);
      writeSync(fd, JSON.stringify({ pid: process.pid, since: Date.now() }));
      closeSync(fd);
      return { release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw failed(
          `cannot write in ${dir}: ${(error as Error).message}`,
          'Choose another place: --data DIR',
        );
      }
    }
    refuseOwned(dir);
    rmSync(path, { force: true });
  }
  throw failed(`another forkyard is starting in ${dir} at this moment`, 'Try again in a second.');
}
