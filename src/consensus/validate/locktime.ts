import type { Tx } from '../../bitcoin/tx.ts';
import type { Coin } from '../store/coin.ts';

/** Below it a lock time is a height, from it on a time in seconds. Core: LOCKTIME_THRESHOLD. */
const LOCKTIME_THRESHOLD = 500_000_000;
/** An input with this sequence opts out of the transaction's lock time. */
const SEQUENCE_FINAL = 0xffff_ffff;
/** BIP68: set, the sequence is no relative lock. */
const DISABLE_FLAG = 0x8000_0000;
/** BIP68: set, the unit is 512 seconds, otherwise blocks. */
const TYPE_FLAG = 0x0040_0000;
const MASK = 0xffff;
/** 512 seconds. */
const GRANULARITY = 9;

/**
 * May the transaction be in a block of this height, after a median time past of `medianTime` (of the block's parent)?
 * Core: IsFinalTx with BIP113. The comparison is strict: a lock of h allows height h + 1.
 */
export function isFinal(tx: Tx, height: number, medianTime: number): boolean {
  if (tx.lockTime === 0) return true;
  if (tx.lockTime < (tx.lockTime < LOCKTIME_THRESHOLD ? height : medianTime)) return true;
  for (const input of tx.inputs) if (input.sequence !== SEQUENCE_FINAL) return false;
  return true;
}

/** Where a spending block stands: enough for BIP68. */
export interface LockContext {
  /** Height of the block that would hold the transaction. */
  readonly height: number;
  /** Median time past of that block's parent. */
  readonly medianTime: number;
  /** Median time past at a height of the same branch, at most height − 1. */
  medianTimeAt(height: number): number;
}

/**
 * The first input whose relative lock still holds, or −1. Core: CalculateSequenceLocks, EvaluateSequenceLocks (BIP68).
 * The version is compared as an unsigned number, as BIP68 says. A coin's time is the median time past of the block
 * *before* the one that made it.
 */
export function firstLockedInput(tx: Tx, coins: readonly Coin[], at: LockContext): number {
  if (tx.version >>> 0 < 2) return -1;
  for (let i = 0; i < tx.inputs.length; i++) {
    const { sequence } = tx.inputs[i]!;
    if (sequence >= DISABLE_FLAG) continue;
    const coin = coins[i]!;
    const units = sequence & MASK;
    if ((sequence & TYPE_FLAG) !== 0) {
      const from = at.medianTimeAt(Math.max(coin.height - 1, 0));
      // The last moment at which it is still locked is from + units·512 − 1 (nLockTime semantics).
      if (from + (units << GRANULARITY) - 1 >= at.medianTime) return i;
    } else if (coin.height + units - 1 >= at.height) {
      return i;
    }
  }
  return -1;
}
