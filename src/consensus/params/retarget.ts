import type { Header } from '../../bitcoin/header.ts';
import { compactToTarget, targetToCompact } from '../../bitcoin/target.ts';
import { unreachable } from '../../util/assert.ts';

/** How the target follows the hash rate. Times in milliseconds. */
export type Retarget =
  /** Every block has its parent's bits (regtest, lab). */
  | { readonly kind: 'none' }
  /** Relative ASERT: every solve time moves the target by 2^((s − T)/halflife). */
  | { readonly kind: 'ema'; readonly halflifeMs: number }
  /** aserti3-2d as Bitcoin Cash has it since 2020: the target follows an absolute schedule that starts at the genesis. */
  | { readonly kind: 'asert'; readonly halflifeMs: number }
  /** Bitcoin's: every `window` blocks by the time that the last window took. 2016 on mainnet. */
  | { readonly kind: 'bitcoin'; readonly window: number };

/** A parent's solve time counts at most this many intervals: what one dishonest or sleepy timestamp can move. */
const SOLVE_CLAMP = 30;
/** Never easier than the genesis difficulty through this. */
const EASIEST = 64n;
const RADIX = 16n;
/** So many halvings or doublings lead from any target out of 1…2^256: further ones need not be computed. */
const MOST_DOUBLINGS = 257n << RADIX;
/** One window moves the target by at most this factor. Core: CalculateNextWorkRequired. */
const WINDOW_CLAMP = 4;

/**
 * `target` × 2^(exponent/65536) in the integer arithmetic of aserti3-2d, whose cubic is within 0.013 % of 2^x.
 * Shifts are arithmetic, so the fraction is in 0..65535 for negative exponents too.
 */
export function scaleTarget(target: bigint, exponent: bigint): bigint {
  const bounded =
    exponent > MOST_DOUBLINGS ? MOST_DOUBLINGS : exponent < -MOST_DOUBLINGS ? -MOST_DOUBLINGS : exponent;
  const shifts = (bounded >> RADIX) - RADIX;
  const x = bounded & 0xffffn;
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

/**
 * aserti3-2d, the target of the block after one at `height` and `timeMs`, where `anchor` is any earlier block: its bits, its
 * height, and the time of its *parent*, as the specification has it (upgrade of 15 November 2020). All in milliseconds.
 */
export function asertTarget(
  anchor: { readonly bits: number; readonly height: number; readonly parentTimeMs: number },
  height: number,
  timeMs: number,
  rule: { readonly spacingMs: number; readonly halflifeMs: number; readonly powLimit: bigint },
): bigint {
  const late = timeMs - anchor.parentTimeMs - rule.spacingMs * (height - anchor.height + 1);
  const exponent = (BigInt(late) * 65536n) / BigInt(rule.halflifeMs);
  return atLeast1(smaller(scaleTarget(compactToTarget(anchor.bits).target, exponent), rule.powLimit));
}

/**
 * Bitcoin's rule at the end of a window: the old target times (time of the last window ÷ intended time), the factor clamped
 * to ¼…4. `spanMs` goes from the window's first block to its last, which is one interval short: the off-by-one of old.
 */
export function windowTarget(
  bits: number,
  spanMs: number,
  rule: { readonly intendedMs: number; readonly powLimit: bigint },
): bigint {
  const least = Math.floor(rule.intendedMs / WINDOW_CLAMP);
  const span = Math.min(Math.max(spanMs, least), rule.intendedMs * WINDOW_CLAMP);
  const target = (compactToTarget(bits).target * BigInt(span)) / BigInt(rule.intendedMs);
  return atLeast1(smaller(target, rule.powLimit));
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

/** The bits that a child of `parent` must have. */
export function nextBits(parent: RetargetEntry, params: RetargetParams): number {
  const { retarget } = params;
  switch (retarget.kind) {
    case 'none':
      return parent.header.bits;
    case 'ema':
      return emaBits(parent, params, retarget.halflifeMs);
    case 'asert':
      return asertBits(parent, params, retarget.halflifeMs);
    case 'bitcoin':
      return windowBits(parent, params, retarget.window);
    default:
      return unreachable(retarget);
  }
}

/** The genesis is the anchor. It has no parent, so one a full interval before it is supposed. */
function asertBits(parent: RetargetEntry, params: RetargetParams, halflifeMs: number): number {
  const { bits, time } = params.genesis.header;
  const { spacingMs, powLimit } = params;
  const anchor = { bits, height: 0, parentTimeMs: time * 1000 - spacingMs };
  const timeMs = parent.header.time * 1000;
  return targetToCompact(asertTarget(anchor, parent.height, timeMs, { spacingMs, halflifeMs, powLimit }));
}

/** Core: GetNextWorkRequired. The walk to the window's first block is made once a window. */
function windowBits(parent: RetargetEntry, params: RetargetParams, window: number): number {
  if ((parent.height + 1) % window !== 0) return parent.header.bits;
  let first = parent;
  for (let i = 1; i < window && first.parent !== undefined; i++) first = first.parent;
  const spanMs = (parent.header.time - first.header.time) * 1000;
  const { powLimit, spacingMs } = params;
  return targetToCompact(
    windowTarget(parent.header.bits, spanMs, { intendedMs: window * spacingMs, powLimit }),
  );
}

/** Blocks 1 and 2 have the genesis target: the genesis was made before anyone mined, so the first solve time says nothing. */
function emaBits(parent: RetargetEntry, params: RetargetParams, halflifeMs: number): number {
  if (parent.height < 2 || parent.parent === undefined) return params.genesis.header.bits;
  const solveMs = (parent.header.time - parent.parent.header.time) * 1000;
  const exponent = emaExponent(solveMs, params.spacingMs, halflifeMs);
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
