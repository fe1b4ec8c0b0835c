import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimYard, ownerOf } from '../../src/lab/yard/claim.ts';
import { isAlive, runsNode, startOf } from '../../src/lab/yard/processes.ts';
import { Problem } from '../../src/yard/problem.ts';
import type { RacerAnswer, RacerData } from './claim-racer.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-claim-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const goneProcess = (): number => spawnSync(process.execPath, ['-e', '0']).pid;

/** What an owner that was killed leaves behind. */
function leave(pid: number, start: number, since: number): void {
  mkdirSync(join(dir, 'launchers'), { recursive: true });
  for (const kind of ['asks', 'owns'])
    writeFileSync(join(dir, 'launchers', `${pid}-${start}-${since}-0123456789abcdef.${kind}`), '');
}

it('lets one launcher in and names it to the second', async () => {
  const claim = await claimYard(dir);
  expect(ownerOf(dir)).toBe(process.pid);
  const refused: unknown = await claimYard(dir).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect((refused as Problem).message).toContain(`process ${process.pid}`);
  expect((refused as Problem).exit).toBe(1);
  expect(ownerOf(dir)).toBe(process.pid);
  claim.release();
  expect(ownerOf(dir)).toBeUndefined();
  (await claimYard(dir)).release();
  expect(readdirSync(join(dir, 'launchers'))).toEqual([]);
});

it('takes over from a launcher that is gone, and from one whose pid another process has now', async () => {
  const stale: readonly (readonly [number, number, number])[] = [
    [goneProcess(), 0, Date.now()],
    // Before the last boot.
    [process.pid, startOf(process.pid), 1_000],
    ...(process.platform === 'linux' ? [[process.pid, startOf(process.pid) + 1, Date.now()] as const] : []),
  ];
  for (const [pid, start, since] of stale) {
    leave(pid, start, since);
    expect(ownerOf(dir)).toBeUndefined();
    (await claimYard(dir)).release();
    expect(readdirSync(join(dir, 'launchers'))).toEqual([]);
  }
  leave(process.pid, startOf(process.pid), Date.now());
  expect(ownerOf(dir)).toBe(process.pid);
});

it('ignores files in its folder that are not its own', async () => {
  mkdirSync(join(dir, 'launchers'));
  for (const name of ['x', '1-2-3.owns', '-1-0-0-0123456789abcdef.owns', '1-2-3-0123456789abcdef.asks.old'])
    writeFileSync(join(dir, 'launchers', name), 'x');
  expect(ownerOf(dir)).toBeUndefined();
  (await claimYard(dir)).release();
});

it('has exactly one owner when four launchers start at one moment over a stale lock, 100 times', async () => {
  const bundle = join(dir, 'racer.mjs');
  buildSync({
    entryPoints: [join(import.meta.dirname, 'claim-racer.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  const racers = 4;
  const rounds = 100;
  const shared = new SharedArrayBuffer(12);
  const gone = goneProcess();
  const answers = await Promise.all(
    Array.from({ length: racers }, (_, index) => {
      const workerData: RacerData = { dir, racers, rounds, shared, gone, index };
      return new Promise<RacerAnswer>((done, fail) => {
        new Worker(bundle, { workerData }).once('message', done).once('error', fail);
      });
    }),
  );
  expect(answers.flatMap((a) => a.doubled)).toEqual([]);
  const wins = answers.flatMap((a) => a.wins).toSorted((a, b) => a - b);
  expect(wins).toEqual(Array.from({ length: rounds }, (_, round) => round));
  // The second one: a thread that got no turn for ten seconds.
  const known = [
    `a yard runs here already (YARD, process ${process.pid})`,
    'another forkyard is starting in YARD at this moment',
  ];
  expect(answers.flatMap((a) => a.refusals).filter((text) => !known.includes(text))).toEqual([]);
}, 900_000);

it('takes a pid for a node only if its command line says so', () => {
  const node = spawnSync(process.execPath, ['-e', '0']).pid;
  expect([isAlive(node), runsNode(node, dir)]).toEqual([false, false]);
  expect([isAlive(process.pid), runsNode(process.pid, dir)]).toEqual([true, false]);
});
