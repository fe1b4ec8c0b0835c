import { ripemd160 } from '@noble/hashes/legacy.js';
import { utf8Encode } from '../util/bytes.ts';
import { Sha256 } from './sha256.ts';

/** Every hash here is 32 bytes (hash160: 20) in internal byte order; an *id* is its reversed hex, see `idOf`. */

const hasher = new Sha256();

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return hasher.update(bytes).digest();
}

/** SHA-256 twice: Bitcoin's hash of headers, transactions and merkle nodes. Core: `Hash`. */
export function sha256d(bytes: Uint8Array): Uint8Array {
  return hasher.update(bytes).doubleDigest();
}

/** SHA-256d of `bytes[from … to)`, written into `out` at `at`: for loops that must not allocate. */
export function sha256dTo(bytes: Uint8Array, from: number, to: number, out: Uint8Array, at: number): void {
  hasher.update(bytes, from, to).doubleDigestTo(out, at);
}

/** RIPEMD-160 of SHA-256, 20 bytes: what P2WPKH commits a key by. Core: `Hash160`. */
export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes));
}

const prefixes = new Map<string, Sha256>();

/** How many tags are kept as midstates; BIP340 and BIP341 need a handful. */
const MAX_TAGS = 16;

/** A hasher that has taken SHA-256(tag) twice, one whole block, which is why BIP340 chose that prefix. */
export function taggedHasher(tag: string): Sha256 {
  const known = prefixes.get(tag);
  if (known !== undefined) return known;
  const tagHash = sha256(utf8Encode(tag));
  const made = new Sha256().update(tagHash).update(tagHash);
  if (prefixes.size < MAX_TAGS) prefixes.set(tag, made);
  return made;
}

/** BIP340: SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ parts…). */
export function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const h = hasher.copyFrom(taggedHasher(tag));
  for (const part of parts) h.update(part);
  return h.digest();
}
