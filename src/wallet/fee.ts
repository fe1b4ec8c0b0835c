import { compactSizeLength } from '../bitcoin/codec.ts';
import { isUnspendable, parseLock } from '../bitcoin/lock.ts';
import type { TxOut } from '../bitcoin/tx.ts';
import { assert } from '../util/assert.ts';
import { err, ok, type Result } from '../util/result.ts';

/**
 * Sizes and fees, in integers. A fee rate is satoshis per 1,000 virtual bytes (Core: `CFeeRate`), so that 1.5 sat/vB
 * is 1500 and nothing is ever a fraction.
 */
export type FeeRate = number;

/** Core's DUST_RELAY_TX_FEE. */
const DUST_FEE_RATE: FeeRate = 3_000;

/** No fee rate above 0.1 coins per 1,000 vbytes is meant (Core: DEFAULT_MAX_RAW_TX_FEE_RATE). */
export const MAX_FEE_RATE: FeeRate = 10_000_000;

/** The fee for a size, rounded up. Core: `CFeeRate::GetFee`. */
export function feeFor(rate: FeeRate, vsize: number): number {
  const product = rate * vsize;
  assert(Number.isSafeInteger(product) && product >= 0, 'fee rate × size is a safe integer');
  return Math.ceil(product / 1000);
}

/** "1.5" satoshis per vbyte to 1500; at most three decimals, at most {@link MAX_FEE_RATE}. */
export function parseFeeRate(text: string): Result<FeeRate, string> {
  const match = /^(0|[1-9][0-9]{0,7})(?:\.([0-9]{1,3}))?$/.exec(text);
  if (match === null) {
    return err(`"${text.slice(0, 40)}" is not a fee rate: satoshis per vbyte, at most 3 decimals, like 1.5`);
  }
  const rate = Number(match[1]) * 1000 + Number((match[2] ?? '').padEnd(3, '0'));
  return rate > MAX_FEE_RATE ? err(`${text} sat/vB is absurd: at most ${MAX_FEE_RATE / 1000}`) : ok(rate);
}

/** Outpoint 36, empty scriptSig 1, sequence 4: four weight units a byte. */
const INPUT_BASE_WEIGHT = 4 * 41;

/**
 * Weight of an input that spends `script`, signed. P2WPKH: count, length and 72 bytes of signature, length and key:
 * 108. One signature in two has 71 bytes, so the transaction may come out a weight unit an input lighter, and pays a
 * little more than asked, never less. P2TR: count, length, 64 bytes: exact.
 */
export function inputWeight(script: Uint8Array): number {
  const lock = parseLock(script);
  assert(lock !== undefined && lock.kind !== 'data', 'only P2WPKH and P2TR coins can be spent');
  return INPUT_BASE_WEIGHT + (lock.kind === 'p2wpkh' ? 1 + 1 + 72 + 1 + 33 : 1 + 1 + 64);
}

export function outputWeight(script: Uint8Array): number {
  return 4 * (8 + compactSizeLength(script.length) + script.length);
}

/** Version, marker and flag (one weight unit each), the two counts, lock time. */
export function baseWeight(inputs: number, outputs: number): number {
  return 4 * (4 + compactSizeLength(inputs) + compactSizeLength(outputs) + 4) + 2;
}

export function vsizeOf(weight: number): number {
  return Math.ceil(weight / 4);
}

/**
 * The least value of an output that is worth spending at {@link DUST_FEE_RATE}: 294 satoshis for P2WPKH, 330 for
 * P2TR; 0 for data. Core: `GetDustThreshold`, whose 67 vbytes for the spending input serve both kinds.
 */
export function dustThreshold(script: Uint8Array): number {
  if (isUnspendable(script)) return 0;
  return feeFor(DUST_FEE_RATE, outputWeight(script) / 4 + 67);
}

export function isDust(output: TxOut): boolean {
  return output.value < dustThreshold(output.script);
}
