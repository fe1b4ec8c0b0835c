import { describe, expect, it } from 'vitest';
import { compactToTarget, targetToCompact } from '../../src/bitcoin/target.ts';
import {
  emaExponent,
  nextBits,
  type RetargetEntry,
  scaleTarget,
} from '../../src/consensus/params/retarget.ts';
import { YARD } from '../dsl/networks.ts';

const T = YARD.spacingMs;
const HALFLIFE = 30 * T;

/** A chain of headers at these times, the first one the genesis, each with the bits that the rule asks for. */
function chain(times: readonly number[], genesisBits: number): RetargetEntry {
  const genesis = { ...YARD.genesis, header: { ...YARD.genesis.header, time: times[0]!, bits: genesisBits } };
  const params = { ...YARD, genesis };
  let at: RetargetEntry = { header: genesis.header, height: 0, parent: undefined };
  for (const time of times.slice(1)) {
    const header = { ...genesis.header, time, bits: nextBits(at, params) };
    at = { header, height: at.height + 1, parent: at };
  }
  return at;
}

const next = (times: readonly number[], bits: number): number => chain([...times, 0], bits).header.bits;

describe('2^x in the integer arithmetic of aserti3-2d', () => {
  /** Runs 5 and 9 of the published aserti3-2d vectors: anchor, then [height, time, bits]. Ten minutes, two days. */
  it.each([
    {
      anchor: { height: 1, parentTime: 0, bits: 0x1d00ffff },
      rows: [
        [2, 0, 0x1d00fec5],
        [290, 0, 0x1c7f62c0],
        [866, 0, 0x1c1fd8b0],
        [2306, 0, 0x1c00fec5],
        [30242, 0, 0x0f7f62c0],
        [60194, 0, 0x027f6200],
        [63650, 0, 0x01070000],
        [64514, 0, 0x01010000],
      ],
    },
    {
      anchor: { height: 2147483642, parentTime: 1234567290, bits: 0x1802aee8 },
      rows: [
        [2147483643, 1234568190, 0x1802ae16],
        [2147483645, 1234568790, 0x1802ac71],
        [2147483647, 1234569390, 0x1802aacd],
        [2147483648, 1234569690, 0x1802a9fa],
        [2147483650, 1234570290, 0x1802a858],
        [2147483652, 1234570890, 0x1802a6b7],
      ],
    },
  ])('gives the published targets: anchor $anchor.height', ({ anchor, rows }) => {
    for (const [height, time, bits] of rows as [number, number, number][]) {
      const late = time - anchor.parentTime - 600 * (height - anchor.height + 1);
      const exponent = (BigInt(late) * 65536n) / 172_800n;
      const scaled = scaleTarget(compactToTarget(anchor.bits).target, exponent);
      expect(targetToCompact(scaled < 1n ? 1n : scaled)).toBe(bits);
    }
  });

  it('is exact at whole exponents', () => {
    const target = 1n << 200n;
    for (let n = -20; n <= 20; n++) {
      const expected = n >= 0 ? target << BigInt(n) : target >> BigInt(-n);
      expect(scaleTarget(target, BigInt(n) * 65536n)).toBe(expected);
    }
  });

  it('is within 0.013 % of the real power in between', () => {
    for (let e = -196_608; e <= 196_608; e += 997) {
      const ratio = Number(scaleTarget(1n << 200n, BigInt(e)) >> 150n) / 2 ** 50;
      expect(Math.abs(ratio / 2 ** (e / 65536) - 1)).toBeLessThan(0.00014);
    }
  });

  it('never falls when the exponent grows', () => {
    let before = 0n;
    for (let e = -70_000; e <= 70_000; e += 13) {
      const now = scaleTarget(1n << 200n, BigInt(e));
      expect(now >= before).toBe(true);
      before = now;
    }
  });

  it('truncates the exponent toward zero', () => {
    // ±(1 ms · 65536 / 3) is ±21845.33…
    expect(emaExponent(10_001, 10_000, 3)).toBe(21845n);
    expect(emaExponent(9_999, 10_000, 3)).toBe(-21845n);
  });

  it('clamps the solve time to 0 … 30 intervals', () => {
    expect(emaExponent(-5_000, T, HALFLIFE)).toBe(emaExponent(0, T, HALFLIFE));
    expect(emaExponent(31 * T, T, HALFLIFE)).toBe(emaExponent(30 * T, T, HALFLIFE));
    expect(emaExponent(T, T, HALFLIFE)).toBe(0n);
    // 29 intervals too slow, at a half-life of 30: almost a doubling.
    expect(emaExponent(30 * T, T, HALFLIFE)).toBe(63351n);
  });
});

describe('ema', () => {
  const BITS = 0x1d00ffff;

  it('gives blocks 1 and 2 the genesis target, whatever their times', () => {
    expect(next([0], BITS)).toBe(BITS);
    expect(next([0, 1_000_000], BITS)).toBe(BITS);
    expect(next([0, 1], BITS)).toBe(BITS);
  });

  it('then follows the parent by its solve time', () => {
    const target = compactToTarget(BITS).target;
    const scaled = (solveS: number) =>
      targetToCompact(scaleTarget(target, emaExponent(solveS * 1000, T, HALFLIFE)));
    expect(next([0, 10, 20], BITS)).toBe(BITS);
    expect(next([0, 10, 10], BITS)).toBe(scaled(0));
    expect(next([0, 10, 70], BITS)).toBe(scaled(60));
    expect(compactToTarget(next([0, 10, 10], BITS)).target < target).toBe(true);
    expect(compactToTarget(next([0, 10, 70], BITS)).target > target).toBe(true);
    // From an independent implementation in Python, so that the arithmetic cannot drift with its own test.
    expect(
      [next([0, 10, 10], BITS), next([0, 10, 70], BITS), next([0, 10, 1e6], BITS)].map((b) => b.toString(16)),
    ).toEqual(['1d00fa2a', '1d011f5e', '1d01f452']);
  });

  it('never goes easier than 1/64 of the genesis difficulty, however long the network sleeps', () => {
    const times = [0, 10];
    for (let i = 0; i < 60; i++) times.push(times.at(-1)! + 1_000_000);
    const floor = compactToTarget(BITS).target * 64n;
    expect(next(times, BITS)).toBe(targetToCompact(floor));
  });

  it('never leaves the limit, nor the smallest target', () => {
    const sleepy = [0, 10];
    for (let i = 0; i < 60; i++) sleepy.push(sleepy.at(-1)! + 1_000_000);
    expect(next(sleepy, 0x207fffff)).toBe(0x207fffff);
    const hasty = [0, ...new Array<number>(2_000).fill(10)];
    expect(compactToTarget(next(hasty, 0x03000001)).target).toBe(1n);
  });

  it('finds its pace again after the hash rate has grown a hundredfold', () => {
    // Every block takes exactly its mean time, in whole seconds as headers have them.
    const genesis = compactToTarget(BITS).target;
    const spacing = T / 1000;
    const times = [0, spacing];
    for (let i = 0; i < 600; i++) {
      const harder = Number((genesis * 1_000_000n) / compactToTarget(next(times, BITS)).target) / 1e6;
      times.push(times.at(-1)! + Math.round((harder * spacing) / 100));
    }
    const mean = (times.at(-1)! - times.at(-101)!) / 100;
    expect(mean).toBeGreaterThan(0.95 * spacing);
    expect(mean).toBeLessThan(1.05 * spacing);
  });
});
