/**
 * Chance as a value: the same seed gives the same numbers on every engine, so nothing here touches Math's
 * transcendental functions, whose last bits differ between engines.
 */
export interface Random {
  /** Uniform in 0 … 2^32 − 1. */
  u32(): number;
  /** Uniform integer in 0 … n − 1, without modulo bias; n a safe integer ≥ 1. */
  below(n: number): number;
  /** Uniform in [0, 1), 53 bits. */
  unit(): number;
}

const TWO32 = 0x1_0000_0000;

/** FNV-1a with a final mix (MurmurHash3's): spreads a seed over one state word. */
function mix(text: string, salt: number): number {
  let h = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Chris Doty-Humphrey's sfc32 (PractRand): 128 bits of state, 32-bit operations only. Not for secrets. */
export function seeded(seed: number | string): Random {
  const text = String(seed);
  let a = mix(text, 0);
  let b = mix(text, 0x9e3779b9);
  let c = mix(text, 0x3c6ef372);
  let counter = 1;
  const u32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 15; i++) u32(); // the generator's own advice: lets a poor seed reach every word
  const bits53 = (): number => (u32() >>> 5) * 0x400_0000 + (u32() >>> 6);
  const below = (n: number): number => {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError('below: n must be a safe integer ≥ 1');
    const wide = n > TWO32;
    const range = wide ? 0x20_0000_0000_0000 : TWO32;
    const limit = range - (range % n);
    for (;;) {
      const x = wide ? bits53() : u32();
      if (x < limit) return x % n;
    }
  };
  return { u32, below, unit: () => bits53() / 0x20_0000_0000_0000 };
}

const LN2 = Math.LN2; // a constant of the language, the same everywhere

/**
 * Natural logarithm of a positive normal number from + − × ÷ alone (IEEE 754 makes those exact alike everywhere).
 * x = m · 2^k with m in [1/√2, √2); ln m = 2 · atanh((m − 1) / (m + 1)), whose series ends after 12 terms.
 */
export function naturalLog(x: number): number {
  let m = x;
  let k = 0;
  while (m < Math.SQRT1_2) {
    m *= 2;
    k--;
  }
  while (m >= Math.SQRT2) {
    m /= 2;
    k++;
  }
  const z = (m - 1) / (m + 1);
  const z2 = z * z;
  let sum = 0;
  for (let n = 23; n >= 1; n -= 2) sum = sum * z2 + 1 / n;
  return 2 * z * sum + k * LN2;
}

/** An exponential draw with this mean, in whole microseconds (0 is possible): the wait for the next block. */
export function exponential(random: Random, meanMicros: number): number {
  const u = 1 - random.unit(); // in (0, 1], so that the logarithm exists
  return Math.round(-naturalLog(u) * meanMicros);
}
