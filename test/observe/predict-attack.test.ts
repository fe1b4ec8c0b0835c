import { describe, expect, it } from 'vitest';
import {
  confirmationsFor,
  doubleSpend,
  selfishRevenue,
  selfishThreshold,
} from '../../src/observe/theory/attack.ts';
import { printed } from './printed.ts';

describe('a double spend', () => {
  // Nakamoto 2008 prints the first of each; Rosenfeld 2012 and Grunspan–Pérez-Marco the second.
  it.each([
    [0.1, 1, '.2046', '.2000', '.0311'],
    [0.1, 2, '.0510', '.0560', '.0095'],
    [0.1, 5, '.00091', '.00178', '.00033'],
    [0.3, 5, '.1774', '.1976', '.1117'],
    [0.3, 10, '.0417', '.0651', '.0377'],
  ])('with q = %d after %d confirmations is as the papers say', (q, z, nakamoto, tie, strict) => {
    printed(doubleSpend(q, z, 'nakamoto'), nakamoto);
    printed(doubleSpend(q, z, 'tie'), tie);
    printed(doubleSpend(q, z, 'strict'), strict);
  });

  it.each([
    [0.1, 1, '.0598'],
    [0.3, 4, '.2463'],
    [0.3, 6, '.1588'],
  ])(
    'with q = %d after %d confirmations, by an attacker who mined before: summed lead by lead',
    (q, z, says) => {
      const ratio = q / (1 - q);
      // From a lead of k the race is lost where the attacker, with m more blocks, is never ahead.
      let won = ratio ** (z + 1);
      for (let k = 0; k <= z; k++) {
        let lost = 0;
        let weight = (1 - q) ** z;
        for (let m = 0; m <= z - k; m++) {
          lost += weight * (1 - ratio ** (z - k - m + 1));
          weight *= (q * (m + z)) / (m + 1);
        }
        won += (1 - ratio) * ratio ** k * (1 - lost);
      }
      expect(doubleSpend(q, z, 'premined')).toBeCloseTo(won, 12);
      printed(doubleSpend(q, z, 'premined'), says);
    },
  );

  it('needs as many confirmations as the papers say for a risk below 0.1 %', () => {
    const qs = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45];
    expect(qs.map((q) => confirmationsFor(q, 0.001, 'nakamoto'))).toEqual([5, 8, 11, 15, 24, 41, 89, 340]);
    expect(qs.map((q) => confirmationsFor(q, 0.001, 'tie'))).toEqual([6, 9, 13, 20, 32, 58, 133, 539]);
    expect(confirmationsFor(0.5, 0.001, 'strict')).toBeUndefined();
  });
});

describe('a selfish miner', () => {
  it.each([
    [0.25, 0, '.1951'],
    [1 / 3, 0, '.3333'],
    [0.4, 0, '.4837'],
    [0.25, 0.5, '.2500'],
    [0.4, 0.5, '.5256'],
    [0.1, 1, '.1092'],
  ])('with α = %d and γ = %d earns what Eyal and Sirer say', (alpha, gamma, revenue) => {
    printed(selfishRevenue(alpha, gamma), revenue);
  });

  it('breaks even at the threshold', () => {
    for (const gamma of [0, 0.25, 0.5, 0.9]) {
      const alpha = selfishThreshold(gamma);
      expect(selfishRevenue(alpha, gamma)).toBeCloseTo(alpha, 12);
    }
  });
});
