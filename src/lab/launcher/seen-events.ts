import type { LogEvent } from '../../events/events.ts';

/** A node that is killed may lose this many lines at the end of its log, and give their numbers again. */
export const REREAD_EVENTS = 5_000;

/**
 * Which events of one node are in the merged log. A node that was killed and started again gives the numbers of its
 * lost lines to other events, so an event is its number and its time.
 */
export interface SeenEvents {
  /** Where a new stream begins; `lastSeq` is the node's newest number. */
  startAfter(lastSeq: number): number;
  /** True the first time. */
  add(event: Pick<LogEvent, 'seq' | 't'>): boolean;
}

/** `since`: what happened before (ms since 1970) belongs to an earlier run of the yard. */
export function newSeenEvents(since: number): SeenEvents {
  /** Number → time, oldest first. */
  const times = new Map<number, number>();
  let newest: number | undefined;
  return {
    startAfter(lastSeq) {
      const last = newest ?? lastSeq;
      // A node whose data were deleted counts from 1 again.
      return lastSeq < last - REREAD_EVENTS ? 0 : Math.max(0, last - REREAD_EVENTS);
    },
    add({ seq, t }) {
      if (t <= since || times.get(seq) === t) return false;
      times.delete(seq);
      times.set(seq, t);
      if (times.size > REREAD_EVENTS) times.delete(times.keys().next().value!);
      newest = seq;
      return true;
    },
  };
}
