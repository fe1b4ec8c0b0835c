import { describe, expect, it } from 'vitest';
import { exponential, naturalLog, seeded } from '../../src/util/random.ts';

describe('seeded', () => {
  it('repeats for the same seed and differs for another', () => {
    const draw = (seed: number | string) => Array.from({ length: 8 }, seeded(seed).u32);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).toEqual(draw('7'));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  it('gives these numbers for ever: recordings depend on them', () => {
    const r = seeded('forkyard');
    expect([r.u32(), r.u32(), r.u32()]).toEqual([1632257279, 3433529406, 1288910605]);
    expect(r.below(1000)).toBe(47);
    expect(r.unit()).toBe(0.717114944285635);
  });

  it('is uniform: each of 16 buckets of 160,000 draws within 5 standard deviations', () => {
    for (const pick of ['below', 'unit', 'u32'] as const) {
      const r = seeded(pick);
      const counts = new Array<number>(16).fill(0);
      for (let i = 0; i < 160_000; i++) {
        const x =
          pick === 'below' ? r.below(16) : pick === 'unit' ? Math.floor(r.unit() * 16) : r.u32() >>> 28;
        counts[x]!++;
      }
      for (const n of counts) expect(Math.abs(n - 10_000)).toBeLessThan(5 * 97);
    }
  });

  it('draws below bounds that do not divide 2^32, and above 2^32', () => {
    const r = seeded(1);
    for (const n of [1, 2, 3, 7, 2 ** 31 + 1, 2 ** 32, 2 ** 32 + 1, 21e14]) {
      let largest = 0;
      for (let i = 0; i < 200; i++) {
        const x = r.below(n);
        expect(Number.isSafeInteger(x) && x >= 0 && x < n).toBe(true);
        largest = Math.max(largest, x);
      }
      expect(largest).toBeGreaterThanOrEqual(Math.floor((n - 1) * 0.9));
    }
    expect(() => r.below(0)).toThrow(RangeError);
    expect(() => r.below(1.5)).toThrow(RangeError);
  });
});

describe('naturalLog', () => {
  it('is within 4 units in the last place of Math.log', () => {
    const r = seeded('ln');
    for (let i = 0; i < 20_000; i++) {
      const x = r.unit() * 2 ** (r.below(120) - 60) + 2 ** -60;
      const expected = Math.log(x);
      expect(Math.abs(naturalLog(x) - expected)).toBeLessThanOrEqual(
        4 * 2 ** -52 * Math.max(Math.abs(expected), 0.25),
      );
    }
    expect(naturalLog(1)).toBe(0);
  });
});

describe('exponential', () => {
  it('has the mean, the variance and the tail of its law, in whole microseconds', () => {
    const r = seeded('exp');
    const mean = 1_750_000;
    const n = 100_000;
    let sum = 0;
    let squares = 0;
    let late = 0;
    for (let i = 0; i < n; i++) {
      const x = exponential(r, mean);
      expect(Number.isSafeInteger(x) && x >= 0).toBe(true);
      sum += x / mean;
      squares += (x / mean) ** 2;
      if (x > 2 * mean) late++;
    }
    expect(sum / n).toBeCloseTo(1, 1.6);
    expect(squares / n).toBeCloseTo(2, 1);
    expect(late / n).toBeCloseTo(Math.exp(-2), 2);
  });
});
