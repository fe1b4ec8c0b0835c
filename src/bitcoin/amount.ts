import { assert } from '../util/assert.ts';
import { err, ok, type Result } from '../util/result.ts';
import { MAX_MONEY } from './codec.ts';

/** Satoshi in a coin. */
export const COIN = 100_000_000;

const MAX_TEXT = 40;

/**
 * Coins written in decimal to satoshi, digit by digit: no floating point comes near it. Accepts what Core's
 * `ParseFixedPoint` accepts, exponents too (JSON writers turn 0.00000001 into 1e-8), zeros beyond the eighth
 * decimal, and names what is wrong otherwise.
 */
export function parseAmount(text: string): Result<number, string> {
  const shown = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) + '…' : text;
  const match = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$/.exec(text);
  if (match === null || text.length > 4 * MAX_TEXT) {
    const comma = text.includes(',') ? ' (use a point, not a comma)' : '';
    return err(`"${shown}" is not an amount${comma}: write it like 1.5`);
  }
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return ok(0);
  if (sign !== '') return err(`${shown} is negative`);
  // digits × 10^scale satoshi
  const scale = Number(exponent) - fraction.length + 8;
  const significant = digits.replace(/0+$/, '');
  const zeros = digits.length - significant.length + scale;
  if (zeros < 0) return err(`${shown} is too precise: at most 8 decimals`);
  if (significant.length + zeros > 16) return err(`${shown} is more than 21 million coins`);
  const sat = Number(significant + '0'.repeat(zeros));
  return sat > MAX_MONEY ? err(`${shown} is more than 21 million coins`) : ok(sat);
}

/** All eight decimals: "1.50000000". Core: `ValueFromAmount`. A negative number (a net amount) keeps its sign. */
export function formatAmountFull(sat: number): string {
  assert(Number.isSafeInteger(sat), 'an amount is a safe integer');
  const size = Math.abs(sat);
  const fraction = String(size % COIN).padStart(8, '0');
  return `${sat < 0 ? '-' : ''}${Math.floor(size / COIN)}.${fraction}`;
}

/** As few decimals as say it: "1.5", "2". */
export function formatAmount(sat: number): string {
  return formatAmountFull(sat).replace(/\.?0+$/, '');
}
