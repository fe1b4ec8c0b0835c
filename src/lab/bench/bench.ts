import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { Interrupted } from '../../yard/action.ts';
import { runTask, type TaskInput, type TaskName, type TaskOutput } from './tasks.ts';
import type { Answer, Order } from './worker.ts';

/** Where independent pieces of work are done (tasks.ts): on a few threads, or here. */
export interface Bench {
  /** `cost`: about how long it takes, in any unit that all pieces of one job share. */
  do<K extends TaskName>(task: K, input: TaskInput<K>, cost: number): Promise<TaskOutput<K>>;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** 0: everything in this thread, one piece after the other. */
  readonly threads: number;
  /** Part that is done of all that is known to be done, 0 … 1. */
  readonly progress?: (part: number) => void;
  readonly signal?: AbortSignal;
}

/** Blocks of whole nodes outlive small young generations and are copied once more for each: a tenth of the time. */
const YOUNG_MB = 128;

interface Piece {
  readonly order: Order;
  readonly cost: number;
  part: number;
  readonly resolve: (output: never) => void;
  readonly reject: (error: Error) => void;
}

export function openBench(options: BenchOptions): Bench {
  return new Threads(options);
}

class Threads implements Bench {
  readonly #options: BenchOptions;
  readonly #waiting: Piece[] = [];
  /** Not answered yet. */
  readonly #open = new Set<Piece>();
  readonly #workers = new Map<Worker, Piece | undefined>();
  /** What is done in this thread, one after the other. */
  #here: Promise<void> = Promise.resolve();
  /** Cost of all pieces, and what of it is done. */
  #all = 0;
  #done = 0;
  #closed = false;

  constructor(options: BenchOptions) {
    this.#options = options;
    options.signal?.addEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    for (const piece of this.#open) piece.reject(new Interrupted());
    this.#open.clear();
    void this.close();
  };

  do<K extends TaskName>(task: K, input: TaskInput<K>, cost: number): Promise<TaskOutput<K>> {
    return new Promise<TaskOutput<K>>((resolve, reject) => {
      const piece: Piece = { order: { task, input }, cost, part: 0, resolve, reject };
      if (this.#options.signal?.aborted === true) {
        reject(new Interrupted());
        return;
      }
      this.#open.add(piece);
      this.#all += cost;
      if (this.#options.threads === 0) {
        this.#here = this.#here.then(() => this.#doHere(piece));
        return;
      }
      this.#waiting.push(piece);
      // After the caller has named all pieces that it has at once, so that the longest can go first.
      queueMicrotask(() => this.#assign());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#waiting.length = 0;
    await Promise.all([...this.#workers.keys()].map((worker) => worker.terminate()));
    this.#workers.clear();
  }

  async #doHere(piece: Piece): Promise<void> {
    if (this.#closed) return;
    const { task, input } = piece.order;
    try {
      const output = await runTask(task, input, (part) => this.#advance(piece, part));
      this.#finish(piece, output);
    } catch (error) {
      this.#fail(piece, error);
    }
  }

  #assign(): void {
    if (this.#closed) return;
    for (const [worker, busy] of this.#workers) if (busy === undefined) this.#give(worker);
    while (this.#waiting.length > 0 && this.#workers.size < this.#options.threads) this.#give(this.#spawn());
  }

  /** The longest first: so no thread is left alone with a long one at the end. */
  #give(worker: Worker): void {
    let best = 0;
    for (const [i, piece] of this.#waiting.entries()) if (piece.cost > this.#waiting[best]!.cost) best = i;
    const [piece] = this.#waiting.splice(best, 1);
    if (piece === undefined) return;
    this.#workers.set(worker, piece);
    worker.postMessage(piece.order);
  }

  #spawn(): Worker {
    // By the package's own name: the same from the sources under test, from the bundle and from an installed package.
    const worker = new Worker(createRequire(import.meta.url).resolve('#worker/bench'), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#workers.set(worker, undefined);
    worker.on('message', (answer: Answer) => {
      const piece = this.#workers.get(worker);
      if (piece === undefined) return;
      if (answer.kind === 'part') {
        this.#advance(piece, answer.part);
        return;
      }
      this.#workers.set(worker, undefined);
      this.#finish(piece, answer.output);
      this.#assign();
    });
    worker.on('error', (error) => {
      const piece = this.#workers.get(worker);
      this.#workers.delete(worker);
      if (piece !== undefined) this.#fail(piece, error);
    });
    return worker;
  }

  #finish(piece: Piece, output: unknown): void {
    this.#open.delete(piece);
    this.#advance(piece, 1);
    piece.resolve(output as never);
  }

  #fail(piece: Piece, error: unknown): void {
    this.#open.delete(piece);
    piece.reject(error instanceof Error ? error : new Error(String(error)));
  }

  #advance(piece: Piece, part: number): void {
    this.#done += piece.cost * (part - piece.part);
    piece.part = part;
    this.#options.progress?.(this.#all === 0 ? 1 : Math.min(1, this.#done / this.#all));
  }
}
