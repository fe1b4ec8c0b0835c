import { nobleVerify } from '../../bitcoin/secp.ts';
import type { SigCheck, Verify } from '../../consensus/validate/verify.ts';
import { loadNativeSecp, type NativeSecp, nativeEcdsa } from './native.ts';
import { loadWasmSecp, type WasmSecp, wasmVerify } from './wasm.ts';

/** Where the libraries come from; each throws where it cannot run. */
export interface BackendLoaders {
  readonly native: () => NativeSecp;
  readonly wasm: () => WasmSecp;
}

export interface BackendNames {
  readonly ecdsa: string;
  readonly schnorr: string;
}

export const LOADERS: BackendLoaders = { native: loadNativeSecp, wasm: loadWasmSecp };

const NATIVE = 'libsecp256k1 (native)';
const WASM = 'libsecp256k1 (WebAssembly)';
const NOBLE = '@noble/secp256k1';

/**
 * The libraries that check signatures on this thread, the fastest that works for each scheme: native for ECDSA,
 * WebAssembly for Schnorr, then noble for both. Every step down is told. The WebAssembly is loaded when it is first
 * needed: many a node never meets a Schnorr signature.
 */
export class Backends {
  readonly #load: BackendLoaders;
  readonly #note: (text: string) => void;
  readonly #native: Verify | undefined;
  #wasm: Verify | 'not loaded' | undefined = 'not loaded';

  constructor(load: BackendLoaders, note: (text: string) => void) {
    this.#load = load;
    this.#note = note;
    this.#native = this.#loadNative();
    // Without the native binding every payment needs the next best.
    if (this.#native === undefined) this.#loadWasm();
  }

  get names(): BackendNames {
    const next = this.#wasm === undefined ? NOBLE : WASM;
    return {
      ecdsa: this.#native === undefined ? next : NATIVE,
      schnorr: this.#wasm === 'not loaded' ? `${WASM}, from the first signature on` : next,
    };
  }

  readonly verify: Verify = (check) => {
    if (check.scheme === 'ecdsa' && this.#native !== undefined) return this.#native(check);
    const wasm = this.#wasm === 'not loaded' ? this.#loadWasm() : this.#wasm;
    if (wasm === undefined) return nobleVerify(check);
    try {
      return wasm(check);
    } catch (error) {
      // A broken instance gives no more answers; a node on the slow library is better than none.
      this.#wasm = undefined;
      this.#note(`the WebAssembly secp256k1 failed (${reason(error)}): ${this.#slower()}`);
      return nobleVerify(check);
    }
  };

  #loadNative(): Verify | undefined {
    try {
      const verify = nativeEcdsa(this.#load.native());
      if (works(verify, 'ecdsa')) return verify;
      this.#note(
        `the native secp256k1 binding gives wrong answers: ECDSA is checked by ${WASM}, if that works`,
      );
    } catch (error) {
      this.#note(
        `the native secp256k1 binding does not load (${reason(error)}): ECDSA is checked by ${WASM}, if that works, about four times slower`,
      );
    }
    return undefined;
  }

  #loadWasm(): Verify | undefined {
    this.#wasm = undefined;
    try {
      const verify = wasmVerify(this.#load.wasm());
      if (works(verify, 'ecdsa') && works(verify, 'schnorr')) this.#wasm = verify;
      else this.#note(`the WebAssembly secp256k1 gives wrong answers: ${this.#slower()}`);
    } catch (error) {
      this.#note(`the WebAssembly secp256k1 does not load (${reason(error)}): ${this.#slower()}`);
    }
    return this.#wasm;
  }

  #slower(): string {
    return this.#native === undefined
      ? `all signatures are checked by ${NOBLE}, ECDSA about forty times slower than it could be, Schnorr twelve`
      : `Schnorr signatures are checked by ${NOBLE}, about twelve times slower`;
  }
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const X = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const message = bytes('62c8575372b89e406b5742e162e706ce318f43ed767bfa2ea251afcd1d013325');

/** Secret key 1 over SHA-256('forkyard'): nonce by RFC 6979, and by BIP340 with auxiliary zeros. */
export const KNOWN_CHECKS: Readonly<Record<SigCheck['scheme'], SigCheck>> = {
  ecdsa: {
    scheme: 'ecdsa',
    key: bytes(`02${X}`),
    message,
    signature: bytes(
      'a0b60c5fcc0c078b1d17acd4fa79813dd7bb205038f2db9dbda1450c450829a45c1acf86fd5b75797feea4167172bf7fb31aad14951d5c3d920dbb700206adc7',
    ),
  },
  schnorr: {
    scheme: 'schnorr',
    key: bytes(X),
    message,
    signature: bytes(
      '9b68dfc22ee3f5e035d67322bd8e1d3c547f20d3a5d8d23f51446ee906cf84aff8cca26141ceacea7d0ab3c136b71b53914c64b42ffbf8cec0d2e29477be1942',
    ),
  },
};

/** Whether a back end tells right from wrong on a known signature: a library that loads may still be broken. */
export function works(verify: Verify, scheme: SigCheck['scheme']): boolean {
  const known = KNOWN_CHECKS[scheme];
  const wrong = known.message.slice();
  wrong[0] = wrong[0]! ^ 1;
  return verify(known) && !verify({ ...known, message: wrong });
}
