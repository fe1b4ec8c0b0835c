import { toHex } from '../util/bytes.ts';
import { chacha20Keystream } from './chacha20.ts';
import { sha256 } from './hash.ts';

/**
 * MuHash3072: a hash of a set, whatever the order of its members, as a product modulo a prime. Core: crypto/muhash.h;
 * Bellare and Micciancio, "A new paradigm for collision-free hashing".
 */
const SIZE = 384;
const BITS = 3072n;
/** 2^3072 less this is the largest 3072-bit safe prime. */
const COMPLEMENT = 1_103_717n;
const MODULUS = (1n << BITS) - COMPLEMENT;
const MASK = (1n << BITS) - 1n;

/** A member as a number. Core: MuHash3072::ToNum3072. */
export function muhashElement(member: Uint8Array): bigint {
  return BigInt(`0x${toHex(chacha20Keystream(sha256(member), SIZE).reverse())}`);
}

/** Modulo the prime: the high half counts `COMPLEMENT` times. */
export function muhashProduct(a: bigint, b: bigint): bigint {
  let product = a * b;
  while (product > MASK) product = (product >> BITS) * COMPLEMENT + (product & MASK);
  return product >= MODULUS ? product - MODULUS : product;
}

/** SHA-256 of the number's 384 bytes, little endian; 32 bytes in internal order. Core: MuHash3072::Finalize. */
export function muhashDigest(product: bigint): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const hex = product.toString(16).padStart(2 * SIZE, '0');
  for (let i = 0; i < SIZE; i++) {
    const at = 2 * (SIZE - 1 - i);
    bytes[i] = Number.parseInt(hex.slice(at, at + 2), 16);
  }
  return sha256(bytes);
}

/** The hash of a set that only grows. */
export class MuHash {
  #product = 1n;

  add(member: Uint8Array): void {
    this.#product = muhashProduct(this.#product, muhashElement(member));
  }

  /** 32 bytes in internal order. */
  digest(): Uint8Array {
    return muhashDigest(this.#product);
  }
}
