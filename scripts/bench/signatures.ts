import { nobleVerify, publicKey, signEcdsa, signSchnorr, xOnlyPublicKey } from '../../src/bitcoin/secp.ts';
import type { SigCheck, Verify } from '../../src/consensus/verify.ts';
import { createVerify } from '../../src/host/verify.ts';
import { type BenchTable, byTurns, perSecond } from './table.ts';

const SPAN_MS = 600;
const ROUNDS = 5;
const CHECKS = 64;

/** Signatures a second on one thread: each back end cold, and the cache. */
export async function signatureSuite(): Promise<BenchTable> {
  const checks = Array.from({ length: CHECKS }, (_, i) => make(i, 'ecdsa'));
  const schnorr = Array.from({ length: CHECKS }, (_, i) => make(i, 'schnorr'));
  const cold = createVerify({ cacheEntries: 0 });
  const warm = createVerify();
  const run = (verify: Verify, on: readonly SigCheck[]) => () => {
    let i = 0;
    return perSecond(() => {
      if (!verify(on[i++ % CHECKS]!)) throw new Error('a valid signature was refused');
    }, SPAN_MS);
  };
  const rates = byTurns(ROUNDS, {
    native: run(cold.verify, checks),
    noble: run(nobleVerify, checks),
    cached: run(warm.verify, checks),
    schnorr: run(cold.verify, schnorr),
  });
  const unit = 'signatures/s';
  return {
    suite: 'signatures',
    says: `Valid signatures of ${CHECKS} keys, one thread, ${ROUNDS} × ${SPAN_MS / 1000} s by turns.`,
    rows: [
      {
        what: `ECDSA, ${cold.backends.ecdsa}`,
        median: rates.native,
        unit,
        beside: { what: 'noble', times: rates.native / rates.noble },
      },
      { what: 'ECDSA, @noble/secp256k1', median: rates.noble, unit },
      { what: `Schnorr, ${cold.backends.schnorr}`, median: rates.schnorr, unit },
      { what: 'found in the cache', median: rates.cached, unit },
    ],
  };
}

function make(i: number, scheme: SigCheck['scheme']): SigCheck {
  const secret = new Uint8Array(32).fill(i + 1);
  const message = new Uint8Array(32).fill(255 - i);
  return scheme === 'ecdsa'
    ? { scheme, key: publicKey(secret), message, signature: signEcdsa(message, secret) }
    : { scheme, key: xOnlyPublicKey(secret), message, signature: signSchnorr(message, secret) };
}
