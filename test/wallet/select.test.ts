import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Goal,
  MAX_TRIES,
  needWith,
  type Spendable,
  selectCoins,
  vsizeWith,
} from '../../src/wallet/select.ts';
import { coin, key, keysOf, sum } from './coins.ts';

const me = key(1);

function goal(outputValue: number, feeRate: number): Goal {
  const script = key(2).script('p2wpkh');
  return { outputScripts: [script], outputValue, changeScript: script, changeFloor: 300, feeRate, minFee: 0 };
}

/** All subsets of a small pool. */
function subsets(pool: readonly Spendable[]): Spendable[][] {
  return Array.from({ length: 2 ** pool.length }, (_, bits) =>
    pool.filter((_, i) => ((bits >> i) & 1) === 1),
  );
}

describe('selectCoins against every subset of small pools', () => {
  it('needs no change where that is possible, with the least left over', () => {
    let changeless = 0;
    const values = fc.array(fc.integer({ min: 200, max: 3_000 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(values, fc.integer({ min: 300, max: 12_000 }), (list, target) => {
        // At rate 0 a coin brings exactly its value, so the oracle is plain addition.
        const pool = list.map((value) => coin(value, me));
        const sums = subsets(pool).map(sum);
        const best = Math.min(...sums.filter((s) => s >= target && s < target + 300));
        const chosen = selectCoins(goal(target, 0), [], pool);
        const possible = sums.some((s) => s >= target);
        expect(chosen !== undefined).toBe(possible);
        if (chosen === undefined) return;
        if (best < Infinity) {
          changeless++;
          expect(sum(chosen)).toBe(best);
        } else {
          expect(sum(chosen)).toBeGreaterThanOrEqual(target + 300);
        }
      }),
      { seed: 161, numRuns: 400 },
    );
    expect(changeless).toBeGreaterThan(50);
  });

  it('finds a selection exactly when some subset can pay, fee and all', () => {
    const values = fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 8 });
    let possible = 0;
    fc.assert(
      fc.property(
        values,
        fc.integer({ min: 300, max: 9_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        (list, to, rate) => {
          const pool = list.map((value) => coin(value, me));
          const g = goal(to, rate);
          const payable = subsets(pool).some(
            (set) => set.length > 0 && sum(set) >= needWith(g, vsizeWith(g, set, false), false),
          );
          if (payable) possible++;
          const chosen = selectCoins(g, [], pool);
          expect(chosen !== undefined).toBe(payable);
          if (chosen === undefined) return;
          expect(sum(chosen)).toBeGreaterThanOrEqual(needWith(g, vsizeWith(g, chosen, false), false));
        },
      ),
      { seed: 162, numRuns: 500 },
    );
    expect(possible).toBeGreaterThan(100);
  });
});

describe('bounds', () => {
  it('gives up on a hard changeless search and pays with change', () => {
    // Even values never sum to an odd target within a window of nothing, and no bound prunes that.
    const pool = Array.from({ length: 40 }, (_, i) => coin(1_000_000 + 2_000 * i, me));
    const g = { ...goal(10_501_001, 0), changeFloor: 300 };
    const chosen = selectCoins(g, [], pool)!;
    expect(sum(chosen)).toBeGreaterThanOrEqual(10_501_001 + 300);
    expect(MAX_TRIES).toBeLessThanOrEqual(100_000);
  });

  it('ignores a coin that is offered twice', () => {
    const c = coin(1_000, me);
    expect(selectCoins(goal(1_500, 0), [], [c, c])).toBeUndefined();
    expect(selectCoins(goal(1_500, 0), [c], [c])).toBeUndefined();
    const other = coin(700, me);
    expect(keysOf(selectCoins(goal(1_500, 0), [c], [c, other])!)).toEqual(keysOf([c, other]));
  });
});
