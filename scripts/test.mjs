// `npm test [-- vitest arguments]`: installs, then lint, types, build and every test. `npm run check:long` runs the long tests
// instead (`--long`), and shows what the live tests run of the program. `.ci/run` adds the core on other Nodes (`--nodes`).
// Ends with 'N passed, N failed'.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coverageOf } from './coverage.mjs';
import { nodeOf } from './nodes.mjs';
import { checkNode, fail, run, setUp } from './setup.mjs';

/** Release lines of Node beside the user's own, and what runs there: what depends on no clock, no disk and no other process. */
const NODES = ['22', '24', '26'];
const CORE = ['bitcoin', 'consensus', 'node', 'sim', 'util'].map((folder) => `test/${folder}/`);
const SWEEP_MS = 10_000;

checkNode();
await setUp();
const bin = (name) => join('node_modules', '.bin', name);
for (const [what, command, args] of [
  ['lint', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['dead code', bin('knip'), ['--treat-config-hints-as-errors']],
  ['types', bin('tsc'), ['-p', 'tsconfig.test.json']],
]) {
  const { code, output } = await run(command, args);
  if (code !== 0) {
    process.stderr.write(output);
    fail(`${what} failed (above).`);
  }
  process.stdout.write(` ${what} ✓`);
}
process.stdout.write('\n');

const total = { passed: 0, failed: 0, skipped: 0, code: 0 };

/** Runs tests and adds their counts to the total. */
async function vitest(args, { node = process.execPath, env = {} } = {}) {
  const report = join(tmpdir(), `forkyard-test-${process.pid}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await run(
    node,
    [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...reporters, ...args],
    {
      show: true,
      env: { ...process.env, ...env },
    },
  );
  let counts;
  try {
    counts = JSON.parse(readFileSync(report, 'utf8'));
  } catch (error) {
    fail(`the test runner left no report (${error.message}); it ended with code ${code}.`);
  }
  rmSync(report, { force: true });
  total.passed += counts.numPassedTests;
  total.failed += counts.numFailedTests;
  total.skipped += counts.numPendingTests + counts.numTodoTests;
  if (code !== 0 || !counts.success) total.code ||= code || 1;
}

/** The live tests, and how much of the program ran in the processes that they started. */
async function liveWithCoverage() {
  const folder = mkdtempSync(join(tmpdir(), 'forkyard-coverage-'));
  const coverage = coverageOf(folder);
  const sweeping = setInterval(() => coverage.sweep(), SWEEP_MS);
  await vitest(['--project', 'live'], { env: { NODE_V8_COVERAGE: folder } });
  clearInterval(sweeping);
  coverage.sweep();
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`${coverage.report()}\n`);
}

const given = process.argv.slice(2);
const asked = given.filter((word) => word !== '--long' && word !== '--nodes');
const isLong = given.includes('--long');
await vitest(asked, { env: isLong ? { FORKYARD_LONG: '1' } : {} });
if (isLong && asked.length === 0) await liveWithCoverage();
if (given.includes('--nodes')) {
  for (const line of NODES) {
    process.stdout.write(`on Node ${line}:\n`);
    await vitest(['--project', 'unit', ...CORE], { node: await nodeOf(line) });
  }
}

const { passed, failed, skipped, code } = total;
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
if (skipped > 0) {
  process.stdout.write(
    'The tests of the page need a browser. Get it: apt-get install chromium, or set FORKYARD_BROWSER=/path/to/chrome\n',
  );
}
if (code !== 0) process.exit(code);
if (skipped > 0 && process.env.FORKYARD_NO_SKIP === '1') fail(`${skipped} tests were skipped.`);
