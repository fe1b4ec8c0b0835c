import { base58, bech32, bech32m } from '@scure/base';
import { concat, equal } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';
import { sha256d } from './hash.ts';

/**
 * The two text forms with a checksum: bech32 for addresses, base58 for secret keys. `@scure/base` converts; what is here
 * says which rule a text breaks, because a person has to find the wrong character.
 */

/** BIP173 and BIP350, which differ in one constant. */
export type Bech32Variant = 'bech32' | 'bech32m';

/** BIP173: longer than this, the checksum no longer finds every 4 errors. */
const MAX_BECH32 = 90;
const FOREIGN_BECH32 = /[^qpzry9x8gf2tvdw0s3jn54khce6mua7l]/;

/** Longest base58 text that is read: conversion is quadratic, and a key has 52 characters. */
const MAX_BASE58 = 128;
const FOREIGN_BASE58 = /[^1-9A-HJ-NP-Za-km-z]/u;

/** Prefix in lower case, 5-bit words without the checksum, and which of the two checksums it has. */
export function decodeBech32(
  text: string,
): Result<{ readonly prefix: string; readonly words: number[]; readonly variant: Bech32Variant }, string> {
  if (text.length > MAX_BECH32) return err('too long');
  if (/[^!-~]/.test(text)) return err('a character outside printable ASCII');
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase())
    return err('mixed case: write it all lower or all upper case');
  const at = lower.lastIndexOf('1');
  if (at < 0) return err('no "1" between prefix and data');
  if (at === 0) return err('nothing before the "1"');
  const data = lower.slice(at + 1);
  if (data.length < 6) return err('too short');
  const foreign = FOREIGN_BECH32.exec(data);
  if (foreign !== null) return err(`"${foreign[0]}" is not a bech32 character`);
  const plain = bech32.decodeUnsafe(lower);
  if (plain !== undefined) return ok({ ...plain, variant: 'bech32' });
  const modified = bech32m.decodeUnsafe(lower);
  if (modified !== undefined) return ok({ ...modified, variant: 'bech32m' });
  return err('bad checksum: a character is wrong or missing');
}

/** Base58 with four bytes of SHA-256d as checksum. Core: `EncodeBase58Check`. */
export function encodeBase58Check(payload: Uint8Array): string {
  return base58.encode(concat(payload, sha256d(payload).subarray(0, 4)));
}

/** The payload without its checksum. */
export function decodeBase58Check(text: string): Result<Uint8Array, string> {
  if (text.length > MAX_BASE58) return err('too long');
  const foreign = FOREIGN_BASE58.exec(text);
  if (foreign !== null) return err(`"${foreign[0]}" is not a base58 character`);
  const all = base58.decode(text);
  if (all.length < 4) return err('too short');
  const payload = all.subarray(0, -4);
  if (!equal(sha256d(payload).subarray(0, 4), all.subarray(-4))) return err('bad checksum');
  return ok(payload);
}
