import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..', '..');
const checkout = mkdtempSync(join(tmpdir(), 'forkyard-build-'));
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

const PARTS = [
  'src',
  'scripts',
  'bin',
  'dist',
  'scenarios',
  'package.json',
  'package-lock.json',
  'genesis.json',
];
const CONFIGS = ['base', 'page', 'pure', 'world'].map((name) => `tsconfig.${name}.json`);

it('while it is built, the program starts as ever: yards run from it', async () => {
  for (const part of [...PARTS, 'tsconfig.json', ...CONFIGS])
    cpSync(join(ROOT, part), join(checkout, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  const gone = join(checkout, 'dist', 'worker', 'of-a-source-that-is-gone.js');
  writeFileSync(gone, '');

  const build = spawn(process.execPath, [join('scripts', 'build.mjs')], { cwd: checkout, stdio: 'inherit' });
  let code: number | null | undefined;
  build.once('close', (with_) => (code = with_));
  let starts = 0;
  while (code === undefined) {
    // Exit code 2 and one sentence: it has loaded all that a node's process loads.
    const args = [join(checkout, 'dist', 'forkyard.js'), 'node', '--datadir', '', '--rpcport', '0'];
    const failure = await promisify(execFile)(process.execPath, args).catch((error) => error);
    expect([failure.code, failure.stderr]).toEqual([2, 'forkyard node: --datadir must name a directory\n']);
    starts++;
  }
  expect(code).toBe(0);
  expect(starts).toBeGreaterThan(3);
  expect(existsSync(gone)).toBe(false);
  expect(existsSync(join(checkout, 'dist', '.forkyard-built'))).toBe(true);
});
