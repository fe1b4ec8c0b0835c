import { defineConfig } from 'vitest/config';

const long = process.env['FORKYARD_LONG'] === '1';

/**
 * `long` (many seeds, many blocks: minutes) is run by `npm run check:long` alone.
 * `live` spawns real processes on loopback. It comes after the units and two files at a time: most of it waits for
 * blocks, but two cores should not be asked for thirty processes.
 */
export default defineConfig({
  test: {
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // As `npm test` runs it, whoever starts it: through npx the program prints its next steps otherwise, and with
    // COLUMNS in the environment it breaks lines.
    env: { npm_command: 'test', COLUMNS: '' },
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
              sequence: { groupOrder: 0 },
            },
          },
          {
            extends: true,
            test: {
              name: 'live',
              include: ['test/live/**/*.test.ts'],
              maxWorkers: 2,
              sequence: { groupOrder: 1 },
            },
          },
        ],
  },
});
