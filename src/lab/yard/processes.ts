import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';

/** What the system says about other processes. A pid alone identifies nobody: the system gives it again to another one. */

/** Is there a process with this id, whoever owns it? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Linux: clock ticks from boot to the start of a process, which no two processes with one pid share. 0: not known. */
export function startOf(pid: number): number {
  if (process.platform !== 'linux') return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command in parentheses may hold anything; field 22 counts from the first one.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return Number.isSafeInteger(ticks) ? ticks : 0;
  } catch {
    // It has ended, or this system hides the processes of others.
    return 0;
  }
}

/** The command line of a process, its words separated by blanks; '' where there is no such process. */
function commandOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return '';
    }
  }
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-ww', '-p', String(pid)], { encoding: 'utf8' });
  return typeof stdout === 'string' ? stdout.trim() : '';
}

/**
 * Is this the process of a node with its data in `datadir`? Only its command line says so: the pid comes from a file, which
 * may be old or somebody else's.
 */
export function runsNode(pid: number, datadir: string): boolean {
  if (!isAlive(pid)) return false;
  // As `nodeArguments` orders them.
  const found = / node --.* --datadir (.+) --name /.exec(commandOf(pid))?.[1];
  if (found === undefined) return false;
  try {
    return realpathSync(found) === realpathSync(datadir);
  } catch {
    // One of them is not there, so they are not the same directory.
    return false;
  }
}
