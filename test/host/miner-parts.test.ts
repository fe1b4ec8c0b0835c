import { describe, expect, it } from 'vitest';
import { Control } from '../../src/host/miner/control.ts';
import { Pace } from '../../src/host/miner/rate-limit.ts';
import { RateMeter } from '../../src/host/miner/rate-meter.ts';
import { seeded } from '../../src/util/random.ts';

describe('the pace of a capped worker', () => {
  /** Grinds for `ms` of virtual time at `speed` hashes a millisecond, waking late by up to `late` ms. */
  function grind(
    rate: number,
    ms: number,
    late: number,
    speed = 7000,
  ): { done: number; longest: number; most: number } {
    const random = seeded(rate);
    const pace = new Pace();
    pace.setRate(rate, 0);
    let now = 0;
    let done = 0;
    let longest = 0;
    let most = 0;
    while (now < ms) {
      const count = pace.grant(now);
      if (count === 0) {
        longest = Math.max(longest, pace.waitMs);
        now += pace.waitMs + random.unit() * late;
      } else {
        most = Math.max(most, count);
        done += count;
        now += count / speed;
      }
    }
    return { done, longest, most };
  }

  it.each([1, 7, 150, 1000, 50_000, 3_000_000])('holds %i H/s within 1 %% and a slice', (rate) => {
    const seconds = rate < 100 ? 1000 : 60;
    const { done } = grind(rate, seconds * 1000, 2);
    expect(Math.abs(done - rate * seconds)).toBeLessThanOrEqual(Math.max(rate * seconds * 0.01, 1));
  });

  it.each([200, 1000, 50_000, 3_000_000])(
    'at %i H/s waits no longer than 10 ms, and gives no more than 10 ms of work',
    (rate) => {
      const { longest, most } = grind(rate, 10_000, 1);
      expect(longest).toBeLessThanOrEqual(10.001);
      expect(most).toBeLessThanOrEqual(Math.max(1, rate / 100));
    },
  );

  it('makes up for short delays, and not for long ones', () => {
    const pace = new Pace();
    pace.setRate(1000, 0);
    const owed = (now: number): number => {
      let sum = 0;
      for (let n = pace.grant(now); n > 0; n = pace.grant(now)) sum += n;
      return sum;
    };
    expect(owed(60)).toBe(60);
    expect(owed(10_000)).toBe(100);
  });

  it('owes nothing after a restart, nor more than before when the rate falls', () => {
    const pace = new Pace();
    pace.setRate(100_000, 0);
    pace.restart(80);
    expect(pace.grant(80)).toBe(0);
    pace.setRate(10, 180);
    expect(pace.grant(180)).toBe(1);
    expect(pace.grant(180)).toBe(0);
  });
});

describe('the rate meter', () => {
  it('tells the rate of the last seconds, for each worker', () => {
    const meter = new RateMeter(2);
    expect(meter.rates()).toEqual([0, 0]);
    for (let at = 0; at <= 10_000; at += 250) meter.sample(at, [at * 5, at < 5000 ? 0 : (at - 5000) * 2]);
    expect(meter.rates()).toEqual([5000, 2000]);
    for (let at = 10_250; at <= 14_000; at += 250) meter.sample(at, [50_000, 10_000]);
    expect(meter.rates()).toEqual([0, 0]);
  });

  it('is not narrowed by being asked often', () => {
    const meter = new RateMeter(1);
    for (let at = 0; at <= 4000; at++) meter.sample(at, [Math.min(at, 3500)]);
    const [rate] = meter.rates() as [number];
    expect(rate).toBeGreaterThan(750);
    expect(rate).toBeLessThan(900);
  });
});

describe('the shared memory', () => {
  const order = {
    serial: 3,
    hasJob: true,
    held: false,
    job: 2 ** 40 + 1,
    rate: 12.5,
    header: Uint8Array.from({ length: 76 }, (_, i) => i),
    target: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
  };

  it('hands an order over whole', () => {
    const control = Control.forWorkers(2);
    control.publish(order);
    expect(new Control(control.buffer).read()).toEqual(order);
  });

  it('lets one worker solve an order, and takes late solutions of older ones', () => {
    const control = Control.forWorkers(2);
    control.publish(order);
    expect([control.isSolved(3), control.claim(3), control.claim(3), control.isSolved(3)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([control.claim(2), control.isSolved(4)]).toEqual([true, false]);
    // A worker that was kept waiting comes with its solution of an order that was solved, and so was the next one.
    expect([control.claim(4), control.claim(3), control.claim(2)]).toEqual([true, false, false]);
    expect([control.isSolved(2), control.isSolved(3), control.isSolved(4)]).toEqual([true, true, true]);
    // Of one that is much too late nobody knows.
    expect([control.claim(12), control.claim(4), control.isSolved(4)]).toEqual([true, false, false]);
  });

  it('counts each worker by itself, ever and on its order', () => {
    const control = Control.forWorkers(2);
    control.count(0, 1, 10);
    control.count(1, 1, 2 ** 40);
    control.count(0, 2, 5);
    expect([control.hashes(0), control.hashes(1)]).toEqual([15, 2 ** 40]);
    expect([control.hashesOn(0, 1), control.hashesOn(0, 2), control.hashesOn(1, 1)]).toEqual([0, 5, 2 ** 40]);
  });
});
