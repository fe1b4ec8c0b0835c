import { createRequire } from 'node:module';
import type { Verify } from '../../consensus/validate/verify.ts';

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
