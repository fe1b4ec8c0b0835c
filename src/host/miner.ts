import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Job } from '../node/types.ts';
import { kernelNameProblem } from './kernels/select.ts';
import { Control, type WorkerMessage, type WorkerStart } from './miner-control.ts';
import { RateMeter } from './miner-rate.ts';
import type { Miner, MinerOptions, MinerStats } from './miner-types.ts';

/** A worker that keeps dying is given up: respawning for ever would only hide the cause. */
const MAX_DEATHS = 5;
const RESPAWN_MS = 200;
const SAMPLE_MS = 250;
/** How long a worker may take to end by itself before it is terminated. */
const END_MS = 500;

export interface MinerSettings {
  /** The worker's file, if not the built one. */
  readonly workerFile?: string;
  /** Nonces 0 … nonceSpace − 1 are tried for a job; 2^32 unless told. */
  readonly nonceSpace?: number;
}

/**
 * Worker threads that grind. After a solution every worker rests until the next job: a second block on the same parent
 * by the same miner would serve nobody. Throws on options that make no sense.
 */
export function createMiner(o: MinerOptions, settings: MinerSettings = {}): Miner {
  if (!Number.isInteger(o.threads) || o.threads < 1)
    throw new Error(`a miner needs at least one thread, not ${o.threads}`);
  checkRate(o.hashrate);
  const problem = kernelNameProblem(o.kernel);
  if (problem !== undefined) throw new Error(problem);
  return new WorkerMiner(o, settings.workerFile ?? builtWorkerFile(), settings.nonceSpace ?? 2 ** 32);
}

/**
 * The worker as built: Node 20 and vitest load no `.ts` worker, so it is found through package.json's `imports`, the
 * same from the source, from the build, from the bundle and from an installed package.
 */
export function builtWorkerFile(): string {
  const file = createRequire(import.meta.url).resolve('#worker/miner-worker');
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build`);
  return file;
}

class WorkerMiner implements Miner {
  readonly #o: MinerOptions;
  readonly #file: string;
  readonly #nonceSpace: number;
  readonly #control: Control;
  readonly #workers: (Worker | undefined)[];
  readonly #deaths: number[];
  readonly #meter: RateMeter;
  readonly #sampling: NodeJS.Timeout;
  readonly #respawns = new Set<NodeJS.Timeout>();
  #kernel: string;
  #cap: number;
  #serial = 0;
  #job: Job | undefined;
  #jobSince = 0;
  #held = false;
  #chosen = false;
  #closed = false;
  readonly #exhausted = new Set<number>();

  constructor(o: MinerOptions, file: string, nonceSpace: number) {
    this.#o = o;
    this.#file = file;
    this.#nonceSpace = nonceSpace;
    this.#kernel = o.kernel;
    this.#cap = o.hashrate;
    this.#control = Control.forWorkers(o.threads);
    this.#workers = Array.from({ length: o.threads }, () => undefined);
    this.#deaths = this.#workers.map(() => 0);
    this.#meter = new RateMeter(o.threads);
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sampling.unref();
    this.#publish();
    const cores = availableParallelism();
    if (o.threads > cores) o.note(`${o.threads} mining threads share ${cores} core${cores === 1 ? '' : 's'}`);
    // The first worker chooses the kernel, the others take the same: one calibration, and on a machine not yet busy.
    this.#spawn(0);
    if (o.kernel !== 'auto') this.#spawnMissing();
  }

  work(job: Job | undefined): void {
    const same = job !== undefined && this.#job !== undefined && sameJob(job, this.#job);
    if (same && !this.#control.isSolved(this.#serial) && this.#exhausted.size < this.#o.threads) return;
    this.#serial++;
    this.#job = job;
    this.#jobSince = performance.now();
    this.#exhausted.clear();
    this.#publish();
  }

  setHashrate(perSecond: number): void {
    checkRate(perSecond);
    this.#cap = perSecond;
    this.#publish();
  }

  hold(on: boolean): void {
    this.#held = on;
    this.#publish();
  }

  stats(): MinerStats {
    this.#sample();
    const rates = this.#meter.rates();
    return {
      kernel: this.#kernel,
      threads: this.#o.threads,
      cap: this.#cap,
      rate: rates.reduce((a, b) => a + b, 0),
      rates,
      hashes: this.#workers.reduce((sum, _, i) => sum + this.#control.hashes(i), 0),
      working:
        this.#job !== undefined && !this.#held && !this.#closed && !this.#control.isSolved(this.#serial),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sampling);
    for (const timer of this.#respawns) clearTimeout(timer);
    this.#control.stop();
    await Promise.all(this.#workers.map((worker) => worker && ended(worker)));
  }

  #publish(): void {
    this.#control.publish({
      serial: this.#serial,
      hasJob: this.#job !== undefined,
      held: this.#held,
      job: this.#job?.id ?? 0,
      rate: this.#cap / this.#o.threads,
      header: this.#job?.header.subarray(0, 76) ?? new Uint8Array(76),
      target: this.#job?.target ?? new Uint8Array(32),
    });
  }

  #spawnMissing(): void {
    this.#chosen = true;
    for (let i = 0; i < this.#workers.length; i++) if (this.#workers[i] === undefined) this.#spawn(i);
  }

  #spawn(index: number): void {
    const share = (i: number): number => Math.floor((this.#nonceSpace * i) / this.#o.threads);
    const start: WorkerStart = {
      control: this.#control.buffer,
      index,
      from: share(index),
      to: share(index + 1),
      kernel: this.#kernel,
      attempt: this.#deaths[index]!,
    };
    // Its heap holds next to nothing once the kernel is made; the parent's flags (an inspector) are not for it.
    const worker = new Worker(this.#file, {
      workerData: start,
      name: `miner ${index}`,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 },
    });
    this.#workers[index] = worker;
    let cause = 'it ended';
    worker.on('message', (message: WorkerMessage) => this.#hear(index, message));
    worker.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => this.#died(index, cause));
  }

  #hear(index: number, message: WorkerMessage): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'ready':
        for (const note of message.notes) this.#o.note(note);
        this.#kernel = message.kernel;
        if (!this.#chosen) this.#spawnMissing();
        return;
      case 'solved': {
        const current = message.serial === this.#serial;
        const others = this.#workers.map((_, i) =>
          i === index ? 0 : this.#control.hashesOn(i, message.serial),
        );
        const tries = message.tries + others.reduce((a, b) => a + b, 0);
        this.#o.solved(
          message.job,
          message.nonce,
          tries,
          current ? performance.now() - this.#jobSince : message.ms,
        );
        return;
      }
      case 'exhausted':
        if (message.serial !== this.#serial || this.#job === undefined) return;
        this.#exhausted.add(index);
        if (this.#exhausted.size === this.#o.threads) this.#o.exhausted(this.#job.id);
    }
  }

  #died(index: number, cause: string): void {
    this.#workers[index] = undefined;
    if (this.#closed) return;
    const deaths = ++this.#deaths[index]!;
    if (deaths > MAX_DEATHS) {
      this.#o.note(`mining worker ${index} died ${deaths} times and is given up: ${cause}`);
      return;
    }
    this.#o.note(`mining worker ${index} died and is replaced: ${cause}`);
    const timer = setTimeout(() => {
      this.#respawns.delete(timer);
      this.#spawn(index);
    }, RESPAWN_MS);
    this.#respawns.add(timer);
  }

  #sample(): void {
    this.#meter.sample(
      performance.now(),
      this.#workers.map((_, i) => this.#control.hashes(i)),
    );
  }
}

function checkRate(perSecond: number): void {
  if (!Number.isFinite(perSecond) || perSecond < 0)
    throw new Error(`a hash rate is 0 (no cap) or more, not ${perSecond}`);
}

function sameJob(a: Job, b: Job): boolean {
  return (
    a.id === b.id && Buffer.compare(a.header, b.header) === 0 && Buffer.compare(a.target, b.target) === 0
  );
}

/** A worker ends by itself at the next batch; one that does not (it is still starting) is ended. */
async function ended(worker: Worker): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const exit = new Promise<void>((done) => worker.once('exit', () => done()));
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, END_MS);
  });
  await Promise.race([exit, late]);
  clearTimeout(timer);
  await worker.terminate();
}
