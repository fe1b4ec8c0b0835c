import { describe, expect, it } from 'vitest';
import {
  concentration,
  forkedHeights,
  forkedOfShares,
  staleOfManyMiners,
  staleOfShares,
  twoClusters,
} from '../../src/observe/theory/predict.ts';
import { printed } from './printed.ts';

describe('two equal clusters', () => {
  it('solve θ tan θ = x/2', () => {
    for (const x of [0.001, 0.1, 0.5, 1, 2]) {
      const { theta, rho } = twoClusters(x);
      expect(theta * Math.tan(theta)).toBeCloseTo(x / 2, 12);
      expect(rho).toBeCloseTo(Math.sin(theta) ** 2, 12);
    }
  });

  // Simulated values, ± their own scatter in the last digit.
  it.each([
    [0.1, '0.04838', 0.0487, 0.00236, 1.14e-4, 0.0453, 0.00219, '0.0443'],
    [0.5, '0.21332', 0.2185, 0.0466, 0.00995, 0.1574, 0.0335, '0.1475'],
    [1, '0.36941', 0.3807, 0.1409, 0.0521, 0.2107, 0.0773, '0.1967'],
  ])('are as the table says for x = %d', (x, rho, d0, d1, d2, v0, v1, q) => {
    const theory = twoClusters(x);
    printed(theory.rho, rho);
    printed(theory.quiescenceFailure, q);
    for (const [k, d] of [d0, d1, d2].entries()) expect(theory.disagreement(k) / d).toBeCloseTo(1, 2);
    for (const [k, v] of [v0, v1].entries()) expect(theory.violations(k) / v).toBeCloseTo(1, 2);
  });

  it('lose x/(2(1+x)) of the blocks and have x/(2+x) of the heights twice', () => {
    const { stale, forked, growth } = twoClusters(1);
    expect(stale).toBeCloseTo(0.25, 12);
    expect(forked).toBeCloseTo(1 / 3, 12);
    expect(growth).toBeCloseTo(0.75, 12);
    // Every block is on the branch or stale.
    expect(stale + growth).toBeCloseTo(1, 12);
  });
});

describe('many miners at one delay', () => {
  it('fork heights as Decker and Wattenhofer predicted, 1.78 %', () => {
    // 633.68 s a block and 11.37 s mean delay: their measured values of 2013.
    printed(100 * forkedHeights(11.37 / 633.68), '1.78');
  });

  it('lose x/(1+x) of their blocks, fewer if some are large', () => {
    expect(staleOfManyMiners(1)).toBe(0.5);
    expect(staleOfShares(1, 0)).toBe(0.5);
    expect(staleOfShares(0.2, concentration([1, 1, 1, 1]))).toBeCloseTo((0.75 * 0.2) / 1.2, 12);
    expect(staleOfShares(0.2, concentration([5]))).toBe(0);
  });

  it('fork heights: two as the closed form, many as 1 − e^(−x), four as an independent simulation', () => {
    for (const x of [0.05, 0.4, 1]) {
      expect(forkedOfShares(x, 1 / 2)).toBeCloseTo(twoClusters(x).forked, 12);
      expect(forkedOfShares(x, 1e-9)).toBeCloseTo(forkedHeights(x), 6);
    }
    // Monte Carlo of four equal miners: 0.1362 at x = 0.2, 0.1460 at x = 0.216.
    expect(forkedOfShares(0.2, 1 / 4)).toBeCloseTo(0.1362, 3);
    expect(forkedOfShares(0.216, 1 / 4)).toBeCloseTo(0.146, 3);
    expect(forkedOfShares(0.3, 1)).toBe(0);
  });

  it('are concentrated as Herfindahl and Hirschman count', () => {
    expect(concentration([3, 3, 3])).toBeCloseTo(1 / 3, 12);
    expect(concentration([1, 0, 3])).toBeCloseTo(0.625, 12);
    expect(concentration([])).toBe(1);
  });
});
