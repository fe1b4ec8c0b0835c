import { availableParallelism } from 'node:os';
import { nobleVerify, publicKey, signEcdsa, signSchnorr, xOnlyPublicKey } from '../../src/bitcoin/secp.ts';
import type { SigCheck, Verify } from '../../src/consensus/validate/verify.ts';
import { createVerify } from '../../src/host/verify/verify.ts';
import { loadWasmSecp, wasmVerify } from '../../src/host/verify/wasm.ts';
import { type BenchTable, byTurns, median, perSecond, rowOf } from './table.ts';

const SPAN_MS = 500;
const ROUNDS = 5;
const CHECKS = 64;

/** Signatures a second on one thread: each back end, and the cache. */
export function signatureSuite(): BenchTable {
  const ecdsa = Array.from({ length: CHECKS }, (_, i) => make(i, 'ecdsa'));
  const schnorr = Array.from({ length: CHECKS }, (_, i) => make(i, 'schnorr'));
  const cold = createVerify({ cacheEntries: 0 });
  const warm = createVerify();
  const wasm = wasmVerify(loadWasmSecp());
  const run = (verify: Verify, on: readonly SigCheck[]) => () => {
    let i = 0;
    return perSecond(() => {
      if (!verify(on[i++ % CHECKS]!)) throw new Error('a valid signature was refused');
    }, SPAN_MS);
  };
  const contenders = {
    native: run(cold.verify, ecdsa),
    wasmEcdsa: run(wasm, ecdsa),
    nobleEcdsa: run(nobleVerify, ecdsa),
    schnorr: run(cold.verify, schnorr),
    nobleSchnorr: run(nobleVerify, schnorr),
    cached: run(warm.verify, ecdsa),
  };
  byTurns(1, contenders); // the engine optimises
  const rates = byTurns(ROUNDS, contenders);
  const noble = { name: '@noble/secp256k1', value: median(rates.nobleEcdsa) };
  const nobleSchnorr = { ...noble, value: median(rates.nobleSchnorr) };
  const unit = 'signatures/s';
  return {
    suite: 'signatures',
    says: `Valid signatures of ${CHECKS} keys, one thread, ${ROUNDS} × ${SPAN_MS / 1000} s by turns; the machine has ${availableParallelism()} cores, and where one is idle helper threads add to it (suites "node" and "connect").`,
    rows: [
      rowOf(`ECDSA, ${cold.backends.ecdsa}`, rates.native, unit, noble),
      rowOf('ECDSA, libsecp256k1 (WebAssembly), the second choice', rates.wasmEcdsa, unit, noble),
      rowOf('ECDSA, @noble/secp256k1, the third', rates.nobleEcdsa, unit),
      rowOf(`Schnorr, ${cold.backends.schnorr}`, rates.schnorr, unit, nobleSchnorr),
      rowOf('Schnorr, @noble/secp256k1, the second choice', rates.nobleSchnorr, unit),
      rowOf('found in the cache', rates.cached, unit),
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
