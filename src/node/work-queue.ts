import type { Steps } from '../util/steps.ts';
import type { StepContext } from './step-context.ts';
import { type Micros, NEVER } from './types.ts';

interface Job {
  readonly steps: Steps<void>;
  readonly bytes: number;
}

/** One piece in so many is not for blocks. */
const BLOCKS_TURN = 4;

/**
 * Work on a big block, a piece a step: reading and checking it, or looking for its transactions; and templates. What is done
 * after one piece, as with all small blocks, is done in the step in which it came; the others in order of arrival. While there
 * are blocks, for whose verdict others wait, a template has every fourth piece.
 */
export class WorkQueue {
  readonly #context: StepContext;
  readonly #jobs: Job[] = [];
  readonly #templates: Steps<void>[] = [];
  #turn = 0;
  #bytes = 0;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Bytes of the blocks that are not done yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Does the first piece at once. `bytes`: what the job keeps in memory. */
  start(steps: Steps<void>, bytes: number): void {
    if (steps.next().done === true) return;
    this.#jobs.push({ steps, bytes });
    this.#bytes += bytes;
    // Whoever sends faster than we read makes this step longer, and our memory no larger.
    while (this.#bytes > this.#context.limits.checkingBytes && this.#jobs.length > 0) this.#piece();
  }

  /** The same for a template. */
  startTemplate(steps: Steps<void>): void {
    if (steps.next().done !== true) this.#templates.push(steps);
  }

  tick(): void {
    const isTemplates = this.#jobs.length === 0 || ++this.#turn % BLOCKS_TURN === 0;
    if (isTemplates && this.#templates.length > 0) this.#templatePiece();
    else this.#piece();
  }

  #templatePiece(): void {
    const steps = this.#templates.shift();
    if (steps !== undefined && steps.next().done !== true) this.#templates.unshift(steps);
  }

  /** The job is out of the queue meanwhile: what it ends in may start another, which must not find it running. */
  #piece(): void {
    const job = this.#jobs.shift();
    if (job === undefined) return;
    if (job.steps.next().done === true) this.#bytes -= job.bytes;
    else this.#jobs.unshift(job);
  }

  due(): Micros {
    return this.#jobs.length + this.#templates.length > 0 ? this.#context.now : NEVER;
  }
}
