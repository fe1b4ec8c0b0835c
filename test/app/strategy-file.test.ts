import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadStrategy } from '../../src/app/library/strategy-file.ts';
import { simulateStrategy } from '../../src/app/library/strategy-sim.ts';
import { selfish } from '../../src/sim/strategy/shipped.ts';

const dir = mkdtempSync(join(tmpdir(), 'strategy-'));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const example = join(import.meta.dirname, '..', '..', 'examples', 'strategy.mjs');

it('takes a name that ships, or the function that a file exports', async () => {
  expect((await loadStrategy('selfish')).strategy).toBe(selfish);
  const { strategy: own } = await loadStrategy(example);
  expect(own({ event: 'own', own: 1, public: 0, published: 0 })).toEqual({ publish: 0, mineOn: 'own' });
});

it.each([
  ['selfisch', "no strategy 'selfisch' (did you mean 'selfish'?)"],
  ['./nothing.mjs', "no strategy './nothing.mjs'"],
  [file('a.mjs', 'export const x = 1;'), 'must have a function as its default export, not undefined'],
  [file('b.mjs', 'export default () => 7;'), 'must answer { publish, mineOn }, not number'],
  [file('c.mjs', 'export default () => { throw new Error("oh"); };'), 'it throws: oh'],
  [file('d.mjs', 'export default ('), 'cannot be loaded'],
])('refuses %s and says why', async (given, message) => {
  await expect(loadStrategy(given)).rejects.toThrow(message);
});

it('the example plays on simulated nodes; a slip later on is told with the race', async () => {
  const options = {
    name: 'own',
    power: 0.4,
    blocks: 60,
    seed: '5',
    signal: new AbortController().signal,
    progress: () => undefined,
  };
  const summary = await simulateStrategy({ ...options, play: await loadStrategy(example) });
  expect(summary.chain).toBeGreaterThan(30);
  expect(summary.own).toBeLessThanOrEqual(summary.found);
  const slip = file('e.mjs', "export default (r) => ({ publish: r.own > 1 ? 99 : 0, mineOn: 'own' });");
  await expect(simulateStrategy({ ...options, play: await loadStrategy(slip) })).rejects.toThrow(
    /publish must be from 0 to 2 .*not 99, for {"event":"own","own":2/,
  );
});

it('only who cheats somebody waits for confirmations', async () => {
  await expect(loadStrategy('selfish', { confirmations: 3 })).rejects.toThrow(
    '--confirmations is for double-spend',
  );
  const { paid, strategy } = await loadStrategy('double-spend', { confirmations: 3 });
  expect(paid?.attempts).toEqual([]);
  const race = { event: 'public', own: 4, public: 3, published: 0 } as const;
  expect(strategy(race).publish).toBe(4);
  expect((await loadStrategy('double-spend')).strategy(race).publish).toBe(0);
});

it('how far behind it gives up can be told', async () => {
  await expect(loadStrategy('selfish', { patience: 3 })).rejects.toThrow('--patience is for double-spend');
  const behind = (blocks: number) => ({ event: 'public', own: 0, public: blocks, published: 0 }) as const;
  const givesUp = async (patience: number | undefined, blocks: number) =>
    (await loadStrategy('double-spend', { patience })).strategy(behind(blocks)).mineOn === 'public';
  expect([await givesUp(undefined, 9), await givesUp(undefined, 10)]).toEqual([false, true]);
  expect([await givesUp(1_000, 999), await givesUp(1_000, 1_000)]).toEqual([false, true]);
});
