import { hash } from 'node:crypto';
import type { SigCheck } from '../consensus/verify.ts';

const SCHEMES = { ecdsa: 0, schnorr: 1 } as const;
/** Scheme, key padded to 33, message, signature: fixed places, so that no two checks write the same bytes. */
const PREIMAGE = 1 + 33 + 32 + 64;

/**
 * Remembers checks that succeeded, by the SHA-256 of everything that they depend on (Core: SignatureCache). Failures
 * are not remembered: whoever sends garbage could fill the cache with it, and nobody asks about it twice.
 */
export class SignatureCache {
  readonly #limit: number;
  readonly #valid = new Set<string>();
  readonly #preimage = new Uint8Array(PREIMAGE);

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#valid.size;
  }

  /** What stands for this check in `has` and `add`. */
  keyOf(check: SigCheck): string {
    const { scheme, key, message, signature } = check;
    this.#preimage.fill(0, 1 + key.length, 34);
    this.#preimage[0] = SCHEMES[scheme];
    this.#preimage.set(key, 1);
    this.#preimage.set(message, 34);
    this.#preimage.set(signature, 66);
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
