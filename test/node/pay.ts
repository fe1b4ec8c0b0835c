import { hash160 } from '../../src/bitcoin/hash.ts';
import { publicKey, signEcdsa } from '../../src/bitcoin/secp.ts';
import { newSighashCache, sighashAllV0 } from '../../src/bitcoin/sighash.ts';
import { toDer } from '../../src/bitcoin/signature.ts';
import { makeTx, type OutPoint, type Tx, type TxOut } from '../../src/bitcoin/tx.ts';
import { type WellKnown, wellKnownScript, wellKnownSecret } from '../../src/consensus/params/genesis.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { equal } from '../../src/util/bytes.ts';

/** A coin that one of the well-known people owns. */
export interface Owned {
  readonly owner: WellKnown;
  readonly outpoint: OutPoint;
  readonly value: number;
}

/** The `n`-th coin that the genesis block gives this person. */
export function genesisCoin(params: Params, owner: WellKnown, n = 0): Owned {
  const [coinbase] = params.genesis.txs;
  const script = wellKnownScript(owner);
  const own = coinbase!.outputs.flatMap((output, index) =>
    equal(output.script, script) ? [{ output, index }] : [],
  );
  const { output, index } = own[n]!;
  return { owner, outpoint: { txid: coinbase!.txid, index }, value: output.value };
}

export function outputOf(tx: Tx, index: number, owner: WellKnown): Owned {
  return { owner, outpoint: { txid: tx.txid, index }, value: tx.outputs[index]!.value };
}

/** Spends these coins whole: `amount` to `to`, the rest but the fee back to the first owner. Really signed. */
export function pay(coins: readonly Owned[], to: WellKnown, amount: number, fee = 10_000): Tx {
  const sum = coins.reduce((total, coin) => total + coin.value, 0);
  const outputs: TxOut[] = [{ value: amount, script: wellKnownScript(to) }];
  const rest = sum - amount - fee;
  if (rest > 0) outputs.push({ value: rest, script: wellKnownScript(coins[0]!.owner) });
  const bare = {
    version: 2,
    outputs,
    lockTime: 0,
    inputs: coins.map(({ outpoint }) => ({
      prevout: outpoint,
      script: new Uint8Array(),
      sequence: 0xffff_fffd,
      witness: [] as Uint8Array[],
    })),
  };
  const unsigned = makeTx(bare);
  const cache = newSighashCache();
  const inputs = bare.inputs.map((input, i) => {
    const secret = wellKnownSecret(coins[i]!.owner);
    const key = publicKey(secret);
    const message = sighashAllV0(unsigned, i, hash160(key), coins[i]!.value, cache);
    return { ...input, witness: [toDer(signEcdsa(message, secret), 1), key] };
  });
  return makeTx({ ...bare, inputs });
}
