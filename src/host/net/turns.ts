import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

interface Work {
  readonly run: () => void | Promise<void>;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Shares the thread among many who have work for it: first come, first served, a few milliseconds at a time, and while
 * more waits the rest of the process gets as much time as was used. So a peer waits for one piece of each other peer at
 * most, and RPC, timers and the node are served whatever comes in.
 */
export class Turns {
  readonly #sliceMs: number;
  #waiting: Work[] = [];
  #pumping = false;
  /** Time used since the event loop went round. */
  #usedMs = 0;
  #counting = false;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  /** Settles as `run` does; it runs at once when there is time. Whoever has one piece waiting at a time gets its share. */
  take(run: () => void | Promise<void>): Promise<void> {
    if (this.#waiting.length === 0 && !this.#pumping && this.#usedMs < this.#sliceMs) return this.#run(run);
    return new Promise((done, failed) => {
      this.#waiting.push({ run, done, failed });
      if (!this.#pumping) void this.#pump();
    });
  }

  async #run(run: () => void | Promise<void>): Promise<void> {
    const began = performance.now();
    if (!this.#counting) {
      this.#counting = true;
      setImmediate(() => {
        this.#counting = false;
        this.#usedMs = 0;
      });
    }
    try {
      await run();
    } finally {
      this.#usedMs += performance.now() - began;
    }
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    while (this.#waiting.length > 0) {
      await nextTurn();
      const began = performance.now();
      let used = 0;
      while (this.#waiting.length > 0 && used < this.#sliceMs) {
        const work = this.#waiting.shift()!;
        await this.#run(work.run).then(work.done, work.failed);
        used = performance.now() - began;
      }
      if (this.#waiting.length > 0) await sleep(used);
    }
    this.#pumping = false;
  }
}
