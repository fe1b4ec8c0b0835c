import { availableParallelism, constants } from 'node:os';
import type { Job } from '../../node/types.ts';
import { defined } from '../../util/defined.ts';
import { plural } from '../../util/plural.ts';
import { Bell, Control, type SeatMessage } from './control.ts';
import { kernelNameProblem } from './kernels/select.ts';
import type { Miner, MinerOptions, MinerStats } from './kernels/types.ts';
import { RateMeter } from './rate-meter.ts';
import { MinerThread, type Sitter } from './thread.ts';
import type { Crew } from './thread-pool.ts';

const SAMPLE_MS = 250;

export interface MinerSettings {
  /** The worker's file, if not the built one. */
  readonly workerFile?: string;
  /** Nonces 0 … nonceSpace − 1 are tried for a job; 2^32 unless told. */
  readonly nonceSpace?: number;
  /** Whoever it takes shares a thread with others of the process. */
  readonly crew?: Crew;
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
  return new WorkerMiner(o, settings);
}

class WorkerMiner implements Miner {
  readonly #o: MinerOptions;
  readonly #settings: MinerSettings;
  readonly #control: Control;
  readonly #sitters: readonly Sitter[];
  readonly #meter: RateMeter;
  readonly #sampling: NodeJS.Timeout;
  /** On threads of its own; empty while it shares one. */
  #own: readonly MinerThread[] = [];
  /** Where it was before. */
  #left: Promise<unknown> = Promise.resolve();
  #shares: boolean;
  #kernel: string;
  #cap: number;
  #serial = 0;
  #job: Job | undefined;
  #jobSince = 0;
  #held = false;
  #closed = false;
  readonly #exhausted = new Set<number>();

  constructor(o: MinerOptions, settings: MinerSettings) {
    this.#o = o;
    this.#settings = settings;
    this.#kernel = o.kernel;
    this.#cap = o.hashrate;
    this.#control = Control.forWorkers(o.threads);
    this.#sitters = Array.from({ length: o.threads }, (_, i) => this.#sitter(i));
    this.#meter = new RateMeter(o.threads);
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sampling.unref();
    this.#publish();
    const cores = availableParallelism();
    if (o.threads > cores) o.note(`${o.threads} mining threads share ${plural(cores, 'core')}`);
    this.#shares = this.#mayShare();
    this.#enter();
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
    if (this.#closed) return;
    this.#cap = perSecond;
    const shares = this.#mayShare();
    const moves = shares !== this.#shares;
    // Nobody on the old thread shall hear of the new cap, nor the new one of the old.
    if (moves) this.#leave();
    this.#publish();
    this.#shares = shares;
    if (moves) this.#enter();
    else if (shares) this.#settings.crew?.resize(this.#sitters[0]!, perSecond);
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
      hashes: this.#sitters.reduce((sum, { index }) => sum + this.#control.hashes(index), 0),
      working:
        this.#job !== undefined && !this.#held && !this.#closed && !this.#control.isSolved(this.#serial),
    };
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#leave();
    this.#closed = true;
    clearInterval(this.#sampling);
    await this.#left;
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

  #sitter(index: number): Sitter {
    const { nonceSpace = 2 ** 32 } = this.#settings;
    const share = (i: number): number => Math.floor((nonceSpace * i) / this.#o.threads);
    return {
      control: this.#control,
      index,
      from: share(index),
      to: share(index + 1),
      ready: (kernel) => {
        this.#kernel = kernel;
      },
      hear: (message) => this.#hear(index, message),
      note: (text) => this.#o.note(text),
    };
  }

  #mayShare(): boolean {
    const { threads, kernel } = this.#o;
    return this.#settings.crew?.takes({ threads, kernel, hashrate: this.#cap }) ?? false;
  }

  #enter(): void {
    if (this.#shares) this.#settings.crew?.sit(this.#sitters[0]!, this.#cap);
    else this.#startOwn();
  }

  #leave(): void {
    const leaving = this.#shares
      ? this.#settings.crew?.leave(this.#sitters[0]!)
      : Promise.all(this.#own.map((thread, i) => thread.leave(this.#sitters[i]!)));
    if (!this.#shares) this.#control.settle(undefined);
    this.#own = [];
    this.#left = Promise.all([this.#left, leaving]);
  }

  #startOwn(): void {
    const bell = new Bell();
    const place = this.#control.settle(bell);
    const start = (index: number, kernel: string, ready?: () => void): MinerThread => {
      const thread = new MinerThread({
        file: this.#settings.workerFile,
        name: `mining worker ${index}`,
        bell,
        kernel,
        // Twice the cap leaves room for a machine that gets busier.
        enough: () => (2 * this.#cap) / this.#o.threads,
        exact: false,
        niceness: constants.priority.PRIORITY_LOW,
        ...defined({ ready }),
      });
      thread.sit(this.#sitters[index]!, place);
      return thread;
    };
    // The first worker chooses the kernel, the others take the same: one calibration, and on a machine not yet busy.
    const others = (kernel: string): void => {
      if (this.#control.place !== place || this.#own.length > 1) return;
      const rest = this.#sitters.slice(1).map(({ index }) => start(index, kernel));
      this.#own = [...this.#own, ...rest];
    };
    const { kernel } = this.#o;
    this.#own = [start(0, kernel, () => others(this.#kernel))];
    if (kernel !== 'auto') others(kernel);
  }

  #hear(index: number, message: SeatMessage): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'solved': {
        const current = message.serial === this.#serial;
        const others = this.#sitters.map((_, i) =>
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
        if (message.serial !== this.#serial || this.#job === undefined || this.#exhausted.has(index)) return;
        this.#exhausted.add(index);
        if (this.#exhausted.size === this.#o.threads) this.#o.exhausted(this.#job.id);
    }
  }

  #sample(): void {
    this.#meter.sample(
      performance.now(),
      this.#sitters.map(({ index }) => this.#control.hashes(index)),
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
