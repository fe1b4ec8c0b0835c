import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** The built program, as a user runs it. */
export const PROGRAM =
  process.env['FORKYARD_PROGRAM'] ?? join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command, run to its end in `cwd`. */
export function forkyard(cwd: string, line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [PROGRAM, ...line.split(' ')], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (d) => (stdout += String(d)));
    child.stderr.on('data', (d) => (stderr += String(d)));
    child.once('error', fail);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}

/** A command that stays, such as `up`. */
export interface Staying {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
}

export function stay(cwd: string, line: string, env: NodeJS.ProcessEnv = {}): Staying {
  const child = spawn(process.execPath, [PROGRAM, ...line.split(' ')], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let output = '';
  child.stdout!.on('data', (d) => (output += String(d)));
  child.stderr!.on('data', (d) => (output += String(d)));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return { child, ended, output: () => output };
}

/** Polls; the deadline is generous, because it only says that something is broken. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  what: () => string,
): Promise<T> {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`it did not happen: ${what()}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

interface StatusJson {
  readonly agree: boolean;
  readonly conflictDepth: number;
  readonly groups: string[][] | null;
  readonly nodes: readonly {
    readonly letter: string;
    readonly down?: boolean;
    readonly pid?: number;
    readonly tip?: { readonly id: string; readonly height: number };
  }[];
}

export async function status(cwd: string): Promise<{ code: number | null; json: StatusJson }> {
  const ran = await forkyard(cwd, 'status --json');
  return { code: ran.code, json: JSON.parse(ran.stdout) as StatusJson };
}

export function heightOf(json: StatusJson, letter: string): number {
  return json.nodes.find((n) => n.letter === letter)?.tip?.height ?? -1;
}
