import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createMiner } from '../../src/host/miner.ts';
import type { Miner } from '../../src/host/miner-types.ts';
import type { Job } from '../../src/node/types.ts';
import { type BenchRow, type BenchTable, quantile } from './table.ts';

const NEVER = new Uint8Array(32);
const EVERY = new Uint8Array(32).fill(0xff);
const SWITCHES = 400;
const CAP_MS = 4000;

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
  return [
    { what: `${what}, p50`, median: quantile(times, 0.5), unit: 'ms' },
    { what: `${what}, p99`, median: quantile(times, 0.99), unit: 'ms' },
  ];
}

async function uncappedRow(threads: number): Promise<BenchRow> {
  const miner = await grinding(threads, 0, () => {});
  const rate = await rateOver(miner, CAP_MS);
  const what = `${miner.stats().kernel}, ${threads} worker${threads > 1 ? 's' : ''}`;
  await miner.close();
  return { what, median: rate / 1e6, unit: 'MH/s' };
}

async function capRow(cap: number): Promise<BenchRow> {
  const miner = await grinding(1, cap, () => {});
  const rate = await rateOver(miner, CAP_MS);
  await miner.close();
  return {
    what: `cap of ${cap.toLocaleString('en')} H/s`,
    median: rate,
    unit: 'H/s',
    beside: { what: 'the cap', times: rate / cap },
  };
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
  const what = `event loop delay while ${threads} workers grind`;
  return [
    { what: `${what}, p50`, median: delay.percentile(50) / 1e6, unit: 'ms' },
    { what: `${what}, p99`, median: delay.percentile(99) / 1e6, unit: 'ms' },
  ];
}

export async function minerSuite(): Promise<BenchTable> {
  const cores = availableParallelism();
  const rows: BenchRow[] = [await uncappedRow(1)];
  if (cores > 1) rows.push(await uncappedRow(cores));
  for (const cap of [1000, 50_000, 1_000_000]) rows.push(await capRow(cap));
  rows.push(
    ...(await switchRows(1)),
    ...(cores > 1 ? await switchRows(cores) : []),
    ...(await eventLoopRows(cores)),
  );
  return {
    suite: 'miner',
    says: `Worker threads, ${CAP_MS / 1000} s each; ${SWITCHES} job switches, from the order to the solution's message.`,
    rows,
  };
}
