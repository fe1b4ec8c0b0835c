import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, formatAmountFull, parseAmount } from '../../src/bitcoin/amount.ts';
import { InvariantError } from '../../src/util/assert.ts';
import { money } from './arbitraries.ts';

describe('amounts', () => {
  it('come back to the satoshi from both forms, and from JSON', () => {
    fc.assert(
      fc.property(money, (sat) => {
        const full = formatAmountFull(sat);
        expect(full).toMatch(/^\d+\.\d{8}$/);
        expect(parseAmount(full)).toEqual({ ok: true, value: sat });
        expect(parseAmount(formatAmount(sat))).toEqual({ ok: true, value: sat });
        expect(BigInt(full.replace('.', ''))).toBe(BigInt(sat));
        // 16 digits are one more than a double always keeps, but 2.1e15 is below 2^53.
        expect(parseAmount(String(Number(full)))).toEqual({ ok: true, value: sat });
        expect(formatAmount(sat)).toBe(full.replace(/\.?0+$/, ''));
      }),
      { seed: 131, numRuns: 2000 },
    );
  });

  it.each([
    ['0', 0],
    ['-0', 0],
    ['0.0', 0],
    ['1', 1e8],
    ['1.5', 150_000_000],
    ['0.00000001', 1],
    ['1e-8', 1],
    ['2.5E-7', 25],
    ['1e0', 1e8],
    ['1.00000000', 1e8],
    ['1.000000000000', 1e8],
    ['20999999.9769', 2_099_999_997_690_000],
    ['21000000', 21e14],
    ['2.1e7', 21e14],
    ['0.1', 10_000_000],
    ['0.29', 29_000_000], // 0.29 × 1e8 is 28999999.999999996 in floating point
  ])('%s is %i', (text, sat) => {
    expect(parseAmount(text)).toEqual({ ok: true, value: sat });
  });

  it.each([
    ['0.000000001', 'too precise'],
    ['1.123456789', 'too precise'],
    ['1e-9', 'too precise'],
    ['1e-999', 'too precise'],
    ['-1', 'negative'],
    ['-0.00000001', 'negative'],
    ['21000000.00000001', 'more than 21 million'],
    ['1e8', 'more than 21 million'],
    ['1e999', 'more than 21 million'],
    ['99999999999999999999', 'more than 21 million'],
    ['1,5', 'use a point'],
    ['', 'not an amount'],
    ['.5', 'not an amount'],
    ['5.', 'not an amount'],
    ['01', 'not an amount'],
    ['+1', 'not an amount'],
    [' 1', 'not an amount'],
    ['1 ', 'not an amount'],
    ['1.5.', 'not an amount'],
    ['0x10', 'not an amount'],
    ['1e', 'not an amount'],
    ['NaN', 'not an amount'],
    ['Infinity', 'not an amount'],
    ['١', 'not an amount'],
    ['1\n', 'not an amount'],
    ['0.' + '0'.repeat(1000), 'not an amount'],
  ])('%j is refused: %s', (text, reason) => {
    const result = parseAmount(text);
    expect(result.ok ? 'accepted' : result.error).toContain(reason);
    expect(result.ok ? 0 : result.error.length).toBeLessThan(120);
  });

  it('never throw, and are never wrong about an arbitrary decimal', () => {
    const digits = fc.array(fc.nat(9), { minLength: 1, maxLength: 12 }).map((d) => d.join(''));
    fc.assert(
      fc.property(digits, digits, fc.integer({ min: -12, max: 12 }), (whole, fraction, exponent) => {
        const text = `${whole}.${fraction}e${exponent}`;
        const result = parseAmount(text);
        if (/^0\d/.test(whole)) {
          expect(result.ok).toBe(false);
          return;
        }
        // The same in rationals: digits × 10^(8 + exponent − decimals) satoshi.
        const scale = 8 + exponent - fraction.length;
        const numerator = BigInt(whole + fraction) * 10n ** BigInt(Math.max(scale, 0));
        const denominator = 10n ** BigInt(Math.max(-scale, 0));
        const exact = numerator % denominator === 0n && numerator / denominator <= 2_100_000_000_000_000n;
        expect(result.ok).toBe(exact);
        if (result.ok) expect(BigInt(result.value)).toBe(numerator / denominator);
      }),
      { seed: 132, numRuns: 3000 },
    );
  });

  it('show a net amount with its sign, and refuse fractions of a satoshi', () => {
    expect(formatAmount(-150_000_000)).toBe('-1.5');
    expect(formatAmountFull(-1)).toBe('-0.00000001');
    expect(formatAmount(1_000_000_000)).toBe('10');
    expect(() => formatAmount(0.5)).toThrow(InvariantError);
  });
});
