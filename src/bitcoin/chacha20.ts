import { readU32LE, writeU32LE } from '../util/bytes.ts';

const BLOCK = 64;

/** One quarter round on four words of the state. RFC 8439, section 2.1. */
function quarter(s: Uint32Array, a: number, b: number, c: number, d: number): void {
  s[a]! += s[b]!;
  s[d] = rotl(s[d]! ^ s[a]!, 16);
  s[c]! += s[d]!;
  s[b] = rotl(s[b]! ^ s[c]!, 12);
  s[a]! += s[b]!;
  s[d] = rotl(s[d]! ^ s[a]!, 8);
  s[c]! += s[d]!;
  s[b] = rotl(s[b]! ^ s[c]!, 7);
}

const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/**
 * ChaCha20's keystream with nonce 0 from block 0 on. RFC 8439. Core: ChaCha20Aligned::Keystream, from which MuHash draws.
 * `key`: 32 bytes; `length`: a multiple of 64.
 */
export function chacha20Keystream(key: Uint8Array, length: number): Uint8Array {
  const start = new Uint32Array(16);
  start.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  for (let i = 0; i < 8; i++) start[4 + i] = readU32LE(key, 4 * i);
  const out = new Uint8Array(length);
  const state = new Uint32Array(16);
  for (let at = 0; at < length; at += BLOCK) {
    state.set(start);
    for (let round = 0; round < 10; round++) {
      quarter(state, 0, 4, 8, 12);
      quarter(state, 1, 5, 9, 13);
      quarter(state, 2, 6, 10, 14);
      quarter(state, 3, 7, 11, 15);
      quarter(state, 0, 5, 10, 15);
      quarter(state, 1, 6, 11, 12);
      quarter(state, 2, 7, 8, 13);
      quarter(state, 3, 4, 9, 14);
    }
    for (let i = 0; i < 16; i++) writeU32LE(out, at + 4 * i, (state[i]! + start[i]!) % 0x1_0000_0000);
    start[12]!++;
  }
  return out;
}
