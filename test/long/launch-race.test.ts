import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAlive } from '../../src/lab/yard/processes.ts';
import { eventually, forkyard, stay } from '../live/yard-helpers.ts';

/** Real launchers that start at one moment, over what a killed one left behind. */

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-race-'));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const REFUSED = /a yard runs here already|another forkyard is starting/;

it('one of three owns the yard, the others say so, 20 times', async () => {
  for (let round = 1; round <= 20; round++) {
    const racers = [1, 2, 3].map(() => stay(dir, 'up -n 2 --network regtest --data yard --log'));
    const ended = racers.map(() => false);
    racers.forEach((racer, i) => void racer.ended.then(() => (ended[i] = true)));
    await eventually(
      () => ended.filter(Boolean).length === 2 && racers.some((r) => r.output().includes('Try, in a second')),
      () => racers.map((r) => r.output()).join('\n'),
    );
    const owner = racers[ended.indexOf(false)]!;
    for (const [i, racer] of racers.entries()) {
      if (!ended[i]) continue;
      expect(await racer.ended).toBe(1);
      expect(racer.output()).toMatch(REFUSED);
    }
    expect((await forkyard(dir, 'status --yard yard')).code).toBe(0);
    // Killed: its entry and its nodes' pids stay behind, and its nodes end by themselves.
    const { nodes } = JSON.parse((await forkyard(dir, 'status --yard yard --json')).stdout) as {
      nodes: { pid: number }[];
    };
    owner.child.kill('SIGKILL');
    await owner.ended;
    await eventually(
      () => nodes.every(({ pid }) => !isAlive(pid)),
      () => 'the nodes end with their launcher',
    );
  }
});
