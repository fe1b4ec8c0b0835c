import { performance } from 'node:perf_hooks';
import type { Micros } from '../node/types.ts';

/** The two clocks of a machine, in whole microseconds. */
export interface Clock {
  /** Since some moment of this process; never goes back, and does not jump when the wall clock is set. */
  now(): Micros;
  /** Since 1970, as the machine believes. */
  wall(): Micros;
}

export function systemClock(): Clock {
  let last = 0;
  return {
    now() {
      // performance.now() is monotonic; the rounding is held to it too.
      last = Math.max(last, Math.floor(performance.now() * 1_000));
      return last;
    },
    wall: () => Date.now() * 1_000,
  };
}

/**
 * Milliseconds since 1970 with fractions, for the event log: it runs evenly through corrections of the wall clock, so
 * that two lines of one process are always as far apart as they say.
 */
export function eventTime(): number {
  return performance.timeOrigin + performance.now();
}
