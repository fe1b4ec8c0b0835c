import { hash160 } from '../../src/bitcoin/hash.ts';
import { lockScript } from '../../src/bitcoin/lock.ts';
import { signEcdsa } from '../../src/bitcoin/secp.ts';
import { newSighashCache, sighashAllV0 } from '../../src/bitcoin/sighash.ts';
import { ORDER, toDer } from '../../src/bitcoin/signature.ts';
import { makeTx, type Tx, type TxIn } from '../../src/bitcoin/tx.ts';
import { concat } from '../../src/util/bytes.ts';
import { ALICE, BOB, outputOf, payTo, payToTaproot, spend, TAPROOT } from './keys.ts';
import type { World } from './world.ts';

/** Every way to fail at opening a lock, as transactions of one block. The first coin is Alice's, of the genesis. */
export interface ScriptCase {
  readonly title: string;
  /** What Core says, or the beginning of what we say. */
  readonly cause: string;
  readonly txs: (world: World) => readonly Tx[];
}

const COIN20 = 20e8;
const toBob = { value: COIN20, script: payTo(BOB) };

function p2wpkh(
  title: string,
  cause: string,
  spoil: (witness: Uint8Array[], tx: { world: World }) => Uint8Array[],
): ScriptCase {
  return {
    title,
    cause,
    txs: (world) => [
      spend([world.genesisCoin(0)], [toBob], {
        spoil: (inputs) => {
          inputs[0] = { ...inputs[0]!, witness: spoil([...inputs[0]!.witness], { world }) };
        },
      }),
    ],
  };
}

/** A taproot output of Alice's coin, and a spoilt way to spend it in the same block. */
function p2tr(title: string, cause: string, spoil: (witness: Uint8Array[]) => Uint8Array[]): ScriptCase {
  return {
    title,
    cause,
    txs: (world) => {
      const parent = spend([world.genesisCoin(0)], [{ value: COIN20, script: payToTaproot(TAPROOT) }]);
      const child = spend([outputOf(parent, 0, TAPROOT)], [toBob], {
        spoil: (inputs) => {
          inputs[0] = { ...inputs[0]!, witness: spoil([...inputs[0]!.witness]) };
        },
      });
      return [parent, child];
    },
  };
}

/** Alice's correct signature of the payment, compact, for those who re-encode it. */
function compactOf(world: World): Uint8Array {
  const coin = world.genesisCoin(0);
  const input: TxIn = {
    prevout: coin.outpoint,
    script: new Uint8Array(0),
    sequence: 0xffff_ffff,
    witness: [],
  };
  const tx = makeTx({ version: 2, inputs: [input], outputs: [toBob], lockTime: 0 });
  return signEcdsa(sighashAllV0(tx, 0, coin.script.subarray(2), coin.value, newSighashCache()), ALICE);
}

/** n − s: the other valid signature of the same message, which BIP146 forbids. */
function highS(compact: Uint8Array): Uint8Array {
  const out = compact.slice();
  let borrow = 0;
  for (let i = 31; i >= 0; i--) {
    const digit = ORDER[i]! - compact[32 + i]! - borrow;
    out[32 + i] = digit & 255;
    borrow = digit < 0 ? 1 : 0;
  }
  return out;
}

const UNCOMPRESSED = concat(Uint8Array.of(4), new Uint8Array(64).fill(3));

export const SCRIPT_CASES: readonly ScriptCase[] = [
  p2wpkh('P2WPKH: a wrong signature', 'Signature must be zero', ([signature, key]) => {
    const copy = signature!.slice();
    copy[10]! ^= 1; // inside r, which stays below n
    return [copy, key!];
  }),
  p2wpkh("P2WPKH: somebody else's key", 'Script failed an OP_EQUALVERIFY', ([signature]) => [
    signature!,
    concat(Uint8Array.of(2), new Uint8Array(32).fill(7)),
  ]),
  p2wpkh('P2WPKH: an uncompressed key', 'Using non-compressed keys', ([signature]) => [
    signature!,
    UNCOMPRESSED,
  ]),
  p2wpkh('P2WPKH: no witness', 'Witness program was passed an empty witness', () => []),
  p2wpkh('P2WPKH: three items', 'Witness program hash mismatch', ([signature, key]) => [
    signature!,
    key!,
    new Uint8Array(1),
  ]),
  p2wpkh('P2WPKH: SIGHASH_NONE', 'Signature hash type', ([signature, key]) => {
    const copy = signature!.slice();
    copy[copy.length - 1] = 2;
    return [copy, key!];
  }),
  p2wpkh('P2WPKH: a high S', 'Non-canonical signature: S value', ([, key], { world }) => [
    toDer(highS(compactOf(world)), 1),
    key!,
  ]),
  p2wpkh('P2WPKH: DER with a needless zero', 'Non-canonical DER', ([, key], { world }) => {
    const der = toDer(compactOf(world), 1);
    const padded = concat(der.slice(0, 4), Uint8Array.of(0), der.slice(4));
    padded[1]! += 1;
    padded[3]! += 1;
    return [padded, key!];
  }),
  p2wpkh('P2WPKH: r = 0', 'r or s is outside', ([, key]) => [
    toDer(concat(new Uint8Array(32), new Uint8Array(31), Uint8Array.of(1)), 1),
    key!,
  ]),
  {
    title: 'a scriptSig that is not empty',
    cause: 'Witness requires empty scriptSig',
    txs: (world) => [
      spend([world.genesisCoin(0)], [toBob], {
        spoil: (inputs) => {
          inputs[0] = { ...inputs[0]!, script: Uint8Array.of(0x51) };
        },
      }),
    ],
  },
  {
    title: 'P2WPKH: a key that is no point',
    cause: 'Signature must be zero',
    txs: (world) => {
      // x = 5 is on no point of the curve, but its hash can lock a coin all the same.
      const key = concat(Uint8Array.of(2), new Uint8Array(31), Uint8Array.of(5));
      const script = lockScript({ kind: 'p2wpkh', hash: hash160(key) });
      const parent = spend([world.genesisCoin(0)], [{ value: COIN20, script }]);
      const child = spend([outputOf(parent, 0, ALICE)], [toBob], {
        spoil: (inputs) => {
          inputs[0] = { ...inputs[0]!, witness: [inputs[0]!.witness[0]!, key] };
        },
      });
      return [parent, child];
    },
  },
  p2tr('P2TR: a wrong signature', 'Invalid Schnorr signature', ([signature]) => {
    const copy = signature!.slice();
    copy[40]! ^= 1;
    return [copy];
  }),
  p2tr('P2TR: 65 bytes, an explicit SIGHASH_ALL', 'Invalid Schnorr signature size', ([signature]) => [
    concat(signature!, Uint8Array.of(1)),
  ]),
  p2tr('P2TR: an annex', 'P2TR is spent by one signature', ([signature]) => [
    signature!,
    Uint8Array.of(0x50, 1),
  ]),
  p2tr('P2TR: a script path', 'P2TR is spent by one signature', ([signature]) => [
    signature!,
    Uint8Array.of(0x51),
    concat(Uint8Array.of(0xc0), new Uint8Array(32).fill(1)),
  ]),
  {
    title: 'P2TR: a key that is not on the curve can be paid, never spent',
    cause: 'Invalid Schnorr signature',
    txs: (world) => {
      const key = concat(new Uint8Array(31), Uint8Array.of(5));
      const parent = spend(
        [world.genesisCoin(0)],
        [{ value: COIN20, script: lockScript({ kind: 'p2tr', key }) }],
      );
      return [parent, spend([outputOf(parent, 0, TAPROOT)], [toBob])];
    },
  },
];
