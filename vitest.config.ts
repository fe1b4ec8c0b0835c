import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { TakingTurns } from './scripts/test-order.ts';

const long = process.env['FORKYARD_LONG'] === '1';

/**
 * `long` (many seeds, many blocks: minutes) is run by `npm run check:long` alone.
 * `live` spawns real processes on loopback, and mostly waits for blocks; so it runs beside the units, with one file more at
 * a time than there are cores, each in a process of its own. The units share processes: to load the program anew for each
 * file, and to run it cold, took as long as the tests. They keep nothing that another file could meet.
 */
export default defineConfig({
  test: {
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // A busy machine is slow, not wrong: the default gives up after a second.
    expect: { poll: { timeout: 240_000 } },
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    // As `npm test` runs it, whoever starts it: through npx the program prints its next steps otherwise, and with
    // COLUMNS in the environment it breaks lines.
    env: { npm_command: 'test', COLUMNS: '' },
    sequence: { sequencer: TakingTurns },
    projects: long
      ? [
          {
            extends: true,
            test: { name: 'long', include: ['test/long/**/*.test.ts'], testTimeout: 1_800_000 },
          },
        ]
      : [
          {
            extends: true,
            test: {
              name: 'unit',
              include: ['test/**/*.test.ts'],
              exclude: ['test/live/**', 'test/long/**'],
              isolate: false,
            },
          },
          {
            extends: true,
            test: {
              name: 'live',
              include: ['test/live/**/*.test.ts'],
              globalSetup: 'scripts/test-live.mjs',
            },
          },
        ],
  },
});
