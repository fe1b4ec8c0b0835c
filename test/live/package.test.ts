import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * The packed tarball in an empty project: its example runs there, its program starts, its types hold. What npm would install
 * beside it is linked from here, and only what package.json says it needs (test/long/install.test.ts asks npm itself).
 */

const ROOT = resolve(import.meta.dirname, '..', '..');
let project: string;
/** The unpacked tarball. */
let home: string;

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd = project): Promise<Ran> {
  // As in a shell of the user's: nothing of this test run's own settings.
  const { FORKYARD_PROGRAM: _p, VITEST: _v, NODE_OPTIONS: _o, ...env } = process.env;
  return new Promise((done) => {
    const child = execFile(command, args, { cwd, env, maxBuffer: 1e8 }, (_error, stdout, stderr) =>
      done({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

/** Makes a package of ours visible to the project, and nothing else of ours. */
function lend(name: string): void {
  const at = join(project, 'node_modules', name);
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), at);
}

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'forkyard-project-'));
  const packed = await run(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', project],
    ROOT,
  );
  const tarball = packed.output
    .trim()
    .split('\n')
    .find((line) => line.endsWith('.tgz'));
  home = join(project, 'node_modules', 'forkyard');
  mkdirSync(home, { recursive: true });
  const unpacked = await run('tar', ['-xzf', join(project, tarball!), '-C', home, '--strip-components', '1']);
  expect(unpacked).toEqual({ code: 0, output: '' });
  const manifest = readFileSync(join(home, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
  for (const name of [...Object.keys(dependencies), 'vitest', '@types/node']) lend(name);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n');
  cpSync(join(home, 'examples', 'indexer'), join(project, 'indexer'), { recursive: true });
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Paths of the tarball's files, with forward slashes. */
function packed(): string[] {
  const entries = readdirSync(home, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(home.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

describe('the packed tarball', () => {
  it('has the program, the library, the workers and the page as bundles, and nothing that they were built from', () => {
    const files = packed();
    expect(files.filter((file) => /^(?:bin|dist)\//.test(file))).toEqual([
      'bin/forkyard.js',
      'dist/NOTICES.txt',
      'dist/cli.js',
      'dist/forkyard.js',
      'dist/node-process.js',
      'dist/page/index.html',
      'dist/page/page.js',
      'dist/page/style.css',
      'dist/simulator.html',
      'dist/worker/bench.js',
      'dist/worker/miner.js',
      'dist/worker/verify.js',
      'dist/yard.d.ts',
      'dist/yard.js',
    ]);
    const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
    expect([...folders].sort()).toEqual(['bin', 'dist', 'docs', 'examples', 'scenarios']);
  });

  it('has whatever its documents link to', () => {
    const documents = packed().filter((file) => file.endsWith('.md'));
    const broken = documents.flatMap((file) =>
      [...readFileSync(join(home, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .filter(([, target]) => !existsSync(join(home, dirname(file), target!)))
        .map(([, target]) => `${file}: ${target}`),
    );
    expect(documents.length).toBeGreaterThan(5);
    expect(broken).toEqual([]);
  });

  it('is as publint asks for', async () => {
    const { messages } = await publint({ pkgDir: home, strict: true });
    const pkg = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('runs its example: the naive indexer breaks, the corrected one survives', async () => {
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    const ran = await run(process.execPath, [vitest, 'run', 'indexer']);
    expect(ran.output).toMatch(/Tests .*1 passed/);
    expect(ran.code).toBe(0);
  });

  it('has types that hold in a strict project', async () => {
    const options = { strict: true, noEmit: true, module: 'nodenext', target: 'es2023', types: ['node'] };
    const compilerOptions = {
      ...options,
      lib: ['es2023'],
      allowImportingTsExtensions: true,
      skipLibCheck: false,
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['indexer'] }));
    writeFileSync(
      join(project, 'indexer', 'misuse.ts'),
      "import { Yard } from 'forkyard';\n// @ts-expect-error a number\nexport const yard = Yard.launch({ nodes: '3' });\n",
    );
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
    const { output } = await run(tsc, ['-p', '.']);
    // Other people's declarations are theirs; vitest's own need a DOM.
    const ours = output.split('\n').filter((line) => /forkyard|indexer/.test(line));
    expect(ours).toEqual([]);
  });

  it('starts its program and finds its lessons', async () => {
    const program = join('node_modules', 'forkyard', 'bin', 'forkyard.js');
    const ran = await run(process.execPath, [program, 'run', '--json']);
    expect(ran.code).toBe(0);
    expect((JSON.parse(ran.output) as { lessons: unknown[] }).lessons.length).toBeGreaterThanOrEqual(10);
  });

  it('runs simulations on the worker threads that it ships', async () => {
    const program = join('node_modules', 'forkyard', 'bin', 'forkyard.js');
    const ran = await run(process.execPath, [program, 'run', 'first-fork', '--sim', '--runs', '2', '--json']);
    expect(ran).toMatchObject({ code: 0, output: expect.stringContaining('"runs":2') });
  });
});
