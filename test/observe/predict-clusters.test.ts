import { describe, expect, it } from 'vitest';
import { clusterRace } from '../../src/observe/theory/clusters.ts';
import { partition } from '../../src/observe/theory/partition.ts';
import { twoClusters } from '../../src/observe/theory/predict.ts';
import { printed } from './printed.ts';

describe('two clusters of any shares', () => {
  it.each([
    [0.1, '.0487', '.00236', '.000114', '.0453', '.00219'],
    [0.5, '.2185', '.0466', '.00995', '.1574', '.0335'],
    [1, '.3807', '.1409', '.0521', '.2107', '.0773'],
  ])('have the known figures when equal, x = %d', (x, d0, d1, d2, v0, v1) => {
    const race = clusterRace(x, 0.5);
    printed(race.disagreement(0), d0);
    printed(race.disagreement(1), d1);
    printed(race.disagreement(2), d2);
    printed(race.violations(0), v0);
    printed(race.violations(1), v1);
    const closed = twoClusters(x);
    expect(race.forked).toBeCloseTo(closed.forked, 6);
    expect(race.stale).toBeCloseTo(closed.stale, 6);
    expect(race.rho).toBeCloseTo(closed.rho, 12);
  });

  it('fade by 4·p1·p2·sin²θ a block, whatever the shares', () => {
    for (const share of [0.5, 0.7, 0.9]) {
      const race = clusterRace(0.5, share);
      expect(race.disagreement(6) / race.disagreement(5)).toBeCloseTo(race.rho, 5);
      expect(race.violations(6) / race.violations(5)).toBeCloseTo(race.rho, 5);
    }
  });

  it('do not care which of them is called the first', () => {
    const [a, b] = [clusterRace(0.7, 0.2), clusterRace(0.7, 0.8)];
    for (const k of [0, 1, 4]) expect(a.disagreement(k)).toBeCloseTo(b.disagreement(k), 12);
    expect(a.stale).toBeCloseTo(b.stale, 12);
  });
});

describe('a partition', () => {
  it('ends as two Poisson processes do', () => {
    const even = partition(10, 0.5);
    printed(even.tie, '.1278');
    printed(even.secondWins, '.4361');
    printed(even.meanReorg, '3.75');
    const uneven = partition(10, 0.7);
    printed(uneven.tie, '.0580');
    printed(uneven.secondWins, '.0722');
    printed(uneven.meanReorg, '2.86');
    expect(uneven.depths.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 3);
  });
});
