import type { ChartPoint, ChartSeries } from '../../observe/chart/chart.ts';
import { checkShare } from '../../observe/figures/judge.ts';
import type { Parameter } from './types.ts';

/** Settings that several experiments share, and the series of their charts. */

export function countOf(name: string, says: string, usual: number, least: number, most: number): Parameter {
  return { name, says, default: [usual], many: false, range: { least, most, whole: true } };
}

export function listOf(
  name: string,
  says: string,
  usual: readonly number[],
  least: number,
  most: number,
  whole = false,
): Parameter {
  return { name, says, default: usual, many: true, range: { least, most, whole } };
}

export function choiceOf(
  name: string,
  says: string,
  usual: readonly string[],
  choices: readonly string[],
  many = true,
): Parameter {
  return { name, says, default: usual, many, range: { words: choices } };
}

/** So many values from `from` to `to`, for a predicted curve. */
export function spanOf(from: number, to: number, count = 60): number[] {
  return Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
}

/** In pixels: marks of whole nodes are drawn beside those of the reduced model. */
export const ASIDE = 11;

export function predictedSeries(what: string, colour: number, points: readonly ChartPoint[]): ChartSeries {
  return { name: `predicted, ${what}`, as: 'line', colour, points };
}

export function measuredSeries(what: string, colour: number, points: readonly ChartPoint[]): ChartSeries {
  return { name: `measured, ${what}`, as: 'points', colour, points };
}

export function wholeSeries(name: string, colour: number, points: readonly ChartPoint[]): ChartSeries {
  return { name, as: 'points', solid: true, aside: ASIDE, colour, points };
}

/** The share of `count` events among `n`, with its standard error. */
export function sharePoint(x: number, count: number, n: number, predicted: number): ChartPoint {
  const { measured, se } = checkShare(count, n, predicted);
  return { x, y: measured, se };
}
