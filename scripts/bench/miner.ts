import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Miner } from '../../src/host/miner/kernels/types.ts';
import { createMiner } from '../../src/host/miner/miner.ts';
import type { Job } from '../../src/node/types.ts';
import { type BenchRow, type BenchTable, median, quantileRow, rowOf } from './table.ts';

const NEVER = new Uint8Array(32);
const EVERY = new Uint8Array(32).fill(0xff);
const SWITCHES = 400;
const CAP_MS = 4000;
const ROUNDS = 3;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

let jobs = 0;
function job(target: Uint8Array): Job {
  const id = ++jobs;
  const header = new Uint8Array(76);
  new DataView(header.buffer).setUint32(0, id);
  return { id, header, target, height: 1, prev: '', difficulty: 1 };
}

/** A miner of this bench, with every worker grinding. `whenSolved` replaces what a solution does. */
async function grinding(threads: number, hashrate: number, solved: (id: number) => void): Promise<Miner> {
  const miner = createMiner({
    threads,
    hashrate,
    kernel: 'auto',
    solved,
    exhausted: () => {},
    note: (text) => process.stderr.write(`${text}\n`),
  });
  miner.work(job(NEVER));
  while (miner.stats().rates.some((rate) => rate === 0)) await sleep(20);
  await sleep(1500); // the engine optimises
  return miner;
}

/** From `work()` to the news of a solution of that job: every worker has switched, and the answer has come back. */
async function switchRows(threads: number): Promise<readonly BenchRow[]> {
  let heard: (id: number) => void = () => {};
  const miner = await grinding(threads, 0, (id) => heard(id));
  const times: number[] = [];
  for (let i = 0; i < SWITCHES; i++) {
    miner.work(job(NEVER));
    await sleep(3 + (i % 7));
    const easy = job(EVERY);
    const start = performance.now();
    const solved = new Promise<void>((done) => {
      heard = (id) => id === easy.id && done();
    });
    miner.work(easy);
    await solved;
    times.push(performance.now() - start);
  }
  await miner.close();
  const what = `job switch and back, ${threads} worker${threads > 1 ? 's' : ''}`;
  return [quantileRow(`${what}, p50`, times, 0.5, 'ms'), quantileRow(`${what}, p99`, times, 0.99, 'ms')];
}

/** Rates of one worker and of all cores, by turns, so that a slow moment strikes both. */
async function uncappedRows(cores: number): Promise<readonly BenchRow[]> {
  const rates = new Map<number, number[]>();
  const counts = cores > 1 ? [1, cores] : [1];
  for (let round = 0; round < ROUNDS; round++) {
    for (const threads of counts) {
      const miner = await grinding(threads, 0, () => {});
      const rate = (await rateOver(miner, CAP_MS / 2)) / 1e6;
      await miner.close();
      rates.set(threads, [...(rates.get(threads) ?? []), rate]);
    }
  }
  const one = { name: 'one worker', value: median(rates.get(1)!) };
  return counts.map((threads) =>
    rowOf(
      `${threads} worker${threads > 1 ? 's' : ''}, no cap`,
      rates.get(threads)!,
      'MH/s',
      threads === 1 ? undefined : one,
    ),
  );
}

async function capRow(cap: number): Promise<BenchRow> {
  const miner = await grinding(1, cap, () => {});
  const rates: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < ROUNDS; round++) rates.push(await rateOver(miner, CAP_MS / 2));
  const { user, system } = process.cpuUsage(cpu);
  const busy = (user + system) / 1000 / (performance.now() - start);
  await miner.close();
  const what = `cap of ${cap.toLocaleString('en')} H/s, at ${(100 * busy).toFixed(0)} % of a core`;
  return rowOf(what, rates, 'H/s', { name: 'the cap', value: cap });
}

async function rateOver(miner: Miner, ms: number): Promise<number> {
  const before = miner.stats().hashes;
  const start = performance.now();
  await sleep(ms);
  return ((miner.stats().hashes - before) / (performance.now() - start)) * 1000;
}

/** How late the main thread's timers are while every core mines. */
async function eventLoopRows(threads: number): Promise<readonly BenchRow[]> {
  const miner = await grinding(threads, 0, () => {});
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(CAP_MS);
  delay.disable();
  await miner.close();
  const { min, max } = delay;
  const row = (q: number): BenchRow => ({
    name: `event loop delay while ${threads} workers grind, p${q}`,
    value: delay.percentile(q) / 1e6,
    unit: 'ms',
    min: min / 1e6,
    max: max / 1e6,
    n: delay.count,
  });
  return [row(50), row(99)];
}

export async function minerSuite(): Promise<BenchTable> {
  const cores = availableParallelism();
  const rows: BenchRow[] = [...(await uncappedRows(cores))];
  for (const cap of [1000, 50_000, 1_000_000]) rows.push(await capRow(cap));
  rows.push(
    ...(await switchRows(1)),
    ...(cores > 1 ? await switchRows(cores) : []),
    ...(await eventLoopRows(cores)),
  );
  return {
    suite: 'miner',
    says: `Worker threads; rates ${ROUNDS} × ${CAP_MS / 2000} s, event loop ${CAP_MS / 1000} s; ${SWITCHES} job switches, from the order to the solution's message.`,
    rows,
  };
}
