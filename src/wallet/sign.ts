import { parseLock } from '../bitcoin/lock.ts';
import { NO_AUX, signEcdsa, signSchnorr } from '../bitcoin/secp.ts';
import { newSighashCache, SIGHASH_ALL, sighashAllV0, sighashDefaultV1 } from '../bitcoin/sighash.ts';
import { toDer } from '../bitcoin/signature.ts';
import { makeTx, type Tx, type TxIn, type TxOut } from '../bitcoin/tx.ts';
import { toHex } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';
import type { KeyRing } from './keys.ts';

/**
 * Signs every input. P2WPKH: ECDSA by RFC 6979, low S, SIGHASH_ALL. P2TR: the key path of BIP341, SIGHASH_DEFAULT.
 * `spentOutputs`: each input's coin, in order. `aux`: BIP340's 32 bytes of auxiliary randomness, by default zero, so
 * that the same transaction and keys give the same bytes; pass random ones where side channels matter.
 */
export function signTx(
  tx: Tx,
  spentOutputs: readonly TxOut[],
  keys: KeyRing,
  aux: Uint8Array = NO_AUX,
): Result<Tx, string> {
  if (spentOutputs.length !== tx.inputs.length) {
    return err(`${tx.inputs.length} inputs, but ${spentOutputs.length} spent outputs are given`);
  }
  const cache = newSighashCache();
  const inputs: TxIn[] = [];
  for (const [i, input] of tx.inputs.entries()) {
    const spent = spentOutputs[i]!;
    const found = keys.find(spent.script);
    const lock = parseLock(spent.script);
    if (found === undefined || lock === undefined || lock.kind === 'data') {
      return err(`input ${i}: no key for the lock ${toHex(spent.script)}`);
    }
    const { key } = found;
    let witness: readonly Uint8Array[];
    if (lock.kind === 'p2wpkh') {
      const message = sighashAllV0(tx, i, lock.hash, spent.value, cache);
      witness = [toDer(signEcdsa(message, key.secret), SIGHASH_ALL), key.publicKey];
    } else {
      const message = sighashDefaultV1(tx, i, spentOutputs, cache);
      witness = [signSchnorr(message, key.taproot.secret, aux)];
    }
    inputs.push({ ...input, witness });
  }
  return ok(makeTx({ version: tx.version, inputs, outputs: tx.outputs, lockTime: tx.lockTime }));
}
