import { performance } from 'node:perf_hooks';
import type { Micros } from '../../node/types.ts';

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
 * The wall clock at 0 of this process's monotonic clock, in ms. `performance.timeOrigin` is off by several ms, and by
 * more on a busy machine; lines of several processes are put in order by this time, and it is right to about 0.1 ms.
 */
function measureOrigin(): number {
  let best = { origin: performance.timeOrigin, width: Number.POSITIVE_INFINITY };
  for (let attempt = 0; attempt < 3 && best.width > 0.1; attempt++) {
    const first = Date.now();
    let now = first;
    let before = performance.now();
    let after = before;
    // The whole millisecond is exact in the moment in which it begins.
    while (now === first) {
      before = after;
      after = performance.now();
      now = Date.now();
    }
    const end = performance.now();
    if (end - before < best.width) best = { origin: now - (before + end) / 2, width: end - before };
  }
  return best.origin;
}

const origin = measureOrigin();

/**
 * Milliseconds since 1970 with fractions, for the event log: it runs evenly through corrections of the wall clock, so
 * that two lines of one process are always as far apart as they say.
 */
export function eventTime(): number {
  return origin + performance.now();
}

/** A clock whose wall is set off: a fault to teach with. The monotonic side, and the event log, stay right. */
export interface OffsetClock extends Clock {
  /** How far the wall is ahead of the base clock's, in milliseconds. */
  offsetMs: number;
}

export function offsetClock(base: Clock): OffsetClock {
  const clock: OffsetClock = {
    offsetMs: 0,
    now: () => base.now(),
    wall: () => base.wall() + clock.offsetMs * 1_000,
  };
  return clock;
}
