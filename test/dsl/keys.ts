import { hash160 } from '../../src/bitcoin/hash.ts';
import { lockScript, parseLock } from '../../src/bitcoin/lock.ts';
import { publicKey, secretOfText, signEcdsa, signSchnorr, xOnlyPublicKey } from '../../src/bitcoin/secp.ts';
import { newSighashCache, sighashAllV0, sighashDefaultV1 } from '../../src/bitcoin/sighash.ts';
import { toDer } from '../../src/bitcoin/signature.ts';
import { makeTx, type OutPoint, type Tx, type TxIn, type TxOut } from '../../src/bitcoin/tx.ts';
import { wellKnownSecret } from '../../src/consensus/params/genesis.ts';

/** Alice owns the genesis coins and the coinbases of all drawn blocks, bob receives. Taproot keys are used untweaked. */
export const ALICE = wellKnownSecret('alice');
export const BOB = wellKnownSecret('bob');
export const TAPROOT = secretOfText('test: a taproot key');

const scripts = new Map<Uint8Array, Uint8Array>();

/** P2WPKH; remembered, because every drawn block pays somebody. */
export function payTo(secret: Uint8Array): Uint8Array {
  const known = scripts.get(secret);
  if (known !== undefined) return known;
  const script = lockScript({ kind: 'p2wpkh', hash: hash160(publicKey(secret)) });
  scripts.set(secret, script);
  return script;
}

export const payToTaproot = (secret: Uint8Array): Uint8Array =>
  lockScript({ kind: 'p2tr', key: xOnlyPublicKey(secret) });
export const data = (...bytes: number[]): Uint8Array =>
  lockScript({ kind: 'data', data: Uint8Array.from(bytes) });

/** A coin to spend: where it is, what it is, and who can open it. */
export interface Spendable {
  readonly outpoint: OutPoint;
  readonly value: number;
  readonly script: Uint8Array;
  readonly secret: Uint8Array;
}

export const FINAL = 0xffff_ffff;

export interface SpendOptions {
  readonly version?: number;
  readonly lockTime?: number;
  readonly sequence?: number;
  /** Changes the signed inputs: how a test spoils a witness. */
  readonly spoil?: (inputs: TxIn[]) => void;
}

/** A transaction that spends these coins to these outputs, each input signed as its lock wants. */
export function spend(coins: readonly Spendable[], outputs: readonly TxOut[], o: SpendOptions = {}): Tx {
  const version = o.version ?? 2;
  const lockTime = o.lockTime ?? 0;
  const unsigned: TxIn[] = coins.map(({ outpoint }) => ({
    prevout: outpoint,
    script: new Uint8Array(0),
    sequence: o.sequence ?? FINAL,
    witness: [],
  }));
  const tx = makeTx({ version, inputs: unsigned, outputs, lockTime });
  const cache = newSighashCache();
  const spent: TxOut[] = coins.map(({ value, script }) => ({ value, script }));
  const inputs = unsigned.map((input, i) => ({
    ...input,
    witness: witnessOf(tx, i, coins[i]!, spent, cache),
  }));
  o.spoil?.(inputs);
  return makeTx({ version, inputs, outputs, lockTime });
}

function witnessOf(
  tx: Tx,
  index: number,
  coin: Spendable,
  spent: readonly TxOut[],
  cache: ReturnType<typeof newSighashCache>,
): Uint8Array[] {
  const lock = parseLock(coin.script);
  if (lock?.kind === 'p2tr') return [signSchnorr(sighashDefaultV1(tx, index, spent, cache), coin.secret)];
  if (lock?.kind !== 'p2wpkh') throw new Error('a test spends P2WPKH or P2TR');
  const message = sighashAllV0(tx, index, lock.hash, coin.value, cache);
  return [toDer(signEcdsa(message, coin.secret), 1), publicKey(coin.secret)];
}

/** An output of a transaction as a coin to spend. */
export function outputOf(tx: Tx, index: number, secret: Uint8Array): Spendable {
  const { value, script } = tx.outputs[index]!;
  return { outpoint: { txid: tx.txid, index }, value, script, secret };
}
