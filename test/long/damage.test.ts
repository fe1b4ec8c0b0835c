import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KnownDatabase, knownDatabase, manyDamages } from '../host/damage-rig.ts';

let known: KnownDatabase;
beforeAll(async () => {
  known = await knownDatabase();
});
afterAll(() => known.close());

it('of 1,000 damages to a database none is believed, none ends without a sentence', async () => {
  const { count, wrong } = await manyDamages(known, 2, 1_000);
  expect(wrong).toEqual([]);
  // The mark and the log would both have to be damaged: one file is, each time.
  expect(count['older, and it cannot know']).toBe(0);
  expect(count.refused).toBeGreaterThan(300);
  expect(count['older, and it says so']).toBeGreaterThan(20);
});
