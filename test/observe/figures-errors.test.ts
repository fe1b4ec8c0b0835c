import { describe, expect, it } from 'vitest';
import { shareSe, wilson } from '../../src/observe/figures/errors.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { type FigureRow, figureRows, measuredWords } from '../../src/observe/figures/rows.ts';
import { clusterRace } from '../../src/observe/theory/clusters.ts';
import { race } from './race-log.ts';

describe('the error of a share', () => {
  it('is that of the measured count, and Wilson’s for few', () => {
    // 2 of 58: the binomial error is 2.4 %.
    expect(shareSe(2, 58)).toBeCloseTo(0.025, 3);
    expect(wilson(2, 58).low).toBeCloseTo(0.0095, 4);
    expect(wilson(2, 58).high).toBeCloseTo(0.1173, 4);
    expect(shareSe(300, 1_000)).toBeCloseTo(Math.sqrt(0.21 / 1_000), 4);
  });

  it('is never 0: none of 58 may be up to 6 %', () => {
    expect(shareSe(0, 58)).toBeGreaterThan(0.008);
    expect(wilson(0, 58).low).toBe(0);
    expect(wilson(0, 58).high).toBeCloseTo(0.062, 3);
    expect(wilson(58, 58)).toEqual({ low: 1 - wilson(0, 58).high, high: 1 });
  });
});

/** Short runs of two nodes, whose truth is known. */
const X = 0.3;
const RUNS = 80;
const BLOCKS = 200;

function shortRun(seed: number): readonly FigureRow[] {
  const figures = newFigures();
  const o = { powers: [1, 1], lambda: 1, delay: () => X * 1_000, blocks: BLOCKS, seed: `errors ${seed}` };
  for (const event of race(o)) figures.apply(event);
  const [epoch] = figures.read().epochs;
  return figureRows(epoch!, epoch!.shape);
}

describe('standard errors and intervals over many short runs', () => {
  const truth = clusterRace(X, 0.5);
  const runs = Array.from({ length: RUNS }, (_, seed) => shortRun(seed));

  it.each([
    ['stale', truth.stale],
    ['forked', truth.forked],
    ...[0, 1, 2].flatMap((k) => [
      [`D${k}`, truth.disagreement(k)] as const,
      [`A${k}`, truth.disagreement(k)] as const,
      [`V${k}`, truth.violations(k)] as const,
    ]),
  ] as const)('%s scatters as its errors say', (id, value) => {
    const rows = runs.map((rows) => rows.find((row) => row.id === id)).filter((row) => row !== undefined);
    expect(rows.length).toBeGreaterThan(RUNS / 2);
    let squares = 0;
    let inside = 0;
    for (const { value: measured, se, interval } of rows) {
      expect(se).toBeGreaterThan(0);
      squares += ((measured - value) / se!) ** 2;
      if (interval!.low <= value && value <= interval!.high) inside++;
    }
    // Honest errors give 1; where hardly any run has an event they are wide rather than narrow.
    const spread = Math.sqrt(squares / rows.length);
    expect(spread).toBeLessThan(1.35);
    expect(spread).toBeGreaterThan(0.4);
    expect(inside / rows.length).toBeGreaterThan(0.89);
  });
});

describe('a row in words', () => {
  it('has no ± 0', () => {
    const row = (events: number): FigureRow => ({
      id: 'stale',
      name: 'stale blocks',
      value: events / 58,
      n: 58,
      of: 'blocks',
      count: '',
      se: shareSe(events, 58),
      interval: wilson(events, 58),
    });
    expect(measuredWords(row(2))).toBe('3.4 ± 2.5 %');
    expect(measuredWords(row(0))).toBe('0 %, at most 6.2 %');
  });
});
