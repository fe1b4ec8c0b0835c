import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type {
  Bell,
  Control,
  ReadyMessage,
  SeatMessage,
  SeatStart,
  WorkerMessage,
  WorkerStart,
} from './control.ts';

/** A worker that keeps dying is given up: respawning for ever would only hide the cause. */
const MAX_DEATHS = 5;
const RESPAWN_MS = 200;
/** How long a worker may take to end by itself, or to let go of a seat, before that is no longer waited for. */
const END_MS = 500;

/** One miner, or its part, as the thread sees it. */
export interface Sitter {
  readonly control: Control;
  /** See `SeatStart`. */
  readonly index: number;
  readonly from: number;
  readonly to: number;
  ready(kernel: string): void;
  hear(message: SeatMessage): void;
  note(text: string): void;
}

export interface ThreadOptions {
  /** The worker's file, if not the built one. */
  readonly file: string | undefined;
  /** What notes call it. */
  readonly name: string;
  readonly bell: Bell;
  /** A kernel's name, or 'auto'. */
  readonly kernel: string;
  /** See `WorkerStart`; asked at every start. */
  readonly enough: () => number;
  readonly exact: boolean;
  readonly niceness: number;
  /** Told after the sitters. */
  readonly ready?: (message: ReadyMessage) => void;
}

/**
 * The worker as built: Node 20 and vitest load no `.ts` worker, so it is found through package.json's `imports`, the
 * same from the source, from the build, from the bundle and from an installed package.
 */
export function builtWorkerFile(): string {
  const file = createRequire(import.meta.url).resolve('#worker/miner');
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build`);
  return file;
}

interface Seat {
  readonly sitter: Sitter;
  readonly start: SeatStart;
  /** Set when it is leaving; until it is called there may be news from it: a solution must not be lost. */
  gone?: () => void;
}

/** A mining thread and those who sit on it. A worker that dies is replaced; one on which nobody sits ends. */
export class MinerThread {
  readonly #o: ThreadOptions;
  readonly #file: string;
  readonly #seats = new Map<number, Seat>();
  #ids = 0;
  #worker: Worker | undefined;
  #ready: ReadyMessage | undefined;
  #deaths = 0;
  #respawn: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(o: ThreadOptions) {
    this.#o = o;
    this.#file = o.file ?? builtWorkerFile();
  }

  /** Nothing will ever grind here again. */
  get isOver(): boolean {
    return this.#closed || this.#deaths > MAX_DEATHS;
  }

  /** `place`: of the sitter's control, see `Control.settle`. */
  sit(sitter: Sitter, place: number): void {
    const { control, index, from, to } = sitter;
    const start: SeatStart = { id: ++this.#ids, control: control.buffer, place, index, from, to };
    this.#seats.set(start.id, { sitter, start });
    if (this.#ready !== undefined) greet(sitter, this.#ready);
    if (this.#worker === undefined) {
      if (this.#deaths === 0) this.#spawn();
      return;
    }
    this.#worker.postMessage(start);
    this.#o.bell.ring();
  }

  /** Its control must have been settled elsewhere. Resolves when it is ground no more here. */
  leave(sitter: Sitter): Promise<void> {
    const seat = this.#sitting.find((one) => one.sitter === sitter);
    if (seat === undefined) return Promise.resolve();
    const gone = inTime((done) => {
      seat.gone = done;
    });
    if (this.#sitting.length === 0) return this.#close();
    if (this.#worker === undefined) this.#free(seat);
    return gone;
  }

  get #sitting(): readonly Seat[] {
    return [...this.#seats.values()].filter((seat) => seat.gone === undefined);
  }

  #free(seat: Seat): void {
    this.#seats.delete(seat.start.id);
    seat.gone?.();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#respawn);
    this.#o.bell.close();
    const worker = this.#worker;
    if (worker === undefined) {
      for (const seat of this.#seats.values()) this.#free(seat);
      return;
    }
    // It ends by itself at the next batch; one that does not (it is still starting) is ended.
    await inTime((done) => worker.once('exit', done));
    await worker.terminate();
  }

  #spawn(): void {
    const start: WorkerStart = {
      bell: this.#o.bell.buffer,
      seats: this.#sitting.map((seat) => seat.start),
      // One that was chosen before is not chosen again.
      kernel: this.#ready?.kernel ?? this.#o.kernel,
      enough: this.#o.enough(),
      exact: this.#o.exact,
      niceness: this.#o.niceness,
      attempt: this.#deaths,
    };
    // Its heap holds next to nothing once the kernel is made; the parent's flags (an inspector) are not for it.
    const worker = new Worker(this.#file, {
      workerData: start,
      name: this.#o.name,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 },
    });
    this.#worker = worker;
    let cause = 'it ended';
    worker.on('message', (message: WorkerMessage) => this.#hear(message));
    worker.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => this.#died(cause));
  }

  #hear(message: WorkerMessage): void {
    if (message.kind === 'ready') {
      this.#ready = message;
      for (const { sitter } of this.#sitting) greet(sitter, message);
      this.#o.ready?.(message);
      return;
    }
    const seat = this.#seats.get(message.seat);
    if (seat === undefined) return;
    if (message.kind === 'left') this.#free(seat);
    else seat.sitter.hear(message);
  }

  #died(cause: string): void {
    this.#worker = undefined;
    for (const seat of this.#seats.values()) if (seat.gone !== undefined) this.#free(seat);
    if (this.#closed) return;
    this.#deaths++;
    const { name } = this.#o;
    this.#note(
      this.isOver
        ? `${name} died ${this.#deaths} times and is given up: ${cause}`
        : `${name} died and is replaced: ${cause}`,
    );
    if (!this.isOver) this.#respawn = setTimeout(() => this.#spawn(), RESPAWN_MS);
  }

  #note(text: string): void {
    for (const { sitter } of this.#sitting) sitter.note(text);
  }
}

function greet(sitter: Sitter, { kernel, notes }: ReadyMessage): void {
  for (const note of notes) sitter.note(note);
  sitter.ready(kernel);
}

/** Resolves when `begin`'s argument is called, or after a while. */
async function inTime(begin: (done: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((done) => {
    timer = setTimeout(done, END_MS);
    begin(done);
  });
  clearTimeout(timer);
}
