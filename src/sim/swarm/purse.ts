import { makeTx, type OutPoint, outpointOfKey, type Tx, type TxOut } from '../../bitcoin/tx.ts';
import { WELL_KNOWN } from '../../consensus/params/genesis.ts';
import type { Coin } from '../../consensus/store/coin.ts';
import { assert } from '../../util/assert.ts';
import { equal } from '../../util/bytes.ts';
import { KeyRing, wellKnownKey } from '../../wallet/keys.ts';
import { signTx } from '../../wallet/sign.ts';
import type { Ledger } from './ledger.ts';

/** The well-known people's money, as those who pay and those who cheat see it. People go by their number. */

export interface Owned {
  readonly outpoint: OutPoint;
  readonly coin: Coin;
}

const keys = new KeyRing(WELL_KNOWN.map(wellKnownKey));

export function scriptOf(person: number): Uint8Array {
  return wellKnownKey(WELL_KNOWN[person % WELL_KNOWN.length]!).script('p2wpkh');
}

/** A person's coins in a ledger, in the order in which they were made. Immature ones are among them, for those who try. */
export function coinsOf(ledger: Ledger, person: number): Owned[] {
  const script = scriptOf(person);
  const owned: Owned[] = [];
  for (const [key, coin] of ledger.coins)
    if (equal(coin.script, script)) owned.push({ outpoint: outpointOfKey(key), coin });
  return owned;
}

export interface Spending {
  readonly lockTime?: number;
  readonly sequence?: number;
}

/** Spends these coins to these outputs, really signed. What the outputs leave is the fee. */
export function spend(coins: readonly Owned[], outputs: readonly TxOut[], o: Spending = {}): Tx {
  const { lockTime = 0, sequence = 0xffff_fffd } = o;
  const inputs = coins.map(({ outpoint }) => ({
    ...{ prevout: outpoint, script: new Uint8Array(0) },
    ...{ sequence, witness: [] },
  }));
  const signed = signTx(
    makeTx({ version: 2, inputs, outputs, lockTime }),
    coins.map(({ coin }) => coin),
    keys,
  );
  assert(signed.ok, 'well-known people can sign for their coins');
  return signed.value;
}

/** Enough for any payment of one input and two outputs. */
const FEE = 10_000;

/** So many tenths of a coin to a person, the rest back; undefined when the coin is too small to share. */
export function payment(from: Owned, back: number, to: number, tenths: number): Tx | undefined {
  const { value } = from.coin;
  const amount = Math.floor((value * tenths) / 10);
  const rest = value - amount - FEE;
  if (amount < FEE || rest < FEE) return undefined;
  return spend(
    [from],
    [
      { value: amount, script: scriptOf(to) },
      { value: rest, script: scriptOf(back) },
    ],
  );
}
