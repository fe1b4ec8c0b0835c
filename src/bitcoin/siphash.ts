import { assert } from '../util/assert.ts';
import { readU32LE } from '../util/bytes.ts';

/**
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") of 32 bytes, which is all that Bitcoin uses it
 * for. Core: `SipHashUint256`. Each 64-bit word is two 32-bit halves: no bigint, since a mempool is hashed for a block.
 */
export class SipHash {
  readonly #k: Int32Array;
  /** The last hash, as two words: a function has one result. */
  low = 0;
  high = 0;

  /** `key` is 16 bytes: k0 and k1, little endian. */
  constructor(key: Uint8Array) {
    assert(key.length === 16, 'a SipHash key is 16 bytes');
    this.#k = Int32Array.of(...[0, 4, 8, 12].map((at) => readU32LE(key, at)));
  }

  /**
   * Hashes the 32 bytes at `at`; the 64 bits are left in `low` and `high`. Everything in locals, which the engine keeps in
   * registers: one function, however long. A sum carries if it is less than one of its terms, both without a sign.
   */
  hash(bytes: DataView, at: number): void {
    const k = this.#k;
    const [k0l, k0h, k1l, k1h] = [k[0]!, k[1]!, k[2]!, k[3]!];
    // "somepseudorandomlygeneratedbytes"
    let [al, ah, bl, bh] = [k0l ^ 0x70736575, k0h ^ 0x736f6d65, k1l ^ 0x6e646f6d, k1h ^ 0x646f7261];
    let [cl, ch, dl, dh] = [k0l ^ 0x6e657261, k0h ^ 0x6c796765, k1l ^ 0x79746573, k1h ^ 0x74656462];
    let t = 0;
    // Four words of the message, one for its length (32, in the highest byte), and the end, which has none.
    for (let word = 0; word < 6; word++) {
      const ml = word < 4 ? bytes.getInt32(at + 8 * word, true) : 0;
      const mh = word < 4 ? bytes.getInt32(at + 8 * word + 4, true) : word === 4 ? 0x2000_0000 : 0;
      if (word === 5) cl ^= 0xff;
      dl ^= ml;
      dh ^= mh;
      // SipRound, twice for a word and four times at the end.
      for (let left = word < 5 ? 2 : 4; left > 0; left--) {
        // a += b; b = rotl(b, 13) ^ a; a = rotl(a, 32)
        t = al;
        al = (al + bl) | 0;
        ah = (ah + bh + (al >>> 0 < t >>> 0 ? 1 : 0)) | 0;
        t = (bl << 13) | (bh >>> 19);
        bh = ((bh << 13) | (bl >>> 19)) ^ ah;
        bl = t ^ al;
        t = al;
        al = ah;
        ah = t;
        // c += d; d = rotl(d, 16) ^ c
        t = cl;
        cl = (cl + dl) | 0;
        ch = (ch + dh + (cl >>> 0 < t >>> 0 ? 1 : 0)) | 0;
        t = (dl << 16) | (dh >>> 16);
        dh = ((dh << 16) | (dl >>> 16)) ^ ch;
        dl = t ^ cl;
        // a += d; d = rotl(d, 21) ^ a
        t = al;
        al = (al + dl) | 0;
        ah = (ah + dh + (al >>> 0 < t >>> 0 ? 1 : 0)) | 0;
        t = (dl << 21) | (dh >>> 11);
        dh = ((dh << 21) | (dl >>> 11)) ^ ah;
        dl = t ^ al;
        // c += b; b = rotl(b, 17) ^ c; c = rotl(c, 32)
        t = cl;
        cl = (cl + bl) | 0;
        ch = (ch + bh + (cl >>> 0 < t >>> 0 ? 1 : 0)) | 0;
        t = (bl << 17) | (bh >>> 15);
        bh = ((bh << 17) | (bl >>> 15)) ^ ch;
        bl = t ^ cl;
        t = cl;
        cl = ch;
        ch = t;
      }
      al ^= ml;
      ah ^= mh;
    }
    this.low = al ^ bl ^ cl ^ dl;
    this.high = ah ^ bh ^ ch ^ dh;
  }
}
