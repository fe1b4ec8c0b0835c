import { assert } from '../util/assert.ts';
import { readU32LE } from '../util/bytes.ts';

/**
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") of 32 bytes, which is all that Bitcoin uses it
 * for. Core: `SipHashUint256`. Each 64-bit word is two 32-bit halves: no bigint, since a mempool is hashed for a block.
 */
export class SipHash {
  readonly #k: Int32Array;
  readonly #v = new Int32Array(8);

  /** `key` is 16 bytes: k0 and k1, little endian. */
  constructor(key: Uint8Array) {
    assert(key.length === 16, 'a SipHash key is 16 bytes');
    this.#k = Int32Array.of(...[0, 4, 8, 12].map((at) => readU32LE(key, at)));
  }

  /** The low 48 bits of the hash as a number: BIP152's short transaction id. */
  short(hash: Uint8Array): number {
    this.#run(hash);
    const v = this.#v;
    const low = (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0;
    const high = (v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) & 0xffff;
    return high * 0x1_0000_0000 + low;
  }

  /** All 64 bits, little endian. */
  digest(hash: Uint8Array): Uint8Array {
    this.#run(hash);
    const v = this.#v;
    const words = [v[0]! ^ v[2]! ^ v[4]! ^ v[6]!, v[1]! ^ v[3]! ^ v[5]! ^ v[7]!];
    return Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7], (i) => words[i >> 2]! >>> (8 * (i & 3)));
  }

  #run(hash: Uint8Array): void {
    assert(hash.length === 32, 'only hashes are hashed here');
    const v = this.#v;
    const [k0l, k0h, k1l, k1h] = this.#k as unknown as [number, number, number, number];
    // "somepseudorandomlygeneratedbytes"
    v[0] = k0l ^ 0x70736575;
    v[1] = k0h ^ 0x736f6d65;
    v[2] = k1l ^ 0x6e646f6d;
    v[3] = k1h ^ 0x646f7261;
    v[4] = k0l ^ 0x6e657261;
    v[5] = k0h ^ 0x6c796765;
    v[6] = k1l ^ 0x79746573;
    v[7] = k1h ^ 0x74656462;
    for (let at = 0; at < 32; at += 8) this.#word(readU32LE(hash, at), readU32LE(hash, at + 4));
    // The length, 32, in the highest byte of the last word.
    this.#word(0, 0x2000_0000);
    v[4]! ^= 0xff;
    rounds(v, 4);
  }

  #word(low: number, high: number): void {
    const v = this.#v;
    v[6]! ^= low;
    v[7]! ^= high;
    rounds(v, 2);
    v[0]! ^= low;
    v[1]! ^= high;
  }
}

/** SipRound, `n` times. Halves are kept in locals: the engine keeps those in registers. */
function rounds(v: Int32Array, n: number): void {
  let [al, ah, bl, bh] = [v[0]!, v[1]!, v[2]!, v[3]!];
  let [cl, ch, dl, dh] = [v[4]!, v[5]!, v[6]!, v[7]!];
  let t = 0;
  for (let i = 0; i < n; i++) {
    // a += b; b = rotl(b, 13) ^ a; a = rotl(a, 32)
    t = (al >>> 0) + (bl >>> 0);
    ah = (ah + bh + (t > 0xffff_ffff ? 1 : 0)) | 0;
    al = t | 0;
    t = (bl << 13) | (bh >>> 19);
    bh = ((bh << 13) | (bl >>> 19)) ^ ah;
    bl = t ^ al;
    t = al;
    al = ah;
    ah = t;
    // c += d; d = rotl(d, 16) ^ c
    t = (cl >>> 0) + (dl >>> 0);
    ch = (ch + dh + (t > 0xffff_ffff ? 1 : 0)) | 0;
    cl = t | 0;
    t = (dl << 16) | (dh >>> 16);
    dh = ((dh << 16) | (dl >>> 16)) ^ ch;
    dl = t ^ cl;
    // a += d; d = rotl(d, 21) ^ a
    t = (al >>> 0) + (dl >>> 0);
    ah = (ah + dh + (t > 0xffff_ffff ? 1 : 0)) | 0;
    al = t | 0;
    t = (dl << 21) | (dh >>> 11);
    dh = ((dh << 21) | (dl >>> 11)) ^ ah;
    dl = t ^ al;
    // c += b; b = rotl(b, 17) ^ c; c = rotl(c, 32)
    t = (cl >>> 0) + (bl >>> 0);
    ch = (ch + bh + (t > 0xffff_ffff ? 1 : 0)) | 0;
    cl = t | 0;
    t = (bl << 17) | (bh >>> 15);
    bh = ((bh << 17) | (bl >>> 15)) ^ ch;
    bl = t ^ cl;
    t = cl;
    cl = ch;
    ch = t;
  }
  v[0] = al;
  v[1] = ah;
  v[2] = bl;
  v[3] = bh;
  v[4] = cl;
  v[5] = ch;
  v[6] = dl;
  v[7] = dh;
}
