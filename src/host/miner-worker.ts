import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { selectKernel } from './kernels/select.ts';
import { Control, type Order, type WorkerMessage, type WorkerStart } from './miner-control.ts';
import { Pace } from './miner-pace.ts';
import type { Kernel } from './miner-types.ts';

/** Nonces between two looks at the signal: about a millisecond with a fast kernel, without loss of throughput. */
const BATCH = 8192;
const SMALLEST_BATCH = 16;
/** A slower kernel gets smaller batches: a new tip must reach every worker within 5 ms. */
const LONGEST_BATCH_MS = 2;

const start = workerData as WorkerStart;
const port = parentPort;
if (port === null) throw new Error('miner-worker runs as a worker thread only');
const tell = (message: WorkerMessage): void => port.postMessage(message);

/** One worker's work on one order. */
class Shift {
  readonly order: Order;
  #next: number;
  readonly #started = performance.now();
  /** On easy targets a whole batch would hide how few tries it took, and delay the block. */
  readonly #usefulBatch: number;
  #tries = 0;
  exhausted = false;

  constructor(order: Order) {
    this.order = order;
    this.#next = start.from;
    const top = new DataView(order.target.buffer, order.target.byteOffset).getUint32(0);
    this.#usefulBatch = Math.max(SMALLEST_BATCH, Math.floor(2 ** 33 / (top + 1)));
  }

  /** Tries up to `most` nonces, returns how many. */
  grind(kernel: Kernel, control: Control, most: number): number {
    const count = Math.min(most, this.#usefulBatch, start.to - this.#next);
    const [nonce] = kernel.scan(this.#next, count);
    const tried = nonce === undefined ? count : nonce - this.#next + 1;
    this.#next += tried;
    this.#tries += tried;
    control.count(start.index, this.order.serial, tried);
    if (nonce !== undefined && control.claim(this.order.serial)) {
      const { serial, job } = this.order;
      tell({ kind: 'solved', serial, job, nonce, tries: this.#tries, ms: performance.now() - this.#started });
    } else if (nonce === undefined && this.#next >= start.to) {
      this.exhausted = true;
      tell({ kind: 'exhausted', serial: this.order.serial });
    }
    return tried;
  }
}

/**
 * Never returns to the event loop: between batches it looks at the shared signal, and without work it sleeps on it.
 */
function run(kernel: Kernel, control: Control): void {
  const pace = new Pace();
  let seen = control.signal - 1;
  let shift: Shift | undefined;
  let resting = true;
  let granted = 0;
  let batch = SMALLEST_BATCH;
  for (;;) {
    const signal = control.signal;
    if (signal !== seen) {
      if (control.stopped) return;
      seen = signal;
      const order = control.read();
      pace.setRate(order.rate, performance.now());
      if (!order.hasJob) shift = undefined;
      else if (shift?.order.serial !== order.serial) {
        shift = new Shift(order);
        kernel.prepare(order.header, order.target);
      }
      resting = order.held;
    }
    if (resting || shift === undefined || shift.exhausted || control.isSolved(shift.order.serial)) {
      control.wait(seen);
      pace.restart(performance.now());
      granted = 0;
      continue;
    }
    if (pace.capped && granted <= 0) {
      granted = pace.grant(performance.now());
      if (granted === 0) {
        control.wait(seen, pace.waitMs);
        continue;
      }
    }
    const before = performance.now();
    granted -= shift.grind(kernel, control, pace.capped ? Math.min(batch, granted) : batch);
    const took = performance.now() - before;
    if (took > LONGEST_BATCH_MS) batch = Math.max(SMALLEST_BATCH, batch >> 1);
    else if (took < LONGEST_BATCH_MS / 2) batch = Math.min(BATCH, batch << 1);
  }
}

const notes: string[] = [];
// On Linux priorities belong to threads, so this leaves the node's own thread alone; elsewhere it would not.
if (process.platform === 'linux') {
  try {
    setPriority(0, constants.priority.PRIORITY_LOW);
  } catch (error) {
    notes.push(
      `worker ${start.index} keeps its priority: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
const control = new Control(start.control);
const { rate } = control.read();
// Twice the cap leaves room for a machine that gets busier.
const chosen = selectKernel({ name: start.kernel, ...(rate > 0 ? { enough: 2 * rate } : {}) });
tell({ kind: 'ready', kernel: chosen.kernel.name, notes: [...notes, ...chosen.notes] });
run(chosen.kernel, control);
