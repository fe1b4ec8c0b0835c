import { type OutPoint, outpointKey } from '../bitcoin/tx.ts';
import { baseWeight, type FeeRate, feeFor, inputWeight, outputWeight, vsizeOf } from './fee.ts';

/** A coin that the caller has found fit to spend now: mature, not spent by a transaction that waits, the key is ours. */
export interface Spendable {
  readonly outpoint: OutPoint;
  /** Satoshi. */
  readonly value: number;
  /** Its lock: P2WPKH or P2TR. */
  readonly script: Uint8Array;
}

/** What a set of inputs has to pay for. */
export interface Goal {
  readonly outputScripts: readonly Uint8Array[];
  /** Satoshi, over all outputs but the change. */
  readonly outputValue: number;
  readonly changeScript: Uint8Array;
  /** A change output holds at least this; less goes to the miner. */
  readonly changeFloor: number;
  readonly feeRate: FeeRate;
  /** The fee is at least this, whatever the size (a replacement must beat what it replaces). */
  readonly minFee: number;
}

/** Branch and bound looks at no more nodes than this (Core: TOTAL_TRIES is 100,000). */
export const MAX_TRIES = 20_000;

/** A set without change is not worth more inputs than this: each costs more than a change output does. */
const MAX_CHANGELESS_INPUTS = 16;

/** More inputs than a transaction of standard weight (400,000) has room for, at 230 and more each. */
const MAX_INPUTS = 1_740;

/** Virtual size of the transaction that spends these coins towards the goal; an upper bound of at most one byte an input. */
export function vsizeWith(goal: Goal, coins: readonly Spendable[], withChange: boolean): number {
  let weight = baseWeight(coins.length, goal.outputScripts.length + (withChange ? 1 : 0));
  for (const script of goal.outputScripts) weight += outputWeight(script);
  if (withChange) weight += outputWeight(goal.changeScript);
  for (const coin of coins) weight += inputWeight(coin.script);
  return vsizeOf(weight);
}

/** What those inputs must be worth: outputs, fee, and with change its floor. */
export function needWith(goal: Goal, vsize: number, withChange: boolean): number {
  const fee = Math.max(goal.minFee, feeFor(goal.feeRate, vsize));
  return goal.outputValue + fee + (withChange ? goal.changeFloor : 0);
}

interface Candidate {
  readonly coin: Spendable;
  /** Value minus the fee of spending it, rounded down: more than 0. */
  readonly effective: number;
  readonly key: string;
}

/** Largest first; equal ones by outpoint, so that the order, and with it the choice, is total. */
function byEffective(a: Candidate, b: Candidate): number {
  return b.effective - a.effective || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/**
 * A subset whose effective values sum to `low` … `high`, the nearest to `low` found within {@link MAX_TRIES} nodes:
 * depth first, the larger coin first, taking it before leaving it. Core: `SelectCoinsBnB` (Murch 2016).
 */
function branchAndBound(pool: readonly Candidate[], low: number, high: number): Candidate[] | undefined {
  const after = new Array<number>(pool.length + 1).fill(0); // what all coins from i on could still add
  for (let i = pool.length - 1; i >= 0; i--) after[i] = after[i + 1]! + pool[i]!.effective;
  const taken: number[] = [];
  let best: readonly number[] | undefined;
  let bestSum = high + 1;
  let sum = 0;
  let at = 0;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (sum >= low && sum < bestSum) {
      best = taken.slice();
      bestSum = sum;
      if (sum === low) break;
    }
    const room = taken.length < MAX_CHANGELESS_INPUTS;
    if (room && at < pool.length && sum < low && sum + after[at]! >= low) {
      taken.push(at);
      sum += pool[at++]!.effective;
      continue;
    }
    // Backtrack: leave out the last coin taken, and its equals too, which would only repeat the same sums.
    const last = taken.pop();
    if (last === undefined) break;
    const dropped = pool[last]!.effective;
    sum -= dropped;
    at = last + 1;
    while (at < pool.length && pool[at]!.effective === dropped) at++;
  }
  return best?.map((i) => pool[i]!);
}

/**
 * Which coins to spend: all of `fixed`, and as few more of `coins` as do. Deterministic. In this order:
 * 1. the fixed coins alone, if there are any and they suffice;
 * 2. a set that needs no change, by bounded branch and bound;
 * 3. the smallest single coin that suffices with change;
 * 4. the largest coins first, until they suffice with change, or all of them without.
 * Coins that cost more to spend than they hold are left alone. `undefined`: they do not suffice.
 */
export function selectCoins(
  goal: Goal,
  fixed: readonly Spendable[],
  coins: readonly Spendable[],
): readonly Spendable[] | undefined {
  const total = (set: readonly Spendable[]): number => set.reduce((sum, coin) => sum + coin.value, 0);
  const suffices = (set: readonly Spendable[], withChange: boolean): boolean =>
    total(set) >= needWith(goal, vsizeWith(goal, set, withChange), withChange);
  if (fixed.length > 0 && suffices(fixed, false)) return fixed;

  const used = new Set(fixed.map((coin) => outpointKey(coin.outpoint)));
  const pool: Candidate[] = [];
  for (const coin of coins) {
    const key = outpointKey(coin.outpoint);
    const effective = coin.value - feeFor(goal.feeRate, vsizeOf(inputWeight(coin.script)));
    if (effective > 0 && !used.has(key)) {
      used.add(key);
      pool.push({ coin, effective, key });
    }
  }
  pool.sort(byEffective);

  if (goal.minFee === 0) {
    // Sizes are rounded up one by one here, so the sum never falls short; beyond 252 inputs their count takes 3 bytes.
    const countGrows = fixed.length + MAX_CHANGELESS_INPUTS > 252 ? 2 : 0;
    const low = needWith(goal, vsizeWith(goal, fixed, false) + countGrows, false) - total(fixed);
    const changeFee = feeFor(goal.feeRate, outputWeight(goal.changeScript) / 4);
    const exact = branchAndBound(pool, low, low + changeFee + goal.changeFloor - 1);
    if (exact !== undefined) return [...fixed, ...exact.map((c) => c.coin)];
  }

  for (let i = pool.length - 1; i >= 0; i--) {
    const set = [...fixed, pool[i]!.coin];
    if (suffices(set, true)) return set;
  }

  let sum = total(fixed);
  const set = fixed.slice();
  for (const { coin } of pool) {
    if (set.length >= MAX_INPUTS) break;
    set.push(coin);
    sum += coin.value;
    // The exact test walks the set, so it waits until the values alone would do.
    if (sum >= goal.outputValue && suffices(set, true)) return set;
  }
  return set.length > 0 && suffices(set, false) ? set : undefined;
}
