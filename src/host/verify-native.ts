import { createRequire } from 'node:module';
import type { Verify } from '../consensus/verify.ts';

/** The part of the secp256k1 package that is used. Throws on a key or signature that cannot be parsed. */
export interface NativeSecp {
  ecdsaVerify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean;
}

/** What the package throws for data that libsecp256k1 cannot parse: not bugs, but verdicts. */
const UNPARSABLE = new Set(['Public Key could not be parsed', 'Signature could not be parsed']);

/**
 * libsecp256k1 behind Node's binding. The package's main file falls back to plain JavaScript, hundreds of times slower,
 * without a word; so the binding itself is loaded, and throws where there is none for this platform.
 */
export function loadNativeSecp(): NativeSecp {
  return createRequire(import.meta.url)('secp256k1/bindings.js') as NativeSecp;
}

/** Checks of scheme 'ecdsa' only. */
export function nativeEcdsa(secp: NativeSecp): Verify {
  return ({ key, message, signature }) => {
    try {
      return secp.ecdsaVerify(signature, message, key);
    } catch (error) {
      if (error instanceof Error && UNPARSABLE.has(error.message)) return false;
      throw error;
    }
  };
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Secret key 1 over SHA-256('forkyard'), nonce by RFC 6979. */
export const KNOWN_CHECK = {
  scheme: 'ecdsa',
  key: bytes('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'),
  message: bytes('62c8575372b89e406b5742e162e706ce318f43ed767bfa2ea251afcd1d013325'),
  signature: bytes(
    'a0b60c5fcc0c078b1d17acd4fa79813dd7bb205038f2db9dbda1450c450829a45c1acf86fd5b75797feea4167172bf7fb31aad14951d5c3d920dbb700206adc7',
  ),
} as const;

/** Whether a back end tells right from wrong on a known signature: a binding that loads may still be broken. */
export function works(verify: Verify): boolean {
  const wrong = KNOWN_CHECK.message.slice();
  wrong[0] = wrong[0]! ^ 1;
  return verify(KNOWN_CHECK) && !verify({ ...KNOWN_CHECK, message: wrong });
}
