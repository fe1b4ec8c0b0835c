import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { HOW, type How, linesOf, ROOT, type Snippet } from './snippets.ts';

/** Types the commands of the documents as a reader would: with `sh`, in the folder of a project that has the package. */

/** A folder with the package installed, the lessons of a checkout, and tests of its own. */
export function makeProject(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `forkyard-${name}-`));
  furnish(dir);
  return dir;
}

function furnish(dir: string): void {
  mkdirSync(join(dir, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(ROOT, join(dir, 'node_modules', 'forkyard'));
  symlinkSync(join(ROOT, 'bin', 'forkyard.js'), join(dir, 'node_modules', '.bin', 'forkyard'));
  symlinkSync(join(ROOT, 'scenarios'), join(dir, 'scenarios'));
  const manifest = { name: 'mine', private: true, type: 'module', scripts: { test: 'node --version' } };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
}

export interface Typed {
  readonly line: string;
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  output(): string;
}

/** In a process group of its own, so that Ctrl-C reaches what a terminal would send it to. */
export function type(cwd: string, line: string): Typed {
  const { FORKYARD_PROGRAM: _p, VITEST: _v, NODE_OPTIONS: _o, npm_command: _c, ...inherited } = process.env;
  const path = `${join(cwd, 'node_modules', '.bin')}${delimiter}${inherited['PATH']}`;
  const env = { ...inherited, NO_COLOR: '1', PATH: path };
  const child = spawn('sh', ['-c', line], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (bytes) => (output += String(bytes)));
  child.stderr.on('data', (bytes) => (output += String(bytes)));
  const ended = new Promise<number | string | null>((done) =>
    child.once('close', (code, signal) => done(code ?? signal)),
  );
  return { line, child, ended, output: () => output };
}

export async function shown(typed: Typed, pattern: RegExp): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!pattern.test(typed.output())) {
    const { exitCode } = typed.child;
    if (exitCode !== null || Date.now() > deadline)
      throw new Error(`${typed.line} (${exitCode ?? 'runs'}) did not show ${pattern}:\n${typed.output()}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Ctrl-C; a program may end by it or with the code that says so. */
export async function interrupt(typed: Typed): Promise<void> {
  if (typed.child.exitCode === null && typed.child.signalCode === null)
    process.kill(-typed.child.pid!, 'SIGINT');
  const code = await typed.ended;
  if (![0, 130, 'SIGINT'].includes(code as never))
    throw new Error(`${typed.line} ended with ${code}:\n${typed.output()}`);
}

/** Does a line of this snippet run among those for which `isMine`? */
export function isTyped(snippet: Snippet, isMine: (how: How) => boolean): boolean {
  return linesOf(snippet)
    .map((line) => HOW[line] ?? {})
    .some((how) => how.by === undefined && isMine(how));
}

/** Types the lines of one snippet, those for which `isMine`. */
export async function typeSnippet(
  cwd: string,
  snippet: Snippet,
  isMine: (how: How) => boolean,
  txid?: () => Promise<string>,
): Promise<void> {
  const staying: Typed[] = [];
  const apart: string[] = [];
  try {
    for (const line of linesOf(snippet)) {
      const how = HOW[line] ?? {};
      if (how.by !== undefined || !isMine(how)) continue;
      const at = how.apart === true ? mkdtempSync(join(tmpdir(), 'forkyard-apart-')) : cwd;
      if (at !== cwd) {
        furnish(at);
        apart.push(at);
      }
      const given = how.as ?? line;
      const typed = type(at, given.includes('{txid}') ? given.replace('{txid}', await txid!()) : given);
      if (how.stays !== undefined) {
        staying.push(typed);
        await shown(typed, how.stays);
        if (how.beside !== true) await interrupt(staying.pop()!);
        continue;
      }
      const code = await typed.ended;
      if (code === 1 && how.declines?.test(typed.output()) === true) continue;
      if (code !== 0) throw new Error(`${typed.line} ended with ${code}:\n${typed.output()}`);
    }
  } finally {
    for (const typed of staying.reverse()) await interrupt(typed);
    for (const dir of apart) rmSync(dir, { recursive: true, force: true });
  }
}
