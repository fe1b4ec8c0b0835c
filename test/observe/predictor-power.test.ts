import { describe, expect, it } from 'vitest';
import type { EpochFigures } from '../../src/observe/figures/epochs.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { basisOf, type FigureRow, figureRows } from '../../src/observe/figures/rows.ts';
import { type RaceOptions, race } from './race-log.ts';

/**
 * Has `stats` the power to find a wrong theory? Every prediction that it prints is taken 5 % too high and too low, and the
 * delay that it is made of; the measured rows must tell, and they must not for the right ones.
 */

/** One of a thousand rows is further away by chance. */
const BOUND = 3.3;
const USUAL = 2.5;
/** Part of a prediction for what the formulas are known to be off by (observe/theory/predict.ts). */
const KNOWN = 0.006;
/** A body is at others so long before their miners go on to it. */
const CONNECT_MS = 40;

function measured(o: Omit<RaceOptions, 'lambda'>): EpochFigures {
  const figures = newFigures();
  for (const event of race({ ...o, lambda: 1, connectMs: CONNECT_MS })) figures.apply(event);
  const [epoch, ...more] = figures.read().epochs;
  expect(more).toEqual([]);
  return epoch!;
}

/** How far the row is from its prediction, in standard errors, beyond what the formula is known to be off by. */
function distance({ value, predicted, se }: FigureRow, factor = 1): number {
  const from = predicted! * factor;
  return Math.max(0, Math.abs(value - from) - KNOWN * from) / se!;
}

const two = measured({ powers: [1, 1], delay: () => 600, blocks: 60_000, seed: 'power two' });
const four = measured({ powers: [2, 1, 1, 1], delay: () => 400, blocks: 60_000, seed: 'power four' });
const rowOf = (figures: EpochFigures, id: string) =>
  figureRows(figures, figures.shape).find((row) => row.id === id)!;

describe('predictions beside a long run', () => {
  it.each([
    ...[['stale', four] as const, ['forked', four] as const],
    ...['stale', 'forked', 'D0', 'A0', 'V0'].map((id) => [id, two] as const),
  ])('%s: 5 % off is found, and the right one is not', (id, figures) => {
    const row = rowOf(figures, id);
    expect(distance(row)).toBeLessThan(USUAL);
    expect(distance(row, 1.05)).toBeGreaterThan(BOUND);
    expect(distance(row, 0.95)).toBeGreaterThan(BOUND);
  });

  it('deeper ones fade by the predicted factor', () => {
    for (const id of ['D1', 'A1', 'V1', 'D2', 'V2']) expect(distance(rowOf(two, id))).toBeLessThan(BOUND);
  });

  it('every row with a formula is among them', () => {
    const predicted = (figures: EpochFigures) =>
      figureRows(figures, figures.shape)
        .filter((row) => row.predicted !== undefined)
        .map((row) => row.id.replace(/\d+/, ''));
    expect([...new Set(predicted(two))].sort()).toEqual(['A', 'D', 'V', 'forked', 'stale']);
    expect(predicted(four).sort()).toEqual(['forked', 'stale']);
  });
});

describe('the delay of the predictions', () => {
  it('is that from a find to the next job of others, not to their body', () => {
    for (const [figures, ms] of [
      [two, 600],
      [four, 400],
    ] as const) {
      expect(basisOf(figures, figures.shape)).toMatchObject({
        delayOf: 'job',
        delayMs: expect.closeTo(ms, 6),
      });
      expect(Math.abs(figures.body.p50 / (ms - CONNECT_MS) - 1)).toBeLessThan(0.008); // counted in classes
    }
  });

  it('5 % off is found, and so is the time to the body', () => {
    for (const mean of [two.job.mean * 1.05, two.job.mean * 0.95, two.body.mean]) {
      const off: EpochFigures = { ...two, job: { ...two.job, mean } };
      expect(distance(rowOf(off, 'D0')), `${mean} ms`).toBeGreaterThan(BOUND);
    }
  });
});
