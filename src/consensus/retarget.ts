import type { Header } from '../bitcoin/header.ts';
import { compactToTarget, targetToCompact } from '../bitcoin/target.ts';

/** How the target follows the hash rate. Times in milliseconds. */
export type Retarget =
  /** Every block has its parent's bits (regtest, lab). */
  | { readonly kind: 'none' }
  /** Relative ASERT: every solve time moves the target by 2^((s − T)/halflife). */
  | { readonly kind: 'ema'; readonly halflifeMs: number };

/** A parent's solve time counts at most this many intervals: what one dishonest or sleepy timestamp can move. */
const SOLVE_CLAMP = 30;
/** Never easier than the genesis difficulty through this. */
const EASIEST = 64n;
const RADIX = 16n;

/**
 * `target` × 2^(exponent/65536) in the integer arithmetic of aserti3-2d, whose cubic is within 0.013 % of 2^x.
 * Shifts are arithmetic, so the fraction is in 0..65535 for negative exponents too.
 */
export function scaleTarget(target: bigint, exponent: bigint): bigint {
  const shifts = (exponent >> RADIX) - RADIX;
  const x = exponent & 0xffffn;
  const factor =
    ((195766423245049n * x + 971821376n * x * x + 5127n * x * x * x + (1n << 47n)) >> 48n) + 65536n;
  const scaled = target * factor;
  return shifts < 0n ? scaled >> -shifts : scaled << shifts;
}

/** (solve − spacing)·65536/halflife, truncated toward zero, `solve` clamped to 0…30 intervals. All in milliseconds. */
export function emaExponent(solveMs: number, spacingMs: number, halflifeMs: number): bigint {
  const clamped = Math.min(Math.max(solveMs, 0), SOLVE_CLAMP * spacingMs);
  return (BigInt(clamped - spacingMs) * 65536n) / BigInt(halflifeMs);
}

export interface RetargetParams {
  readonly retarget: Retarget;
  readonly spacingMs: number;
  readonly powLimit: bigint;
  readonly genesis: { readonly header: Header };
}

/** What the rule reads of an ancestor. */
export interface RetargetEntry {
  readonly header: Header;
  readonly height: number;
  readonly parent: RetargetEntry | undefined;
}

/**
 * The bits that a child of `parent` must have. With `ema`, blocks 1 and 2 have the genesis target: the genesis was made
 * before anyone mined, so the first solve time says nothing.
 */
export function nextBits(parent: RetargetEntry, params: RetargetParams): number {
  if (params.retarget.kind === 'none') return parent.header.bits;
  if (parent.height < 2 || parent.parent === undefined) return params.genesis.header.bits;
  const solveMs = (parent.header.time - parent.parent.header.time) * 1000;
  const exponent = emaExponent(solveMs, params.spacingMs, params.retarget.halflifeMs);
  const scaled = scaleTarget(compactToTarget(parent.header.bits).target, exponent);
  const easiest = compactToTarget(params.genesis.header.bits).target * EASIEST;
  return targetToCompact(atLeast1(smaller(scaled, smaller(easiest, params.powLimit))));
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function atLeast1(target: bigint): bigint {
  return target < 1n ? 1n : target;
}
