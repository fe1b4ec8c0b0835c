import { hash } from 'node:crypto';
import type { SigCheck } from '../../consensus/validate/verify.ts';
import { CHECK_BYTES, packCheck } from './slots.ts';

/**
 * Remembers checks that succeeded, by the SHA-256 of everything that they depend on (Core: SignatureCache). Failures
 * are not remembered: whoever sends garbage could fill the cache with it, and nobody asks about it twice.
 */
export class SignatureCache {
  readonly #limit: number;
  readonly #valid = new Set<string>();
  readonly #preimage = new Uint8Array(CHECK_BYTES);

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#valid.size;
  }

  /** What stands for this check in `has` and `add`. */
  keyOf(check: SigCheck): string {
    packCheck(check, this.#preimage, 0);
    return hash('sha256', this.#preimage, 'binary');
  }

  has(key: string): boolean {
    return this.#valid.has(key);
  }

  /** Forgets the oldest when full. */
  add(key: string): void {
    if (this.#limit === 0) return;
    if (this.#valid.size >= this.#limit) {
      const [oldest] = this.#valid;
      if (oldest !== undefined) this.#valid.delete(oldest);
    }
    this.#valid.add(key);
  }
}
