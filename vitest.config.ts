import { defineConfig } from 'vitest/config';

/** `live` spawns real processes on loopback, one file at a time, so that two cores are not asked for thirty processes. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/live/**'] } },
      { extends: true, test: { name: 'live', include: ['test/live/**/*.test.ts'], fileParallelism: false } },
    ],
  },
});
