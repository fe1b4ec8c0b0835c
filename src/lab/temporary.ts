import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './claim.ts';

/** Directories of yards that live as long as the process that made them. */

const PREFIX = 'forkyard-yard-';
const made = new Set<string>();

/** A fresh directory, removed when this process ends however it may, or by the next one after a SIGKILL. */
export function temporaryDir(): string {
  if (made.size === 0) {
    removeOrphans();
    process.once('exit', removeAll);
  }
  const dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  made.add(dir);
  return dir;
}

export function removeTemporary(dir: string): void {
  if (!made.delete(dir)) return;
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}

function removeAll(): void {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
}

/** What a process that was killed left behind. Its nodes ended by themselves when it did. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
