import { hashOfId, idOf } from '../util/bytes.ts';

const TWO256 = 1n << 256n;
const MAX = TWO256 - 1n;

/**
 * nBits to target. A float of base 256 with a sign bit that no honest miner sets: `negative` and `overflow` tell what
 * the form allows and a header may not have. Core: `arith_uint256::SetCompact`.
 */
export function compactToTarget(bits: number): { target: bigint; negative: boolean; overflow: boolean } {
  const size = bits >>> 24;
  const mantissa = bits & 0x007f_ffff;
  const word = size <= 3 ? mantissa >>> (8 * (3 - size)) : mantissa;
  const target = size <= 3 ? BigInt(word) : (BigInt(word) << BigInt(8 * (size - 3))) & MAX;
  return {
    target,
    negative: word !== 0 && (bits & 0x0080_0000) !== 0,
    overflow: word !== 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
  };
}

/** Target to nBits, rounding down to 15–23 significant bits. Core: `arith_uint256::GetCompact`. */
export function targetToCompact(target: bigint): number {
  if (target < 0n || target > MAX) throw new RangeError('a target has 256 bits');
  let size = target === 0n ? 0 : Math.ceil(target.toString(16).length / 2);
  let word = Number(size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3)));
  if ((word & 0x0080_0000) !== 0) {
    word >>>= 8; // the top bit would read as a sign
    size++;
  }
  return (size * 0x0100_0000 + word) >>> 0;
}

/** Expected hashes for one block: ⌊2^256 / (target + 1)⌋. Core: `GetBlockProof`. */
export function workOf(target: bigint): bigint {
  return TWO256 / (target + 1n);
}

/** The hash as a number, its last byte the most significant. Core: `UintToArith256`. */
export function hashToBig(hash: Uint8Array): bigint {
  return BigInt('0x' + idOf(hash));
}

/** 32 bytes, big endian. */
export function targetBytes(target: bigint): Uint8Array {
  return hashOfId(target.toString(16).padStart(64, '0'))!.reverse();
}

let lastTarget = -1n;
let lastBytes = new Uint8Array(32);

/** Proof of work: hash ≤ target. Core: `CheckProofOfWork`. By bytes: a header chain has few targets and many hashes. */
export function meets(hash: Uint8Array, target: bigint): boolean {
  if (target !== lastTarget) {
    if (target < 0n || target > MAX) return target > MAX;
    lastBytes = new Uint8Array(targetBytes(target));
    lastTarget = target;
  }
  for (let i = 0; i < 32; i++) {
    const at = hash[31 - i]!;
    if (at !== lastBytes[i]!) return at < lastBytes[i]!;
  }
  return true;
}

/** How many times harder than bits 1d00ffff. Core: `GetDifficulty`, with the same floating-point steps. */
export function difficultyOf(bits: number): number {
  let shift = bits >>> 24;
  let difficulty = 0x0000_ffff / (bits & 0x00ff_ffff);
  for (; shift < 29; shift++) difficulty *= 256;
  for (; shift > 29; shift--) difficulty /= 256;
  return difficulty;
}
