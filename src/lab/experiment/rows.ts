import { agree, type Judged, judgeShare } from '../../observe/judge.ts';
import type { Model, Origin, Row } from './types.ts';

/** Rows of an experiment, and how its numbers are written. */

interface About {
  readonly origin: Origin;
  readonly formula: string;
  readonly model?: Model;
  readonly note?: string;
}

export function row(keys: Row['keys'], judged: Judged, about: About): Row {
  return { keys, ...judged, model: 'reduced', ...about };
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

/** Whole nodes do so much less than the reduced model. */
export const WHOLE_PART = 40;

/** A row of whole nodes, judged by whether it agrees with the row of the reduced model. */
export function wholeRow(
  reduced: Row,
  whole: { readonly measured: number; readonly se: number; readonly n: number },
  sigmas: number,
): Row {
  return {
    ...reduced,
    ...whole,
    model: 'whole nodes',
    ok: agree(whole, reduced, sigmas),
    note: 'whole nodes: judged by whether they agree with the reduced model',
  };
}

/** The same of so many events among so many; where few are expected, the exact distribution decides. */
export function wholeShare(reduced: Row, events: number, n: number, sigmas: number): Row {
  const judged = judgeShare(events, n, reduced.predicted, sigmas);
  const few = Math.min(reduced.predicted, 1 - reduced.predicted) * n < FEW;
  const made = wholeRow(reduced, judged, sigmas);
  return few ? { ...made, ok: judged.ok } : made;
}

const FEW = 10;
