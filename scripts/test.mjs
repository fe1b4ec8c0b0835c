// `npm test [-- vitest arguments]`, `npm run check:long`: installs, then lint, types, build and every test. Ends with 'N passed, N failed'.
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNode, fail, run, setUp } from './setup.mjs';

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
const report = join(tmpdir(), `forkyard-test-${process.pid}.json`);
const given = process.argv.slice(2);
const env = given.includes('--long') ? { ...process.env, FORKYARD_LONG: '1' } : process.env;
const { code } = await run(
  bin('vitest'),
  [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...given.filter((word) => word !== '--long'),
  ],
  { show: true, env },
);
let counts;
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch (error) {
  fail(`the test runner left no report (${error.message}); it ended with code ${code}.`);
}
rmSync(report, { force: true });
const skipped = counts.numPendingTests + counts.numTodoTests;
process.stdout.write(
  `${counts.numPassedTests} passed, ${counts.numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
);
if (skipped > 0) {
  process.stdout.write(
    'The tests of the page need a browser. Get it: apt-get install chromium, or set FORKYARD_BROWSER=/path/to/chrome\n',
  );
}
if (code !== 0 || !counts.success) process.exit(code || 1);
if (skipped > 0 && process.env.FORKYARD_NO_SKIP === '1') fail(`${skipped} tests were skipped.`);
