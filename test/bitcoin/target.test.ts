import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compactToTarget,
  difficultyOf,
  hashToBig,
  meets,
  targetBytes,
  targetToCompact,
  workOf,
} from '../../src/bitcoin/target.ts';
import { hashOfId, toHex } from '../../src/util/bytes.ts';

describe('compact form', () => {
  // Core: src/test/arith_uint256_tests.cpp, bignum_SetCompact.
  it.each([
    [0x00000000, '0', false, false, 0],
    [0x00123456, '0', false, false, 0],
    [0x01003456, '0', false, false, 0],
    [0x02000056, '0', false, false, 0],
    [0x03000000, '0', false, false, 0],
    [0x04000000, '0', false, false, 0],
    [0x00923456, '0', false, false, 0],
    [0x01803456, '0', false, false, 0],
    [0x02800056, '0', false, false, 0],
    [0x03800000, '0', false, false, 0],
    [0x04800000, '0', false, false, 0],
    [0x01123456, '12', false, false, 0x01120000],
    [0x02123456, '1234', false, false, 0x02123400],
    [0x03123456, '123456', false, false, 0x03123456],
    [0x04123456, '12345600', false, false, 0x04123456],
    [0x05009234, '92340000', false, false, 0x05009234],
    [0x20123456, '123456' + '0'.repeat(58), false, false, 0x20123456],
    [0x01fedcba, '7e', true, false, undefined],
    [0x04923456, '12345600', true, false, undefined],
    [0xff123456, undefined, false, true, undefined],
    [0x207fffff, '7fffff' + '0'.repeat(58), false, false, 0x207fffff],
    [0x1d00ffff, 'ffff' + '0'.repeat(52), false, false, 0x1d00ffff],
    [0x2200ffff, undefined, false, true, undefined],
    [0x220000ff, undefined, false, false, undefined],
    [0x21010000, undefined, false, true, undefined],
    [0x23000001, undefined, false, true, undefined],
  ])('%s', (bits, target, negative, overflow, again) => {
    const read = compactToTarget(bits);
    expect([read.negative, read.overflow]).toEqual([negative, overflow]);
    if (target !== undefined) expect(read.target.toString(16)).toBe(target);
    if (again !== undefined) expect(targetToCompact(read.target)).toBe(again);
  });

  it('keeps a sign bit out of the mantissa', () => {
    expect(targetToCompact(0x80n)).toBe(0x02008000);
    expect(targetToCompact(0x8000n)).toBe(0x03008000);
    expect(targetToCompact(0x800000n)).toBe(0x04008000);
    expect(targetToCompact(2n ** 256n - 1n)).toBe(0x2100ffff);
    expect(() => targetToCompact(2n ** 256n)).toThrow(RangeError);
    expect(() => targetToCompact(-1n)).toThrow(RangeError);
  });

  it('rounds a target down, by less than 2^-15, and is stable after that', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 256n - 1n), fc.nat(255), (big, shift) => {
        const target = big >> BigInt(shift);
        if (target === 0n) return;
        const bits = targetToCompact(target);
        const back = compactToTarget(bits);
        expect(back.negative || back.overflow).toBe(false);
        expect(back.target <= target && (target - back.target) << 15n <= target).toBe(true);
        expect(targetToCompact(back.target)).toBe(bits);
      }),
      { seed: 71, numRuns: 1000 },
    );
  });
});

describe('work and proof', () => {
  it('is 2^256 / (target + 1)', () => {
    expect(workOf(compactToTarget(0x1d00ffff).target)).toBe(0x1_0001_0001n);
    expect(workOf(compactToTarget(0x207fffff).target)).toBe(2n);
    expect(workOf(0n)).toBe(2n ** 256n);
    expect(workOf(2n ** 256n - 1n)).toBe(1n);
  });

  it('reads a hash with its last byte as the most significant', () => {
    const hash = hashOfId('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f')!;
    const value = 0x19d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26fn;
    expect(hashToBig(hash)).toBe(value);
    expect([meets(hash, value), meets(hash, value - 1n)]).toEqual([true, false]);
    expect(toHex(targetBytes(value))).toBe(
      '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
    );
    expect(toHex(targetBytes(0n))).toBe('00'.repeat(32));
    expect(toHex(targetBytes(2n ** 256n - 1n))).toBe('ff'.repeat(32));
  });

  // Core: src/test/blockchain_tests.cpp.
  it.each([
    [0x1f111111, 0.000001],
    [0x1ef88f6f, 0.000016],
    [0x1df88f6f, 0.004023],
    [0x1cf88f6f, 1.029916],
    [0x12345678, 5.913134931067755e24],
    [0x1d00ffff, 1],
  ])('difficulty of %s', (bits, difficulty) => {
    expect(Math.abs(difficultyOf(bits) - difficulty)).toBeLessThanOrEqual(1e-6 * Math.max(1, difficulty));
  });

  it('gives the difficulties that Core shows to the last digit', () => {
    expect(difficultyOf(0x1b0404cb)).toBe(16307.420938523983);
    expect(difficultyOf(0x207fffff)).toBe(4.6565423739069247e-10);
  });
});
