import { describe, expect, it } from 'vitest';
import { liveLine } from '../../src/app/cli/verb-mine.ts';
import { Beat } from '../../src/lab/live/mining-rhythm.ts';
import { exponential, seeded } from '../../src/util/random.ts';
import { describePower } from '../../src/yard/verbs/mining.ts';

describe('a beat', () => {
  it('keeps its times whatever a block takes, and leaves out those that have passed', () => {
    const beat = new Beat(1_000, () => 2_000);
    expect(beat.due).toBe(3_000);
    beat.next(3_015);
    // From the beat, not from the moment at which it was seen.
    expect(beat.due).toBe(5_000);
    beat.next(9_500);
    expect([beat.due, beat.missed]).toEqual([11_000, 2]);
    beat.next(11_000);
    expect([beat.due, beat.missed]).toEqual([13_000, 2]);
  });

  it('at random has the mean that was asked for', () => {
    const random = seeded(7);
    const beat = new Beat(0, () => exponential(random, 5_000_000) / 1000);
    const count = 4_000;
    for (let i = 1; i < count; i++) beat.next(beat.due);
    expect(beat.missed).toBe(0);
    expect(Math.abs(beat.due / count - 5_000)).toBeLessThan(250);
  });
});

describe('what a person reads while one node mines', () => {
  const live = {
    rate: 50_000,
    rates: [25_000, 25_000],
    found: 3,
    stale: 1,
    difficulty: 250_000,
    seconds: 12,
  };

  it('has each worker, blocks, stale ones, difficulty, and the time that a block takes', () => {
    expect(liveLine(live)).toBe(
      '50 kH/s (25 kH/s + 25 kH/s) · 3 blocks in 12 s, 1 stale · difficulty 250k: one in 5.0 s',
    );
    expect(liveLine({ ...live, rate: 0, rates: [0], found: 1, stale: 0, difficulty: 0 })).toBe(
      '0 H/s · 1 block in 12 s',
    );
  });

  it('says with what it mines', () => {
    expect(describePower({ uncapped: false }, 50_000)).toBe('at 50 kH/s');
    expect(describePower({ uncapped: false, hashrate: 2e6, threads: 2, kernel: 'simd4' }, 50_000)).toBe(
      'at 2 MH/s on 2 threads with kernel simd4',
    );
  });
});
