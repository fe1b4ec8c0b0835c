import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { hostLimits } from '../../src/host/limits.ts';
import { scanWithCrypto } from '../../src/host/miner/kernels/select.ts';
import type { Miner } from '../../src/host/miner/kernels/types.ts';
import { createMiner, type MinerSettings } from '../../src/host/miner/miner.ts';
import { builtWorkerFile } from '../../src/host/miner/thread.ts';
import { Crew } from '../../src/host/miner/thread-pool.ts';
import type { Job } from '../../src/node/types.ts';

const RATE = 100_000;
const NEVER = new Uint8Array(32);
const EVERY = new Uint8Array(32).fill(0xff);
let dir: string;
const open: Miner[] = [];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-crew-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((miner) => miner.close()));
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Member {
  readonly miner: Miner;
  readonly solutions: { readonly job: number; readonly nonce: number }[];
  readonly exhausted: number[];
  readonly notes: string[];
}

function member(settings: MinerSettings, hashrate = RATE): Member {
  const solutions: { job: number; nonce: number }[] = [];
  const exhausted: number[] = [];
  const notes: string[] = [];
  const miner = createMiner(
    {
      threads: 1,
      hashrate,
      kernel: 'auto',
      solved: (job, nonce) => solutions.push({ job, nonce }),
      exhausted: (job) => exhausted.push(job),
      note: (text) => notes.push(text),
    },
    settings,
  );
  open.push(miner);
  return { miner, solutions, exhausted, notes };
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 240_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
}

async function grinds({ miner }: Member): Promise<void> {
  const { hashes } = miner.stats();
  await until(() => miner.stats().hashes > hashes, 'it grinds');
}

function job(id: number, target: Uint8Array): Job {
  const header = new Uint8Array(76);
  new DataView(header.buffer).setUint32(0, id);
  return { id, header, target, height: 1, prev: '00'.repeat(32), difficulty: 1 };
}

/** The built worker, with a line before it. */
function workerWith(name: string, line: string): string {
  const file = join(dir, `${name}.mjs`);
  const built = JSON.stringify(pathToFileURL(builtWorkerFile()).href);
  writeFileSync(
    file,
    `import { parentPort, workerData } from 'node:worker_threads';\n${line}\nawait import(${built});`,
  );
  return file;
}

/** A crew that believes its threads to hash so much a second. */
const crewOf = (speed: number): Crew =>
  new Crew(
    workerWith(
      `speed-${speed}`,
      `const post = parentPort.postMessage.bind(parentPort);
       parentPort.postMessage = (m) => post(m.kind === 'ready' ? { ...m, rate: ${speed} } : m);`,
    ),
  );

it('finds the blocks of each miner, and never those of another', async () => {
  const crew = new Crew();
  const members = [1, 2, 3].map(() => member({ crew }));
  expect(crew.sizes).toEqual([3]);
  // One hash in 256 meets it.
  const target = new Uint8Array(32).fill(0xff);
  target[0] = 0;
  for (let round = 0; round < 20; round++) {
    for (const [i, { miner }] of members.entries()) miner.work(job(round * 3 + i, target));
    await until(() => members.every(({ solutions }) => solutions.length > round), 'all have solved theirs');
  }
  members.forEach(({ solutions }, i) => {
    expect(solutions.map((solution) => solution.job)).toEqual(
      Array.from({ length: 20 }, (_, r) => r * 3 + i),
    );
    for (const { job: id, nonce } of solutions) {
      const header = new Uint8Array(80);
      header.set(job(id, target).header);
      expect(scanWithCrypto(header, target, 0, nonce + 1)).toEqual([nonce]);
    }
  });
});

it('holds one, closes another, uses up the nonces of a third, and the fourth goes on', async () => {
  // Fast enough for all of them on one thread, however busy the machine is.
  const crew = crewOf(1_000 * RATE);
  const members = Array.from({ length: 4 }, () => member({ crew, nonceSpace: 2 ** 32 }));
  const [held, closed, , on] = members as [Member, Member, Member, Member];
  const short = member({ crew, nonceSpace: 5_000 });
  for (const { miner } of [...members, short]) miner.work(job(7, NEVER));
  await until(() => short.exhausted.length === 1, 'its nonces are used up');
  held.miner.hold(true);
  await closed.miner.close();
  expect(crew.sizes).toEqual([4]);
  const afterClose = closed.miner.stats().hashes;
  // Batches that were under way when it was held still count; on a busy machine that takes a while. Then it rests.
  let whenHeld: number;
  do {
    whenHeld = held.miner.stats().hashes;
    // As much as both would do in a fifth of a second.
    const goal = on.miner.stats().hashes + RATE / 5;
    await until(() => on.miner.stats().hashes >= goal, 'the fourth goes on');
  } while (held.miner.stats().hashes !== whenHeld);
  expect(closed.miner.stats().hashes).toBe(afterClose);
  expect(short.miner.stats().hashes).toBe(5_000);
  held.miner.hold(false);
  await grinds(held);
  expect(members.flatMap(({ notes }) => notes)).toEqual([]);
});

it('replaces a thread that dies, and says so to every miner on it', async () => {
  const line = `let waits = 0;
    const { wait } = Atomics;
    Atomics.wait = (...args) => {
      if (workerData.attempt === 0 && ++waits > 20) throw new Error('struck by lightning');
      return wait(...args);
    };`;
  const crew = new Crew(workerWith('mortal', line));
  const members = [1, 2].map(() => member({ crew }));
  for (const { miner } of members) miner.work(job(1, NEVER));
  const said = ['the shared mining worker died and is replaced: struck by lightning'];
  await until(() => members.every(({ notes }) => notes.length > 0), 'it dies');
  const late = member({ crew });
  for (const { miner } of [...members, late]) miner.work(job(2, EVERY));
  await until(() => [...members, late].every(({ solutions }) => solutions.length === 1), 'all solve theirs');
  expect(members.map(({ notes }) => notes)).toEqual([said, said]);
  expect(late.notes).toEqual([]);
});

it('begins another thread when one has enough to do', async () => {
  const crew = crewOf(4 * RATE * 3);
  const members = Array.from({ length: 5 }, () => member({ crew }));
  // The first calibration tells what a thread bears: until then it has them all.
  expect(crew.sizes).toEqual([5]);
  for (const { miner } of members) miner.work(job(1, NEVER));
  await until(() => crew.sizes.length > 1, 'some have moved');
  expect(crew.sizes).toEqual([3, 2]);
  await Promise.all(members.map(grinds));
  members[0]!.miner.setHashrate(2 * RATE);
  expect(crew.sizes).toEqual([2, 2, 1]);
  for (const { miner } of members.slice(0, 4)) await miner.close();
  expect(crew.sizes).toEqual([1]);
  await grinds(members[4]!);
  expect(members.flatMap(({ notes }) => notes)).toEqual([]);
});

it('takes no miner of a big cap, of several threads or of a kernel of its own', () => {
  const crew = new Crew();
  const small = { threads: 1, kernel: 'auto', hashrate: hostLimits.crewSeatRate };
  expect(crew.takes(small)).toBe(true);
  expect(crew.takes({ ...small, hashrate: 0 })).toBe(false);
  expect(crew.takes({ ...small, hashrate: hostLimits.crewSeatRate + 1 })).toBe(false);
  expect(crew.takes({ ...small, threads: 2 })).toBe(false);
  expect(crew.takes({ ...small, kernel: 'simd4' })).toBe(false);
});

it('lets a miner go to a thread of its own and takes it back, on the same job, and loses none of its hashes', async () => {
  const crew = new Crew();
  const [stays, moves] = [member({ crew }), member({ crew })];
  for (const { miner } of [stays, moves]) miner.work(job(1, NEVER));
  await Promise.all([stays, moves].map(grinds));
  const shared = moves.miner.stats().hashes;
  moves.miner.setHashrate(0);
  expect(crew.sizes).toEqual([1]);
  await until(() => moves.miner.stats().rate > 1.2 * RATE, 'it is faster than its cap was');
  expect(moves.miner.stats().hashes).toBeGreaterThan(shared);
  moves.miner.setHashrate(RATE);
  expect(crew.sizes).toEqual([2]);
  await until(() => moves.miner.stats().rate < 1.1 * RATE, 'it keeps its cap again');
  await Promise.all([stays, moves].map(grinds));
  for (const { miner } of [stays, moves]) miner.work(job(2, EVERY));
  await until(() => [stays, moves].every(({ solutions }) => solutions.length === 1), 'both solve theirs');
});
