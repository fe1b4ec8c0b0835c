import { assert } from '../util/assert.ts';
import { compare, concat, fromHex } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';

/** The order n of secp256k1's group, and ⌊n / 2⌋, above which s is "high". 32 bytes, big endian. */
export const ORDER = fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')!;
const HALF_ORDER = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')!;

/** 1 … n − 1. */
export function isScalar(bytes32: Uint8Array): boolean {
  return compare(bytes32, ORDER) < 0 && bytes32.some((b) => b !== 0);
}

/** One DER integer's content at `at`, minimal and not negative, as 32 bytes; `undefined` when it needs more. */
function integer(sig: Uint8Array, at: number, length: number): Uint8Array | undefined {
  let from = at;
  if (sig[from] === 0) from++;
  const n = at + length - from;
  if (n > 32) return undefined;
  const out = new Uint8Array(32);
  out.set(sig.subarray(from, from + n), 32 - n);
  return out;
}

/**
 * A DER signature with its hash-type byte, by BIP66's letter (Core: `IsValidSignatureEncoding`), then low S (BIP146),
 * then r and s in 1 … n − 1: all that signature libraries could disagree about. `compact` is r ‖ s, 32 bytes each,
 * big endian. The error is Core's sentence where Core has one.
 */
export function parseDerStrict(
  sig: Uint8Array,
): Result<{ readonly compact: Uint8Array; readonly hashType: number }, string> {
  // 30 total 02 lenR R 02 lenS S hashType
  const notDer = err('Non-canonical DER signature');
  if (sig.length < 9 || sig.length > 73) return notDer;
  if (sig[0] !== 0x30 || sig[1] !== sig.length - 3) return notDer;
  const lenR = sig[3]!;
  if (5 + lenR >= sig.length) return notDer;
  const lenS = sig[5 + lenR]!;
  if (lenR + lenS + 7 !== sig.length) return notDer;
  if (sig[2] !== 0x02 || lenR === 0 || sig[4]! >= 0x80) return notDer;
  if (lenR > 1 && sig[4] === 0 && sig[5]! < 0x80) return notDer;
  if (sig[lenR + 4] !== 0x02 || lenS === 0 || sig[lenR + 6]! >= 0x80) return notDer;
  if (lenS > 1 && sig[lenR + 6] === 0 && sig[lenR + 7]! < 0x80) return notDer;
  const r = integer(sig, 4, lenR);
  const s = integer(sig, 6 + lenR, lenS);
  if (r === undefined || s === undefined || !isScalar(r) || !isScalar(s)) {
    return err('r or s is outside 1 … n − 1');
  }
  if (compare(s, HALF_ORDER) > 0) return err('Non-canonical signature: S value is unnecessarily high');
  return ok({ compact: concat(r, s), hashType: sig[sig.length - 1]! });
}

function derInteger(bytes32: Uint8Array): Uint8Array {
  let from = 0;
  while (from < 31 && bytes32[from] === 0) from++;
  const body = bytes32.subarray(from);
  const pad = body[0]! >= 0x80 ? 1 : 0; // a leading 1 bit would read as negative
  return concat(Uint8Array.of(0x02, body.length + pad), new Uint8Array(pad), body);
}

/** r ‖ s to DER and the hash-type byte: at most 72 bytes when s is low. */
export function toDer(compact: Uint8Array, hashType: number): Uint8Array {
  assert(compact.length === 64, 'a compact signature is 64 bytes');
  const r = derInteger(compact.subarray(0, 32));
  const s = derInteger(compact.subarray(32));
  return concat(Uint8Array.of(0x30, r.length + s.length), r, s, Uint8Array.of(hashType));
}
