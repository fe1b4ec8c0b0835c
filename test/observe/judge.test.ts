import { describe, expect, it } from 'vitest';
import { agree, judgeMean, judgeShare, meanOf, shareOf } from '../../src/observe/judge.ts';

describe('a verdict', () => {
  it('on a share allows 3.3 standard errors of theory’s own, and not more', () => {
    // √(.2·.8/10,000) = .004
    expect(judgeShare(2_131, 10_000, 0.2)).toMatchObject({ measured: 0.2131, se: 0.004, ok: true });
    expect(judgeShare(2_133, 10_000, 0.2).ok).toBe(false);
    expect(judgeShare(1_869, 10_000, 0.2).ok).toBe(true);
    expect(judgeShare(1_866, 10_000, 0.2).ok).toBe(false);
  });

  it('on few events asks the exact distribution', () => {
    // Poisson(2): P(≥ 9) = 2.4e-4, P(≥ 8) = 1.1e-3; zero has 13 %.
    expect(judgeShare(8, 20_000, 1e-4).ok).toBe(true);
    expect(judgeShare(9, 20_000, 1e-4).ok).toBe(false);
    expect(judgeShare(0, 20_000, 1e-4).ok).toBe(true);
    expect(judgeShare(0, 85_000, 1e-4).ok).toBe(false);
    expect(judgeShare(1, 1_000, 0).ok).toBe(false);
    expect(judgeShare(0, 1_000, 0).ok).toBe(true);
    expect(judgeShare(1_000, 1_000, 1).ok).toBe(true);
    // From the other side as well: 9 of 20,000 did not.
    expect(judgeShare(19_991, 20_000, 1 - 1e-4).ok).toBe(false);
  });

  it('on a mean takes a stated bias on the stated side only', () => {
    expect(judgeMean(1.09, 0.01, 100, 1).ok).toBe(false);
    expect(judgeMean(1.09, 0.01, 100, 1, { low: 0.08 }).ok).toBe(true);
    expect(judgeMean(0.95, 0.01, 100, 1, { low: 0.08 }).ok).toBe(false);
    expect(judgeMean(0.95, 0.01, 100, 1, { high: 0.02 }).ok).toBe(true);
  });

  it('on two measurements takes both errors', () => {
    expect(agree({ measured: 1, se: 0.03 }, { measured: 1.16, se: 0.04 })).toBe(true);
    expect(agree({ measured: 1, se: 0.03 }, { measured: 1.17, se: 0.04 })).toBe(false);
  });

  it('knows the error of a mean', () => {
    const { mean, se } = meanOf([1, 2, 3, 4]);
    expect(mean).toBe(2.5);
    expect(se).toBeCloseTo(Math.sqrt(5 / 3 / 4), 12);
    expect(meanOf([7])).toEqual({ mean: 7, se: 0 });
  });

  it('knows the error of a share of stretches, whose cases are left to chance too', () => {
    const even = shareOf([
      { cases: 10, hits: 5 },
      { cases: 30, hits: 15 },
      { cases: 0, hits: 0 },
    ]);
    // Every stretch has the common share: nothing scatters, however many cases it had.
    expect(even).toEqual({ mean: 0.5, se: 0 });
    const { mean, se } = shareOf([
      { cases: 10, hits: 4 },
      { cases: 30, hits: 16 },
    ]);
    expect(mean).toBe(0.5);
    expect(se).toBeCloseTo(Math.sqrt((1 + 1) * 2) / 40, 12);
    expect(shareOf([])).toEqual({ mean: 0, se: 0 });
  });
});
