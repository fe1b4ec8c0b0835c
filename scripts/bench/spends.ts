import { hash160 } from '../../src/bitcoin/hash.ts';
import { lockScript } from '../../src/bitcoin/lock.ts';
import { publicKey, signEcdsa } from '../../src/bitcoin/secp.ts';
import { newSighashCache, SIGHASH_ALL, sighashAllV0 } from '../../src/bitcoin/sighash.ts';
import { toDer } from '../../src/bitcoin/signature.ts';
import { makeTx, type OutPoint, type Tx } from '../../src/bitcoin/tx.ts';

/** The benches' own key: worthless. */
const SECRET = new Uint8Array(32).fill(42);
const KEY = publicKey(SECRET);
export const KEY_HASH = hash160(KEY);
/** The P2WPKH script of that key. */
export const SCRIPT = lockScript({ kind: 'p2wpkh', hash: KEY_HASH });

/** Satoshis. */
export const FEE = 1_000;
const FIRST_OUTPUT = 10_000;

/** A signed payment of one P2WPKH coin of that key to two outputs. */
export function spend(prevout: OutPoint, value: number): Tx {
  const outputs = [
    { value: FIRST_OUTPUT, script: SCRIPT },
    { value: value - FIRST_OUTPUT - FEE, script: SCRIPT },
  ];
  const shape = { version: 2, outputs, lockTime: 0 };
  const unsigned = makeTx({
    ...shape,
    inputs: [{ prevout, script: new Uint8Array(0), sequence: 0xffff_fffd, witness: [] }],
  });
  const message = sighashAllV0(unsigned, 0, KEY_HASH, value, newSighashCache());
  const signature = toDer(signEcdsa(message, SECRET), SIGHASH_ALL);
  return makeTx({ ...shape, inputs: [{ ...unsigned.inputs[0]!, witness: [signature, KEY] }] });
}
