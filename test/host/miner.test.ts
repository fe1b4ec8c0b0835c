import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import {
  GENESIS_HEADER_76,
  GENESIS_NONCE,
  GENESIS_TARGET,
  scanWithCrypto,
} from '../../src/host/miner/kernels/select.ts';
import type { Miner, MinerOptions } from '../../src/host/miner/kernels/types.ts';
import { createMiner, type MinerSettings } from '../../src/host/miner/miner.ts';
import { builtWorkerFile } from '../../src/host/miner/thread.ts';
import type { Job } from '../../src/node/types.ts';

interface Solution {
  readonly job: number;
  readonly nonce: number;
  readonly tries: number;
  readonly ms: number;
}

/** A miner whose reports are kept. */
class Bench {
  readonly solutions: Solution[] = [];
  readonly exhausted: number[] = [];
  readonly notes: string[] = [];
  readonly miner: Miner;

  constructor(o: Partial<MinerOptions> = {}, settings: MinerSettings = {}) {
    this.miner = createMiner(
      {
        threads: 1,
        hashrate: 0,
        kernel: 'simd4',
        solved: (job, nonce, tries, ms) => this.solutions.push({ job, nonce, tries, ms }),
        exhausted: (job) => this.exhausted.push(job),
        note: (text) => this.notes.push(text),
        ...o,
      },
      settings,
    );
    open.push(this.miner);
  }
}

const open: Miner[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((miner) => miner.close()));
});

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 240_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

function job(id: number, target: Uint8Array, fill = id): Job {
  const header = new Uint8Array(76).fill(fill);
  return { id, header, target, height: 1, prev: '00'.repeat(32), difficulty: 1 };
}

/** Its count stands still: it has stopped. A worker of a busy machine may hear of it late, but then it stops. */
async function atRest(miner: Miner): Promise<void> {
  const deadline = Date.now() + 240_000;
  for (let seen = -1; ; ) {
    const { hashes } = miner.stats();
    if (hashes === seen) return;
    if (Date.now() > deadline) throw new Error('it grinds on');
    seen = hashes;
    await sleep(150);
  }
}

const NEVER = new Uint8Array(32);
const EVERY = new Uint8Array(32).fill(0xff);
/** One hash in 2^bits meets it. */
function oneIn(bits: number): Uint8Array {
  const target = Buffer.alloc(32);
  target.writeBigUInt64BE(1n << BigInt(64 - bits));
  return target;
}

function meets(work: Job, nonce: number): boolean {
  const header = new Uint8Array(80);
  header.set(work.header);
  return scanWithCrypto(header, work.target, nonce, 1).length === 1;
}

describe('a miner', () => {
  it('solves a job with its first nonce that meets the target, and counts its tries', async () => {
    const bench = new Bench();
    const work = job(1, oneIn(14));
    bench.miner.work(work);
    await until(() => bench.solutions.length === 1, 'it is solved');
    const [{ nonce, tries, ms, job: id }] = bench.solutions as [Solution];
    expect(id).toBe(1);
    expect(meets(work, nonce)).toBe(true);
    expect(tries).toBe(nonce + 1);
    expect(ms).toBeGreaterThan(0);
    const header = new Uint8Array(80);
    header.set(work.header);
    expect(scanWithCrypto(header, work.target, 0, nonce)).toEqual([]);
  });

  it("finds Bitcoin's first nonce in the worker that has its part of the nonces", async () => {
    // Four nonce spaces of 2^32 / 4 do not help: cut the space so that the nonce is among the last thread's first.
    const bench = new Bench({ threads: 2 }, { nonceSpace: (GENESIS_NONCE - 20_000) * 2 });
    bench.miner.work({ ...job(7, GENESIS_TARGET), header: GENESIS_HEADER_76 });
    await until(() => bench.solutions.length === 1, 'it is solved');
    expect(bench.solutions[0]).toMatchObject({ job: 7, nonce: GENESIS_NONCE });
    expect(bench.solutions[0]!.tries).toBeGreaterThan(20_000);
  });

  it('rests after a solution until the next job, and reports one solution a job', async () => {
    const bench = new Bench({ threads: 2 });
    for (let id = 1; id <= 20; id++) {
      bench.miner.work(job(id, EVERY));
      await until(() => bench.solutions.length === id, `job ${id} is solved`);
      expect(bench.miner.stats().working).toBe(false);
    }
    await atRest(bench.miner);
    expect(bench.solutions.map((s) => s.job)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('works on the newest of jobs that come in quick succession', async () => {
    const bench = new Bench({ threads: 2 });
    for (let id = 1; id <= 200; id++) bench.miner.work(job(id, id === 200 ? oneIn(10) : NEVER, id % 256));
    await until(() => bench.solutions.length === 1, 'the last job is solved');
    expect(meets(job(200, oneIn(10)), bench.solutions[0]!.nonce)).toBe(true);
    expect(bench.solutions[0]!.job).toBe(200);
  });

  it('does not begin again when it is given the same job twice', async () => {
    const bench = new Bench({}, { nonceSpace: 3_000_000 });
    const work = job(1, NEVER);
    bench.miner.work(work);
    const again = setInterval(() => bench.miner.work({ ...work, header: work.header.slice() }), 5);
    try {
      await until(() => bench.exhausted.length === 1, 'its nonces are used up');
    } finally {
      clearInterval(again);
    }
    expect(bench.miner.stats().hashes).toBeLessThan(2 * 3_000_000);
  });

  it('tells once that the nonces are used up, after every one of them was tried', async () => {
    const bench = new Bench({ threads: 3 }, { nonceSpace: 100_001 });
    bench.miner.work(job(5, NEVER));
    await until(() => bench.exhausted.length === 1, 'its nonces are used up');
    expect(bench.miner.stats().hashes).toBe(100_001);
    bench.miner.work(job(6, NEVER));
    await until(() => bench.exhausted.length === 2, 'the next are used up');
    expect(bench.exhausted).toEqual([5, 6]);
    expect(bench.miner.stats().hashes).toBe(200_002);
  });

  it('idles without a job', async () => {
    const bench = new Bench();
    bench.miner.work(job(1, NEVER));
    await until(() => bench.miner.stats().hashes > 0, 'it grinds');
    bench.miner.work(undefined);
    expect(bench.miner.stats().working).toBe(false);
    await atRest(bench.miner);
  });

  it('keeps its job and its place while it is held', async () => {
    const bench = new Bench({}, { nonceSpace: 2_000_000 });
    bench.miner.work(job(1, NEVER));
    await until(() => bench.miner.stats().hashes > 0, 'it grinds');
    bench.miner.hold(true);
    expect(bench.miner.stats().working).toBe(false);
    await atRest(bench.miner);
    bench.miner.hold(false);
    await until(() => bench.exhausted.length === 1, 'its nonces are used up');
    expect(bench.miner.stats().hashes).toBe(2_000_000);
  });

  it('takes a new job while held, and grinds it when released', async () => {
    const bench = new Bench();
    bench.miner.hold(true);
    bench.miner.work(job(3, EVERY));
    await sleep(50);
    expect(bench.solutions).toEqual([]);
    bench.miner.hold(false);
    await until(() => bench.solutions.length === 1, 'it is solved');
    expect(bench.solutions[0]).toMatchObject({ job: 3, nonce: 0, tries: 1 });
  });

  it('replaces a worker that dies, says so, and goes on', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'forkyard-miner-'));
    try {
      const file = join(dir, 'worker.mjs');
      writeFileSync(
        file,
        `import { workerData } from 'node:worker_threads';
         if (workerData.attempt < 2) throw new Error('struck by lightning');
         await import(${JSON.stringify(pathToFileURL(builtWorkerFile()).href)});`,
      );
      const bench = new Bench({ kernel: 'javascript' }, { workerFile: file });
      bench.miner.work(job(1, EVERY));
      await until(() => bench.solutions.length === 1, 'the third worker solves it');
      expect(bench.notes.slice(0, 2)).toEqual(
        Array(2).fill('mining worker 0 died and is replaced: struck by lightning'),
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('gives up a worker that cannot live, and says so', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'forkyard-miner-'));
    try {
      const file = join(dir, 'worker.mjs');
      writeFileSync(file, `throw new Error('no such instruction');`);
      const bench = new Bench({}, { workerFile: file });
      await until(() => bench.notes.some((note) => note.includes('given up')), 'it is given up');
      const { length } = bench.notes;
      await sleep(300);
      expect(bench.notes).toHaveLength(length);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('chooses a kernel by itself', async () => {
    const bench = new Bench({ threads: 2, kernel: 'auto' });
    expect(bench.miner.stats().kernel).toBe('auto');
    bench.miner.work(job(1, NEVER));
    await until(() => bench.miner.stats().rates.every((rate) => rate > 0), 'both workers grind');
    expect(['simd5', 'simd4', 'javascript']).toContain(bench.miner.stats().kernel);
  });

  it('refuses options that make no sense', () => {
    expect(() => new Bench({ threads: 0 })).toThrow('at least one thread, not 0');
    expect(() => new Bench({ hashrate: -1 })).toThrow('a hash rate is 0 (no cap) or more, not -1');
    expect(() => new Bench({ kernel: 'gpu' })).toThrow("no kernel 'gpu'; there are auto, simd4");
    const bench = new Bench();
    expect(() => bench.miner.setHashrate(Number.NaN)).toThrow('a hash rate');
  });

  it('closes at once, whatever it is doing', async () => {
    for (const delay of [0, 60, 300]) {
      const bench = new Bench({ threads: 2, hashrate: delay === 60 ? 1 : 0, kernel: 'simd4' });
      bench.miner.work(job(1, NEVER));
      await sleep(delay);
      await bench.miner.close();
      const { hashes } = bench.miner.stats();
      await sleep(20);
      expect(bench.miner.stats().hashes).toBe(hashes);
      expect(bench.notes).toEqual([]);
    }
  });
});

describe('a cap', () => {
  // How exactly a rate is held is tested in virtual time (miner-parts.test.ts): this is whether real threads hold it at all.
  it.each([1000, 200_000])('of %i H/s is kept, and changed, over all threads', async (rate) => {
    const bench = new Bench({ threads: 2, hashrate: rate });
    bench.miner.work(job(1, NEVER));
    await until(() => bench.miner.stats().rates.every((r) => r > 0), 'both workers grind');
    // The cap must not be broken whatever the machine does besides; it is reached as soon as the machine allows.
    expect(await fastest(bench.miner)).toBeLessThan(rate * 1.05);
    await until(() => bench.miner.stats().rate > rate * 0.7, 'the cap is nearly reached');
    bench.miner.setHashrate(rate / 2);
    // Busy workers hear of it late.
    for (let tries = 1; (await fastest(bench.miner)) > (rate / 2) * 1.05; tries++)
      if (tries === 60) throw new Error('the new cap is not kept');
    bench.miner.setHashrate(0);
    await until(() => bench.miner.stats().rate > rate * 2, 'it is faster without a cap');
  });

  /**
   * Hashes a second over 700 ms at least: the clock is read before the first count and after the last. A slice at either
   * end and what a busy machine owes may add 120 ms of work.
   */
  async function fastest(miner: Miner): Promise<number> {
    const start = performance.now();
    const before = miner.stats().hashes;
    await sleep(700);
    const hashes = miner.stats().hashes - before;
    return (hashes / (performance.now() - start + 120)) * 1000;
  }
});
