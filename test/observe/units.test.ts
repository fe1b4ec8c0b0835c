import { describe, expect, it } from 'vitest';
import {
  formatCount,
  formatDuration,
  formatMs,
  formatRate,
  formatWork,
  parseCount,
  parseDuration,
  parseRate,
} from '../../src/observe/words/units.ts';

function value<T>(result: { ok: true; value: T } | { ok: false; error: string }): T | string {
  return result.ok ? result.value : result.error;
}

describe('durations', () => {
  it('reads what people write', () => {
    expect(value(parseDuration('400ms'))).toBe(400);
    expect(value(parseDuration('2s'))).toBe(2_000);
    expect(value(parseDuration('1.75s'))).toBe(1_750);
    expect(value(parseDuration('1.5m'))).toBe(90_000);
    expect(value(parseDuration(' 1h '))).toBe(3_600_000);
  });

  it('refuses a bare number and names it', () => {
    expect(value(parseDuration('5'))).toBe("'5' has no unit; write 5ms or 5s");
    for (const bad of ['', 'ms', '-2s', '2 weeks', '1e3ms', '0x10s', '2s2s']) {
      expect(parseDuration(bad).ok, bad).toBe(false);
    }
  });

  it('prints what it can read again', () => {
    for (const ms of [0, 1, 400, 999, 1_000, 1_750, 2_000, 61_001]) {
      expect(value(parseDuration(formatDuration(ms)))).toBe(ms);
    }
  });
});

describe('rates', () => {
  it('reads H/s with and without unit words', () => {
    expect(value(parseRate('50kH/s'))).toBe(50_000);
    expect(value(parseRate('50k'))).toBe(50_000);
    expect(value(parseRate('1.2MH/s'))).toBe(1_200_000);
    expect(value(parseRate('800H/s'))).toBe(800);
    expect(value(parseRate('uncapped'))).toBe(0);
  });

  it('refuses nothing, too little and too much', () => {
    for (const bad of ['', '0', '0.2H/s', 'fast', '-5k', '50 kHz', '5TH/s', '2000GH/s']) {
      expect(parseRate(bad).ok, bad).toBe(false);
    }
  });
});

describe('figures', () => {
  it('keeps two or three digits', () => {
    expect([0, 7, 950, 999, 1_000, 1_234, 50_000, 999_499, 1_100_000, 2.5e9].map(formatCount)).toEqual([
      '0',
      '7',
      '950',
      '999',
      '1k',
      '1.2k',
      '50k',
      '999k',
      '1.1M',
      '2.5G',
    ]);
    expect(formatRate(50_000)).toBe('50 kH/s');
    expect(formatRate(0)).toBe('uncapped');
    expect(formatWork('3d0900')).toBe('4.0M');
    expect([9, 99, 900, 12_000, 200_000].map(formatMs)).toEqual([
      '9 ms',
      '99 ms',
      '0.9 s',
      '12 s',
      '3.3 min',
    ]);
  });

  it('reads whole numbers within bounds', () => {
    expect(value(parseCount('3', '--blocks', 1, 10))).toBe(3);
    expect(value(parseCount('11', '--blocks', 1, 10))).toBe('--blocks must be from 1 to 10, not 11');
    for (const bad of ['', '1.5', '-1', '3x', '9'.repeat(20)])
      expect(parseCount(bad, 'n', 0, 100).ok).toBe(false);
  });
});
