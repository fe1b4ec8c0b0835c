import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { hostLimits } from '../limits.ts';
import { SigSlots } from './slots.ts';

/** What a helper thread is started with. */
export interface HelperStart {
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  /** Its number, from 1. */
  readonly who: number;
}

/** Threads that check signatures in shared slots. They come with the first work and go when there is none for a while. */
export class Helpers {
  readonly #wanted: () => number;
  readonly #note: (text: string) => void;
  readonly #file: string | undefined;
  readonly #threads = new Map<number, Worker>();
  #slots: SigSlots | undefined;
  #idle: NodeJS.Timeout | undefined;
  #deaths = 0;

  /** `wanted`: how many would not take a core from anybody, now. */
  constructor(wanted: () => number, note: (text: string) => void, file?: string) {
    this.#wanted = wanted;
    this.#note = note;
    this.#file = file;
  }

  get count(): number {
    return this.#threads.size;
  }

  /** The slots, with helpers at work on them; undefined when there should be none. */
  call(): SigSlots | undefined {
    const wanted = Math.min(this.#wanted(), hostLimits.helperThreads);
    if (wanted < 1 || this.#deaths > hostLimits.helperDeaths) {
      this.stop();
      return undefined;
    }
    this.#slots ??= SigSlots.of(hostLimits.helperSlots);
    for (let who = 1; who <= wanted; who++) if (!this.#threads.has(who)) this.#spawn(who, this.#slots);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), hostLimits.helperIdleMs);
    this.#idle.unref();
    return this.#slots;
  }

  /** They end by themselves, at once or after the slot that they are at. */
  stop(): void {
    clearTimeout(this.#idle);
    this.#slots?.stop();
    this.#slots = undefined;
    this.#threads.clear();
  }

  #spawn(who: number, slots: SigSlots): void {
    const start: HelperStart = { buffer: slots.buffer, slots: slots.count, who };
    const worker = new Worker(this.#file ?? builtHelperFile(), {
      workerData: start,
      name: `signatures ${who}`,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 },
    });
    worker.unref();
    this.#threads.set(who, worker);
    let cause = 'it ended';
    worker.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => {
      // What it had begun must not stay claimed by nobody.
      slots.releaseFrom(who);
      if (this.#threads.get(who) !== worker) return;
      this.#threads.delete(who);
      this.#deaths++;
      const next =
        this.#deaths > hostLimits.helperDeaths ? 'no more are started' : 'another comes when it is needed';
      this.#note(`a thread that checks signatures died, ${next}: ${cause}`);
    });
  }
}

/** The helper as built: see `builtWorkerFile` in host/miner/thread.ts. */
function builtHelperFile(): string {
  const file = createRequire(import.meta.url).resolve('#worker/verify');
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build`);
  return file;
}
