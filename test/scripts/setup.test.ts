import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

/** What `npm start` and `npm test` find missing in a checkout; a build is a file here (a real one: test/long/build.test.ts). */

const SCRIPTS = join(import.meta.dirname, '..', '..', 'scripts');
const base = mkdtempSync(join(tmpdir(), 'forkyard-checkout-'));
let root: string;

afterAll(() => rmSync(base, { recursive: true, force: true }));

function write(name: string, text: string | object): void {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text));
}

function setup(code: string): string {
  const text = `import * as setup from './scripts/setup.mjs'; ${code}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', text], { cwd: root, encoding: 'utf8' });
}

function missing(): unknown {
  const { packages, build } = JSON.parse(setup('console.log(JSON.stringify(setup.missing()))'));
  return { packages, build };
}

const NEEDED = { version: '1.0.0', integrity: 'sha512-a' };
const FOREIGN = { version: '2.0.0', integrity: 'sha512-b', optional: true };
const LOCK = { packages: { '': { name: 'x' }, 'node_modules/a': NEEDED, 'node_modules/b': FOREIGN } };

beforeEach(() => {
  root = mkdtempSync(join(base, 'root-'));
  write('package.json', {});
  write('package-lock.json', LOCK);
  write('src/a.ts', 'export const a = 1;');
  cpSync(join(SCRIPTS, 'setup.mjs'), join(root, 'scripts', 'setup.mjs'));
  // Says of which sources it is, as the real one does; `a.ts` may change while it builds.
  write(
    'scripts/build.mjs',
    `import { mkdirSync, writeFileSync } from 'node:fs';
     import { BUILT, root, sourcesPrint } from './setup.mjs';
     const print = sourcesPrint();
     if (process.env.EDIT) writeFileSync(root + '/src/a.ts', 'export const a = 3;');
     mkdirSync(root + '/dist', { recursive: true });
     writeFileSync(BUILT, print);`,
  );
});

describe('a checkout', () => {
  it('needs packages and a build when it is fresh', () => {
    expect(missing()).toEqual({ packages: true, build: true });
  });

  it('needs no packages where `npm ci` has been run by hand, also without those for other machines', () => {
    write('node_modules/.package-lock.json', { packages: { 'node_modules/a': NEEDED } });
    expect(missing()).toEqual({ packages: false, build: true });
    write('package-lock.json', { ...LOCK, more: 'than before' });
    expect(missing()).toEqual({ packages: true, build: true });
  });

  it.each([
    ['another version', { 'node_modules/a': { ...NEEDED, version: '1.0.1' } }],
    ['other bytes', { 'node_modules/a': { ...NEEDED, integrity: 'sha512-c' } }],
    ['nothing', {}],
  ])('needs packages where npm has installed %s', (_what, packages) => {
    write('node_modules/.package-lock.json', { packages });
    expect(missing()).toEqual({ packages: true, build: true });
  });

  it('needs a build when a source has changed, not when it was only touched', () => {
    write('node_modules/.package-lock.json', LOCK);
    expect(setup('await setup.setUp();')).toMatch(/^ sources changed: build \d+ s ✓/);
    expect(missing()).toEqual({ packages: false, build: false });
    utimesSync(join(root, 'src', 'a.ts'), new Date(), new Date());
    expect(setup('await setup.setUp();')).toBe('');
    write('src/a.ts', 'export const a = 2;');
    expect(missing()).toEqual({ packages: false, build: true });
  });

  it('needs another build when a source has changed while it was built', () => {
    write('node_modules/.package-lock.json', LOCK);
    setup('process.env.EDIT = "1"; await setup.setUp();');
    expect(missing()).toEqual({ packages: false, build: true });
  });
});
