import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/util/assert.ts';
import {
  dustThreshold,
  feeFor,
  inputWeight,
  isDust,
  MAX_FEE_RATE,
  parseFeeRate,
} from '../../src/wallet/fee.ts';
import { key } from './coins.ts';

describe('fees', () => {
  it('round up, in integers', () => {
    expect([feeFor(1000, 141), feeFor(1500, 141), feeFor(1, 1), feeFor(0, 141)]).toEqual([141, 212, 1, 0]);
    expect(feeFor(MAX_FEE_RATE, 100_000)).toBe(1_000_000_000);
    expect(() => feeFor(Number.MAX_SAFE_INTEGER, 2)).toThrow(InvariantError);
    expect(() => feeFor(1.5, 1)).toThrow(InvariantError);
  });

  it.each([
    ['1', 1000],
    ['1.5', 1500],
    ['0.001', 1],
    ['0', 0],
    ['25.250', 25_250],
    ['10000', MAX_FEE_RATE],
  ])('%s sat/vB', (text, rate) => {
    expect(parseFeeRate(text)).toEqual({ ok: true, value: rate });
  });

  it.each([
    ['1.0001', 'at most 3 decimals'],
    ['-1', 'not a fee rate'],
    ['', 'not a fee rate'],
    ['1e3', 'not a fee rate'],
    ['10000.001', 'absurd'],
    ['999999999', 'not a fee rate'],
  ])('%j is refused: %s', (text, reason) => {
    const result = parseFeeRate(text);
    expect(result.ok ? 'accepted' : result.error).toContain(reason);
  });
});

describe('dust', () => {
  it("is below Core's thresholds", () => {
    const wpkh = key(1).script('p2wpkh');
    const tr = key(1).script('p2tr');
    expect([dustThreshold(wpkh), dustThreshold(tr), dustThreshold(Uint8Array.of(0x6a, 0x51))]).toEqual([
      294, 330, 0,
    ]);
    expect([isDust({ value: 293, script: wpkh }), isDust({ value: 294, script: wpkh })]).toEqual([
      true,
      false,
    ]);
  });
});

it('inputs weigh what BIP141 says', () => {
  expect([inputWeight(key(1).script('p2wpkh')), inputWeight(key(1).script('p2tr'))]).toEqual([272, 230]);
  expect(() => inputWeight(Uint8Array.of(0x6a, 0x51))).toThrow(InvariantError);
});
