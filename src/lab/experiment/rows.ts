import type { Judged } from '../../observe/judge.ts';
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
