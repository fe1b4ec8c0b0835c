import { describe, expect, it } from 'vitest';
import { newSeenEvents, REREAD_EVENTS } from '../../src/lab/launcher/seen-events.ts';

/** Lines `from`..`to` of a run that began at time `t`. */
function run(from: number, to: number, t: number) {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ seq: from + i, t: t + i }));
}

describe('events of a node that is followed over restarts', () => {
  it('gives each line once, though a killed node gave the numbers of its lost lines again', () => {
    const seen = newSeenEvents(100);
    const first = run(1, 50, 101);
    expect(first.filter(seen.add)).toEqual(first);
    // The file kept 45 of them; the new run goes on at 46.
    const file = [...first.slice(0, 45), ...run(46, 60, 500)];
    const after = seen.startAfter(60);
    const given = file.filter((e) => e.seq > after && seen.add(e));
    expect(given).toEqual(run(46, 60, 500));
    expect(file.filter(seen.add)).toEqual([]);
  });

  it("leaves no line out when the new run's clock is behind the old one's", () => {
    const seen = newSeenEvents(0);
    run(1, 10, 1_000).filter(seen.add);
    expect(run(11, 12, 900).filter(seen.add)).toEqual(run(11, 12, 900));
  });

  it('leaves out what happened before this yard was started', () => {
    const seen = newSeenEvents(1_000);
    expect(run(1, 5, 998).filter(seen.add)).toEqual([
      { seq: 4, t: 1_001 },
      { seq: 5, t: 1_002 },
    ]);
  });

  it('begins far enough back, and at the beginning of a node whose data were deleted', () => {
    const seen = newSeenEvents(0);
    expect(seen.startAfter(20_000)).toBe(20_000 - REREAD_EVENTS);
    const all = run(1, 12_000, 1);
    expect(all.filter(seen.add)).toHaveLength(12_000);
    const after = seen.startAfter(12_003);
    expect(after).toBe(12_000 - REREAD_EVENTS);
    expect(all.filter((e) => e.seq > after && seen.add(e))).toEqual([]);
    expect(seen.startAfter(3)).toBe(0);
  });
});
