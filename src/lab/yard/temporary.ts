import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './processes.ts';

/** Directories of yards that live as long as the process that made them. */

const PREFIX = 'forkyard-yard-';
/** With what makes its janitor look. */
const made = new Map<string, () => void>();

/** A fresh directory, removed when this process ends however it may. */
export function temporaryDir(): string {
  if (made.size === 0) {
    removeOrphans();
    process.once('exit', removeAll);
  }
  const dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  made.set(dir, hireJanitor(dir));
  return dir;
}

/** Waits for the end of its input, then for the nodes (which end by themselves when we do), then removes. */
const JANITOR =
  'cat >/dev/null; n=0; while [ -e "$1" ] && [ $n -lt 10 ]; do sleep 1; rm -rf "$1"; n=$((n+1)); done';

/**
 * A shell that does nothing until this process is gone, because a SIGKILL asks nobody. Where there is no shell, the next
 * process does it: `removeOrphans`.
 */
function hireJanitor(dir: string): () => void {
  const shell = spawn('sh', ['-c', JANITOR, 'sh', dir], {
    cwd: tmpdir(),
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const input = shell.stdin as Socket;
  shell.on('error', thereIsNone);
  input.on('error', thereIsNone);
  // It must keep nobody waiting.
  shell.unref();
  input.unref();
  return () => input.end();
}

/** No shell on this system, or somebody ended ours. */
function thereIsNone(): void {}

export function removeTemporary(dir: string): void {
  const dismiss = made.get(dir);
  if (dismiss === undefined) return;
  made.delete(dir);
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  dismiss();
}

function removeAll(): void {
  for (const dir of made.keys()) rmSync(dir, { recursive: true, force: true });
}

/** What a process that was killed left behind. Its nodes ended by themselves when it did. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
