import type { Tx, TxOut } from '../bitcoin/tx.ts';
import { err, ok, type Result } from '../util/result.ts';
import { type BuildRequest, buildTx, describeFault } from './build.ts';
import { baseWeight, type FeeRate, feeFor, inputWeight, outputWeight, vsizeOf } from './fee.ts';
import { type Key, KeyRing } from './keys.ts';
import type { Spendable } from './select.ts';
import { signTx } from './sign.ts';

/** Satoshis per 1,000 vbytes: twice what nodes relay. */
export const USUAL_FEE_RATE: FeeRate = 2_000;

/** Room for the fee when it is not known yet whether confirmed coins suffice. */
const FEE_ROOM = 100_000;

/** A transaction that is ready to be sent. */
export interface Payment {
  readonly tx: Tx;
  readonly fee: number;
  readonly inputs: readonly Spendable[];
}

/** What one key has, as one node sees it. */
export interface Funds {
  /** Confirmed, mature, and not spent by a payment that waits. */
  readonly coins: readonly Spendable[];
  /** Outputs of payments that wait, not spent again. */
  readonly waiting: readonly Spendable[];
}

/** Builds and signs; a fault is one sentence with the figures. */
export function makePayment(key: Key, request: Omit<BuildRequest, 'changeScript'>): Result<Payment, string> {
  const built = buildTx({ ...request, changeScript: key.script('p2wpkh') });
  if (!built.ok) return err(describeFault(built.error));
  const { inputs, fee } = built.value;
  const spent = inputs.map((coin) => ({ value: coin.value, script: coin.script }));
  const tx = signTx(built.value.tx, spent, new KeyRing([key]));
  return tx.ok ? ok({ tx: tx.value, fee, inputs }) : err(`cannot sign: ${tx.error}`);
}

/** Confirmed coins if they suffice, else also those of payments that wait. */
export function fundsFor(held: Funds, amount: number): readonly Spendable[] {
  const confirmed = held.coins.reduce((sum, coin) => sum + coin.value, 0);
  // The fee is not known yet; a coin of room costs nothing here, because selection takes what it needs.
  return confirmed > amount + FEE_ROOM ? held.coins : [...held.coins, ...held.waiting];
}

/** What is left of a coin that goes to one output whole. */
function wholeCoin(coin: Spendable, script: Uint8Array, feeRate: FeeRate): number {
  const weight = baseWeight(1, 1) + inputWeight(coin.script) + outputWeight(script);
  return coin.value - feeFor(feeRate, vsizeOf(weight));
}

/**
 * The same coins spent once for each of two payees: what nobody can confirm both of. `amount`: satoshi to each; without,
 * one whole coin less the fee.
 */
export function twoPayments(
  key: Key,
  o: {
    readonly coins: readonly Spendable[];
    readonly to: readonly [Uint8Array, Uint8Array];
    readonly amount: number | undefined;
    readonly feeRate: FeeRate;
  },
): Result<readonly [Payment, Payment], string> {
  const { coins, to, amount, feeRate } = o;
  let inputs = coins.slice(0, 1);
  if (amount !== undefined) {
    const first = makePayment(key, { recipients: [{ value: amount, script: to[0] }], coins, feeRate });
    if (!first.ok) return first;
    inputs = [...first.value.inputs];
  }
  const pay = (script: Uint8Array): Result<Payment, string> => {
    const recipients: TxOut[] = [{ value: amount ?? wholeCoin(inputs[0]!, script, feeRate), script }];
    return makePayment(key, { recipients, coins: [], fixed: inputs, feeRate });
  };
  const first = pay(to[0]);
  if (!first.ok) return first;
  const second = pay(to[1]);
  return second.ok ? ok([first.value, second.value]) : second;
}
