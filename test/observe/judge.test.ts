import { describe, expect, it } from 'vitest';
import {
  agree,
  boundFor,
  checkMean,
  checkShare,
  checkTimes,
  meanOf,
  shareOf,
} from '../../src/observe/figures/judge.ts';
import { MOST_Z, normalOfStudent, normalQuantile } from '../../src/observe/theory/normal.ts';

describe('a check', () => {
  it('of a share has theory’s own standard error', () => {
    // √(.2·.8/10,000) = .004
    const check = checkShare(2_132, 10_000, 0.2);
    expect(check).toMatchObject({ measured: 0.2132, se: 0.004, distribution: { kind: 'normal' } });
    expect(check.z).toBeCloseTo(3.3, 9);
    expect(checkShare(1_868, 10_000, 0.2).z).toBeCloseTo(-3.3, 9);
  });

  it('of few events has the z of the exact tail', () => {
    // Poisson(2): P(≥ 9) = 2.37e-4, so z = 3.495; P(0) = .135, z = −1.10.
    expect(checkShare(9, 20_000, 1e-4).z).toBeCloseTo(3.495, 2);
    expect(checkShare(0, 20_000, 1e-4).z).toBeCloseTo(-1.1, 2);
    expect(checkShare(2, 20_000, 1e-4).z).toBe(0);
    expect(checkShare(1, 1_000, 0).z).toBe(MOST_Z);
    expect(checkShare(0, 1_000, 0).z).toBe(0);
    expect(checkShare(1_000, 1_000, 1).z).toBe(0);
    expect(checkShare(999, 1_000, 1).z).toBe(-MOST_Z);
    // From the other side as well: 9 of 20,000 did not.
    expect(checkShare(19_991, 20_000, 1 - 1e-4).z).toBeCloseTo(-3.495, 2);
  });

  it('counts from the edge of a tolerance, on the stated side only', () => {
    const up = { tolerance: { below: 0, above: 0.08 } };
    expect(checkMean(1.09, 0.01, 100, 1).z).toBeCloseTo(9, 9);
    expect(checkMean(1.09, 0.01, 100, 1, up).z).toBeCloseTo(1, 9);
    expect(checkMean(1.05, 0.01, 100, 1, up).z).toBe(0);
    expect(checkMean(0.95, 0.01, 100, 1, up).z).toBeCloseTo(-5, 9);
    // Few events: the tail under the nearest share that is allowed.
    expect(checkShare(9, 20_000, 1e-4, { below: 0, above: 3.5e-4 }).z).toBe(0);
    expect(checkShare(0, 20_000, 1e-3, { below: 9e-4, above: 0 }).z).toBeCloseTo(-1.1, 2);
  });

  it('of a mean whose error comes from few values allows for their scatter', () => {
    // Student with 19 degrees: P(> 3.579) = .001, as normal beyond 3.090.
    expect(checkMean(3.579, 1, 20, 0, { df: 19 }).z).toBeCloseTo(3.09, 1);
    expect(checkMean(-3.579, 1, 20, 0, { df: 19 }).z).toBeCloseTo(-3.09, 1);
  });

  it('of rare stays has the tail of a Poisson number of exponential times', () => {
    // With 30 stays expected P(total > 55) = .0026 by a sum of its own; the normal distribution says .00062.
    const upper = tailOfTimes(55, 30);
    expect(checkTimes(55 / 30, 30, 1, 1).z).toBeCloseTo(normalQuantile(upper), 4);
    expect(checkTimes(55 / 30, 30, 1, 1).z).toBeLessThan((55 - 30) / Math.sqrt(60));
    expect(checkTimes(0, 10, 1, 1).z).toBeCloseTo(-normalQuantile(Math.exp(-10)), 5);
    expect(Math.abs(checkTimes(1, 30, 1, 1).z)).toBeLessThan(0.2);
  });

  it('that does not move at all is as far as it can be', () => {
    expect(checkMean(1.1, 0, 8, 1).z).toBe(MOST_Z);
    expect(checkMean(1, 0, 8, 1).z).toBe(0);
  });
});

/** By integrating the density numerically, which the code does not do. */
function tailOfTimes(total: number, events: number): number {
  let tail = 0;
  let poisson = Math.exp(-events);
  for (let j = 1; j < 300; j++) {
    poisson *= events / j;
    // P(Erlang_j > total), by steps of the trapezium rule on the density.
    let above = 0;
    const step = 0.05;
    let logFactorial = 0;
    for (let i = 2; i < j; i++) logFactorial += Math.log(i);
    for (let t = total; t < total + 200; t += step) {
      const density = (at: number) => Math.exp((j - 1) * Math.log(at) - at - logFactorial);
      above += (step * (density(t) + density(t + step))) / 2;
    }
    tail += poisson * above;
  }
  return tail;
}

describe('the bound of a family of checks', () => {
  it('grows with their number, so that together they are wrong as rarely as one', () => {
    expect(boundFor(1, 0.01)).toBe(2.58);
    expect(boundFor(5, 0.01)).toBe(3.1);
    expect(boundFor(60, 0.01)).toBe(3.77);
    expect(boundFor(300, 0.01)).toBe(4.15);
  });

  it('comes from the normal distribution', () => {
    for (const [tail, z] of [
      [0.5, 0],
      [0.158655, 1],
      [0.025, 1.959964],
      [0.0005, 3.290527],
      [1e-5, 4.264891],
      [1e-12, 7.034484],
      [0.975, -1.959964],
    ] as const)
      expect(normalQuantile(tail)).toBeCloseTo(z, 5);
    expect(normalQuantile(0)).toBe(MOST_Z);
    // t with 49 degrees: P(> 3.5) = 5.02e-4.
    expect(normalOfStudent(3.5, 49)).toBeCloseTo(3.289, 2);
  });
});

describe('two figures', () => {
  it('on two measurements takes both errors', () => {
    expect(agree({ measured: 1, se: 0.03 }, { measured: 1.16, se: 0.04 }, 3.3)).toBe(true);
    expect(agree({ measured: 1, se: 0.03 }, { measured: 1.17, se: 0.04 }, 3.3)).toBe(false);
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
