import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import * as noble from '@noble/secp256k1';
import { assert } from '../util/assert.ts';
import { concat, utf8Encode } from '../util/bytes.ts';
import { sha256, taggedHash } from './hash.ts';
import { isScalar, ORDER } from './signature.ts';

/**
 * secp256k1 through @noble/secp256k1: keys and signatures everywhere, verification where no faster back end is given.
 * The library wants its hashes put in; this module does it once and is the only one that touches the library.
 */
noble.hashes.sha256 = sha256;
noble.hashes.hmacSha256 = (key, message) => hmac(nobleSha256, key, message);

/** What {@link nobleVerify} takes: a `SigCheck`, see consensus/validate/verify.ts, which lies above this layer. */
export interface SignatureCheck {
  readonly scheme: 'ecdsa' | 'schnorr';
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const N = toBig(ORDER);

function toBig(bytes: Uint8Array): bigint {
  return noble.etc.bytesToNumberBE(bytes);
}

/**
 * The reference of all back ends; agrees with libsecp256k1 on every input of the right lengths. High S is refused
 * before (see signature.ts), and here too, as libsecp256k1's `secp256k1_ecdsa_verify` does; a key that is no point is
 * `false`, in the uncompressed and hybrid forms too, which cannot have 33 bytes.
 */
export function nobleVerify(check: SignatureCheck): boolean {
  const { scheme, key, message, signature } = check;
  assert(
    message.length === 32 && signature.length === 64,
    'a check has a 32-byte message and 64 bytes of signature',
  );
  if (scheme === 'schnorr') {
    assert(key.length === 32, 'a schnorr check has a 32-byte key');
    return noble.schnorr.verify(signature, message, key);
  }
  assert(key.length === 33, 'an ecdsa check has a 33-byte key');
  return noble.verify(signature, message, key, { prehash: false, lowS: true });
}

/** 33 bytes, prefix 02 or 03, x the coordinate of a point. */
export function isPublicKey(key: Uint8Array): boolean {
  return key.length === 33 && noble.utils.isValidPublicKey(key, true);
}

/** The compressed public key, 33 bytes, of a secret in 1 … n − 1. */
export function publicKey(secret: Uint8Array): Uint8Array {
  assert(secret.length === 32 && isScalar(secret), 'a secret key is 32 bytes in 1 … n − 1');
  return noble.getPublicKey(secret, true);
}

/** The x coordinate alone, 32 bytes, as BIP340 writes keys. */
export function xOnlyPublicKey(secret: Uint8Array): Uint8Array {
  return publicKey(secret).slice(1);
}

/** ECDSA, nonce by RFC 6979, low S: r ‖ s, 64 bytes. The same message and key give the same signature. */
export function signEcdsa(message: Uint8Array, secret: Uint8Array): Uint8Array {
  assert(message.length === 32, 'a signature hash is 32 bytes');
  return noble.sign(message, secret, { prehash: false, lowS: true, extraEntropy: false });
}

/** No auxiliary randomness: BIP340 allows it, and a simulation needs signatures that repeat. */
export const NO_AUX = new Uint8Array(32);

/** BIP340, 64 bytes. `aux` is 32 bytes of auxiliary randomness, by default all zero: deterministic. */
export function signSchnorr(message: Uint8Array, secret: Uint8Array, aux: Uint8Array = NO_AUX): Uint8Array {
  assert(message.length === 32 && aux.length === 32, 'message and auxiliary randomness are 32 bytes');
  return noble.schnorr.sign(message, secret, aux);
}

function liftX(key: Uint8Array): noble.Point | undefined {
  const compressed = concat(Uint8Array.of(2), key);
  return toBig(key) < FIELD && isPublicKey(compressed) ? noble.Point.fromBytes(compressed) : undefined;
}

function tapTweak(key: Uint8Array): bigint {
  return toBig(taggedHash('TapTweak', key));
}

/**
 * The taproot output key of an internal key without scripts (BIP86): Q = P + H_TapTweak(P)·G, x only. `undefined`
 * when the internal key is not on the curve, or for the tweaks that BIP341 excludes (nobody can find one).
 */
export function tweakedKey(internal: Uint8Array): Uint8Array | undefined {
  const p = liftX(internal);
  const t = tapTweak(internal);
  if (p === undefined || t === 0n || t >= N) return undefined;
  const q = p.add(noble.Point.BASE.multiply(t));
  return q.is0() ? undefined : q.toBytes(true).slice(1);
}

/** The secret key that signs for {@link tweakedKey} of `secret`'s public key (BIP341 `taproot_tweak_seckey`). */
export function tweakedSecret(secret: Uint8Array): Uint8Array {
  const compressed = publicKey(secret);
  const d = toBig(secret);
  const even = compressed[0] === 2 ? d : N - d; // x-only keys stand for the point with even y
  const t = tapTweak(compressed.subarray(1));
  const tweaked = (even + t) % N;
  assert(t < N && tweaked !== 0n, 'a tweak that BIP341 excludes');
  return noble.etc.numberToBytesBE(tweaked);
}

/** A secret key from a name, for keys that are worthless on purpose: SHA-256 of its UTF-8. */
export function secretOfText(text: string): Uint8Array {
  const secret = sha256(utf8Encode(text));
  assert(isScalar(secret), 'a text that hashes to no secret key');
  return secret;
}
