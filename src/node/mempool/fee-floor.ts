import type { Limits } from '../limits.ts';
import type { Micros } from '../types.ts';

/** Core halves in 12 hours, which is 72 of its blocks. */
const HALF_LIFE_BLOCKS = 72;
/** Core looks at most every ten seconds; between two looks the floor stands. */
const LOOK_EVERY: Micros = 10_000_000;

/**
 * The fee rate that a full pool demands (Core: GetMinFee). Each eviction raises it above what was evicted, so that the
 * same place is not paid for twice; once a block has come, it decays, faster while the pool is far from full.
 * Rates are satoshis per 1,000 vbytes.
 */
export class FeeFloor {
  readonly #limits: Limits;
  readonly #halfLife: Micros;
  #rolling = 0;
  #looked: Micros = 0;
  #blockCame = true;

  constructor(limits: Limits, spacingMs: number) {
    this.#limits = limits;
    this.#halfLife = HALF_LIFE_BLOCKS * spacingMs * 1_000;
  }

  /** As of the last step: looking at it changes nothing, so that RPC calls leave no mark on what the node does. */
  get rate(): number {
    return Math.max(this.#limits.minRelayFeeRate, Math.ceil(this.#rolling));
  }

  raise(evictedRate: number, now: Micros): void {
    const rate = evictedRate + this.#limits.incrementalFeeRate;
    if (rate > this.#rolling) this.#rolling = rate;
    this.#looked = now;
    this.#blockCame = false;
  }

  block(now: Micros): void {
    if (!this.#blockCame) this.#looked = now;
    this.#blockCame = true;
  }

  decay(now: Micros, usage: number): void {
    if (this.#rolling === 0 || !this.#blockCame || now < this.#looked + LOOK_EVERY) return;
    const full = this.#limits.mempoolBytes;
    const halfLife =
      usage < full / 4 ? this.#halfLife / 4 : usage < full / 2 ? this.#halfLife / 2 : this.#halfLife;
    let halvings = (now - this.#looked) / halfLife;
    // Straight between two halvings: pure code has no power function, and nothing depends on the curve.
    for (; halvings >= 1 && this.#rolling > 0; halvings--) this.#rolling = this.#halved(1);
    this.#rolling = this.#halved(halvings);
    this.#looked = now;
    if (this.#rolling < this.#limits.incrementalFeeRate / 2) this.#rolling = 0;
  }

  #halved(part: number): number {
    const rate = this.#rolling * (1 - part / 2);
    return rate < this.#limits.incrementalFeeRate / 2 ? 0 : rate;
  }
}
