import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What test/live/package.test.ts does with borrowed packages, with npm's own: install into an empty project, run there. */

const ROOT = resolve(import.meta.dirname, '..', '..');
let project: string;

function npm(cwd: string, ...args: string[]): string {
  const { FORKYARD_PROGRAM: _p, VITEST: _v, NODE_OPTIONS: _o, ...env } = process.env;
  return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'forkyard-install-'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n');
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('npm install of the tarball into an empty project', () => {
  it('brings all that the example needs', () => {
    const tarball = npm(ROOT, 'pack', '--silent', '--ignore-scripts', '--pack-destination', project).trim();
    npm(project, 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`, 'vitest@4.1.12');
    cpSync(join(project, 'node_modules', 'forkyard', 'examples', 'indexer'), join(project, 'indexer'), {
      recursive: true,
    });
    expect(npm(project, 'exec', '--', 'vitest', 'run', 'indexer')).toMatch(/Tests .*1 passed/);
    expect(npm(project, 'exec', '--', 'forkyard', '--version')).toMatch(/^\d+\.\d+\.\d+/);
  });
});
