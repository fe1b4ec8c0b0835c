import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { NETWORKS_JSON } from '../dsl/networks.ts';
import { GOLDEN, goldenProgram } from './golden-bundle.ts';
import { goldenTrace } from './golden-world.ts';

it('every step is the same on every machine, and in another process', () => {
  expect(goldenTrace(NETWORKS_JSON)).toBe(GOLDEN);
  const input = goldenProgram('(hash) => console.log(hash)');
  expect(execFileSync(process.execPath, ['-'], { input, encoding: 'utf8' }).trim()).toBe(GOLDEN);
});
