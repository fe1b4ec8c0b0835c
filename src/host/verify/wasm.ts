import { createRequire } from 'node:module';
import { nobleVerify } from '../../bitcoin/secp.ts';
import type { Verify } from '../../consensus/validate/verify.ts';

/** The part of the tiny-secp256k1 package that is used. */
export interface WasmSecp {
  isPointCompressed(key: Uint8Array): boolean;
  isXOnlyPoint(key: Uint8Array): boolean;
  verify(message: Uint8Array, key: Uint8Array, signature: Uint8Array, strict: boolean): boolean;
  verifySchnorr(message: Uint8Array, key: Uint8Array, signature: Uint8Array): boolean;
}

/** libsecp256k1 compiled to WebAssembly: about 10 ms and 10 MB, so it is loaded when there is first something for it. */
export function loadWasmSecp(): WasmSecp {
  return createRequire(import.meta.url)('tiny-secp256k1') as WasmSecp;
}

const ORDER = Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex');

/**
 * Both schemes. Whether a key is a point is asked first, by a function that answers: the ones that verify throw from
 * inside the WebAssembly code, which leaves its stack where it was, and after some 3,400 such keys (version 2.2.4) the
 * instance is broken. Anybody may send us such keys.
 */
export function wasmVerify(secp: WasmSecp): Verify {
  return (check) => {
    const { scheme, key, message, signature } = check;
    if (scheme === 'ecdsa') {
      // Values beyond the order are refused by throwing, by the JavaScript around it.
      if (beyondOrder(signature, 0) || beyondOrder(signature, 32)) return false;
      return secp.isPointCompressed(key) && secp.verify(message, key, signature, true);
    }
    if (beyondOrder(signature, 32)) return false;
    // The package also refuses an r from the order up to the field's size, which BIP340 allows (nobody can make one).
    if (beyondOrder(signature, 0)) return nobleVerify(check);
    return secp.isXOnlyPoint(key) && secp.verifySchnorr(message, key, signature);
  };
}

/** Whether the 32 bytes at that place, big endian, are the order of the group or more. */
function beyondOrder(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 32; i++) {
    const difference = bytes[at + i]! - ORDER[i]!;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
