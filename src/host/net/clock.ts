import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds; `now` never goes back. */
export interface NetClock {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export const netClock: NetClock = { now: () => performance.now(), sleep: (ms) => sleep(ms) };
