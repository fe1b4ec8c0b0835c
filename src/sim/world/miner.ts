import type { HostNews } from '../../events/events.ts';
import type { Job, Micros } from '../../node/types.ts';
import { assert } from '../../util/assert.ts';
import { exponential, type Random } from '../../util/random.ts';
import { grind } from './grind.ts';
import type { EventQueue } from './queue.ts';

export interface MinerOptions {
  readonly queue: EventQueue;
  readonly random: Random;
  /** How many hashes one hash of this world stands for. */
  readonly hashScale: number;
  readonly solved: (job: Job, nonce: number, tries: number, ms: number) => void;
  readonly exhausted: (job: number) => void;
}

/**
 * Hash power without the hashing: how long a job takes is drawn, and then its nonce is really ground, at a target that
 * takes no time. Grinding has no memory, so a new job or another rate simply draws again.
 */
export class SimMiner {
  readonly #o: MinerOptions;
  #job: Job | undefined;
  /** Id of the block that the newest job builds on. */
  #parent = '';
  #rate = 0;
  #since: Micros = 0;
  /** Counts draws; an older one that comes due means nothing. */
  #draw = 0;

  constructor(o: MinerOptions) {
    this.#o = o;
  }

  get job(): Job | undefined {
    return this.#job;
  }

  /** Hashes a second; 0 = stands still. */
  get rate(): number {
    return this.#rate;
  }

  /** `tell`: the line of a first job on a new parent. */
  work(job: Job | undefined, tell: (news: HostNews) => void = () => undefined): void {
    this.#job = job;
    this.#since = this.#o.queue.now;
    this.#again();
    if (job === undefined || job.prev === this.#parent) return;
    this.#parent = job.prev;
    tell({ kind: 'job', prev: job.prev, height: job.height });
  }

  setRate(hashesPerSecond: number): void {
    if (hashesPerSecond === this.#rate) return;
    this.#rate = hashesPerSecond;
    this.#again();
  }

  #again(): void {
    const draw = ++this.#draw;
    const { queue, random, hashScale } = this.#o;
    const job = this.#job;
    if (job === undefined || this.#rate <= 0) return;
    const meanMicros = (job.difficulty * hashScale * 1e6) / this.#rate;
    queue.at(queue.now + exponential(random, meanMicros), () => {
      if (this.#draw === draw) this.solve();
    });
  }

  /** Grinds the job at hand now, whatever the rate. */
  solve(): void {
    const job = this.#job;
    assert(job !== undefined, 'there is a job to grind');
    this.#draw++;
    const { queue, hashScale, solved, exhausted } = this.#o;
    const nonce = grind(job);
    if (nonce === undefined) {
      exhausted(job.id);
      return;
    }
    const micros = queue.now - this.#since;
    const tries = this.#rate > 0 ? Math.round((micros / 1e6) * this.#rate) : nonce * hashScale;
    solved(job, nonce, Math.max(1, tries), micros / 1_000);
    // The node gives another job when it took the block; when it did not, the power is still there.
    if (this.#job === job) this.#again();
  }
}
