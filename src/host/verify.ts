import { nobleVerify } from '../bitcoin/secp.ts';
import type { SigCheck, Verify } from '../consensus/verify.ts';
import { hostLimits } from './limits.ts';
import { SignatureCache } from './sig-cache.ts';
import { loadNativeSecp, type NativeSecp, nativeEcdsa, works } from './verify-native.ts';

export interface VerifyStats {
  /** Checks answered from the cache. */
  readonly hits: number;
  /** Checks that a back end answered. */
  readonly misses: number;
  /** Signatures remembered. */
  readonly cached: number;
}

export interface HostVerify {
  /** Injected into the node. */
  readonly verify: Verify;
  /** Which library answers, for logs and status. */
  readonly backends: { readonly ecdsa: string; readonly schnorr: string };
  /** What the user should hear. */
  readonly notes: readonly string[];
  /** Checks ahead of need, so that the node finds the answers in the cache. */
  warm(checks: readonly SigCheck[]): void;
  stats(): VerifyStats;
}

export interface VerifySettings {
  readonly cacheEntries?: number;
  /** Loads the native binding or throws. */
  readonly native?: () => NativeSecp;
}

const NATIVE = 'libsecp256k1 (native)';
const NOBLE = '@noble/secp256k1';

/**
 * The fastest checks that this machine has: native ECDSA where the binding loads and works, noble for the rest, behind
 * one cache of successes.
 */
export async function createVerify(settings: VerifySettings = {}): Promise<HostVerify> {
  const cache = new SignatureCache(settings.cacheEntries ?? hostLimits.signatureCacheEntries);
  const { ecdsa, note } = chooseEcdsa(settings.native ?? loadNativeSecp);
  let hits = 0;
  let misses = 0;

  const verify: Verify = (check) => {
    assertLengths(check);
    const key = cache.keyOf(check);
    if (cache.has(key)) {
      hits++;
      return true;
    }
    misses++;
    const valid = check.scheme === 'ecdsa' && ecdsa !== undefined ? ecdsa(check) : nobleVerify(check);
    if (valid) cache.add(key);
    return valid;
  };

  return {
    verify,
    backends: { ecdsa: ecdsa === undefined ? NOBLE : NATIVE, schnorr: NOBLE },
    notes: note === undefined ? [] : [note],
    warm: (checks) => {
      for (const check of checks) verify(check);
    },
    stats: () => ({ hits, misses, cached: cache.size }),
  };
}

function chooseEcdsa(load: () => NativeSecp): { ecdsa?: Verify; note?: string } {
  const slow = `ECDSA signatures are checked by ${NOBLE}, about forty times slower`;
  try {
    const ecdsa = nativeEcdsa(load());
    return works(ecdsa) ? { ecdsa } : { note: `the native secp256k1 binding gives wrong answers: ${slow}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { note: `the native secp256k1 binding does not load (${why}): ${slow}` };
  }
}

/** A wrong length is a bug of the caller; back ends would each treat it in a way of their own. */
function assertLengths({ scheme, key, message, signature }: SigCheck): void {
  if (key.length !== (scheme === 'ecdsa' ? 33 : 32) || message.length !== 32 || signature.length !== 64) {
    throw new Error(
      `a ${scheme} check with ${key.length} bytes of key, ${message.length} of message, ${signature.length} of signature`,
    );
  }
}
