import { type Check, checkMean, checkShare, type Tolerance } from '../../observe/figures/judge.ts';
import type { Model, Origin, Row } from './types.ts';

/** Rows of an experiment, and how its numbers are written. */

interface About {
  readonly origin: Origin;
  readonly formula: string;
  readonly model?: Model;
  readonly note?: string;
}

export function row(keys: Row['keys'], check: Check, about: About): Row {
  return { keys, ...check, model: 'reduced', ...about };
}

/** Four significant digits: what a standard error of a percent leaves to be said. */
export function ratio(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

export function percentOf(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** By how much a prediction may be off, in percent of itself: `±1 %`, `+0.5 %`; empty for an exact one. */
export function toleranceOf({ predicted, tolerance: { below, above } }: Check): string {
  const [low, high] = [below, above].map((off) => Number(((off / predicted) * 100).toPrecision(2)));
  if (below === 0 && above === 0) return '';
  if (low === high) return `±${low} %`;
  if (below === 0) return `+${high} %`;
  return above === 0 ? `-${low} %` : `-${low}/+${high} %`;
}

/** Whole nodes do so much less than the reduced model. */
export const WHOLE_PART = 40;

/** A row of whole nodes: the same prediction as that of the reduced model. */
export function wholeMean(
  reduced: Row,
  whole: { readonly measured: number; readonly se: number; readonly n: number; readonly df?: number },
  tolerance: Tolerance = reduced.tolerance,
): Row {
  const { measured, se, n, df } = whole;
  const options = df === undefined ? { tolerance } : { tolerance, df };
  return wholeRow(reduced, checkMean(measured, se, n, reduced.predicted, options));
}

/** The same of so many events among so many. */
export function wholeShare(
  reduced: Row,
  events: number,
  n: number,
  tolerance: Tolerance = reduced.tolerance,
): Row {
  return wholeRow(reduced, checkShare(events, n, reduced.predicted, tolerance));
}

export function wholeRow(reduced: Row, check: Check): Row {
  return { ...reduced, ...check, model: 'whole nodes' };
}
