import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * What test/live/package.test.ts does with borrowed packages, with npm's own: a clean clone is packed, the tarball installed into
 * an empty project on each Node that we support, and used there.
 */

const ROOT = resolve(import.meta.dirname, '..', '..');
/** The oldest that package.json names, and the newest of each later line. */
const NODES = ['20.19', '22', '24', '26'];
/** With its own TypeScript it is too large to be installed in every checkout. */
const ATTW = '@arethetypeswrong/cli@0.18.5';
/** Packages in an empty project that installs ours, with ours. */
const MAX_PACKAGES = 30;
/** npm loads a hundred packages, and a busy machine builds for minutes. */
const PATIENCE_MS = 1_800_000;
let dir: string;
let tarball: string;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** npm or another program as on a machine whose Node is in `bin`. */
function run(cwd: string, bin: string, command: string, ...args: string[]): Ran {
  const { FORKYARD_PROGRAM: _p, VITEST: _v, NODE_OPTIONS: _o, npm_command: _c, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: '1', PATH: `${bin}${delimiter}${inherited['PATH']}` };
  const ran = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 1e8 });
  return { code: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

const OWN = dirname(process.execPath);

/** The files of the working tree without what is built or installed there, as a clone would have them. */
function clone(): string {
  const to = join(dir, 'clone');
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of list.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(ROOT, file), join(to, file));
  }
  return to;
}

/** npm lists packages with install scripts before it runs them; ours bring their binaries, and npm says so of any. */
function warningsIn({ stderr, stdout }: Ran): string[] {
  return `${stderr}\n${stdout}`
    .split('\n')
    .filter((line) => /\b(?:warn|deprecated|error)\b/i.test(line) && !/^npm warn install-scripts/.test(line));
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-install-'));
  const packed = run(clone(), OWN, 'npm', 'pack', '--silent', '--pack-destination', dir);
  expect(packed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^forkyard-[\d.]+\.tgz\n$/) });
  tarball = join(dir, packed.stdout.trim());
}, PATIENCE_MS);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const LIBRARY = `import { Yard } from 'forkyard';
const yard = await Yard.launch({ nodes: 2 });
await yard.mine(3);
const { out } = await yard.reorg({ depth: 2 });
await yard.close();
console.log(out.length + ' blocks undone on Node ' + process.versions.node);
`;

describe('the types of the tarball', () => {
  it('resolve in every way in which an ES module can be imported', () => {
    const at = join(dir, 'attw');
    mkdirSync(at);
    writeFileSync(join(at, 'package.json'), '{ "private": true }\n');
    const got = run(at, OWN, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ATTW);
    expect(got.code, got.stderr).toBe(0);
    const ran = run(at, OWN, 'npx', 'attw', tarball, '--profile', 'esm-only');
    expect(ran.code, ran.stdout).toBe(0);
  });
});

describe.each(NODES)('npm install of the tarball into an empty project, on Node %s', (version) => {
  let project: string;
  let bin: string;

  beforeAll(() => {
    const node = join(dir, `node-${version}`);
    project = join(dir, `project-${version}`);
    for (const at of [node, project]) {
      mkdirSync(at);
      writeFileSync(join(at, 'package.json'), '{ "type": "module", "private": true }\n');
    }
    const got = run(node, OWN, 'npm', 'install', '--prefer-offline', `node@${version}`);
    expect(got.code, got.stderr).toBe(0);
    bin = join(node, 'node_modules', 'node', 'bin');
  }, PATIENCE_MS);

  it('warns of nothing, and installs few packages', () => {
    const ran = run(project, bin, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball);
    expect(ran.code, ran.stderr).toBe(0);
    expect(warningsIn(ran)).toEqual([]);
    const listed = run(project, bin, 'npm', 'ls', '--all', '--parseable').stdout.trim().split('\n');
    // The first line is the project itself.
    expect(listed.length - 1).toBeLessThanOrEqual(MAX_PACKAGES);
  });

  it('starts the program, and a yard with it', () => {
    expect(run(project, bin, 'npx', 'forkyard', '--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const lived = run(project, bin, 'npx', 'forkyard', 'exec', '-n', '3', '--', 'node', '--version');
    expect(lived).toMatchObject({ code: 0, stdout: expect.stringMatching(/^v\d+\.\d+\.\d+\n/) });
    expect(warningsIn(lived)).toEqual([]);
  });

  it('has a library that works', () => {
    writeFileSync(join(project, 'example.mjs'), LIBRARY);
    const ran = run(project, bin, 'node', 'example.mjs');
    expect(ran).toEqual({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^2 blocks undone on Node ${version.replace('.', '\\.')}\\.`)),
      stderr: '',
    });
  });

  it('runs the example', () => {
    const got = run(project, bin, 'npm', 'install', '--prefer-offline', '--no-audit', 'vitest@4.1.12');
    expect(got.code, got.stderr).toBe(0);
    const example = join(project, 'node_modules', 'forkyard', 'examples', 'indexer');
    cpSync(example, join(project, 'indexer'), { recursive: true });
    expect(run(project, bin, 'npx', 'vitest', 'run', 'indexer').stdout).toMatch(/Tests .*1 passed/);
  });
});
