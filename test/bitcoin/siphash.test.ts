import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SipHash } from '../../src/bitcoin/siphash.ts';

const M = (1n << 64n) - 1n;
const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & M;

/** The paper's definition, word by word. */
function reference(key: Uint8Array, message: Uint8Array): bigint {
  const word = (b: Uint8Array, at: number): bigint => {
    let w = 0n;
    for (let i = 7; i >= 0; i--) w = (w << 8n) | BigInt(b[at + i] ?? 0);
    return w;
  };
  const [k0, k1] = [word(key, 0), word(key, 8)];
  let [a, b, c, d] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const round = (): void => {
    a = (a + b) & M;
    b = rotl(b, 13n) ^ a;
    a = rotl(a, 32n);
    c = (c + d) & M;
    d = rotl(d, 16n) ^ c;
    a = (a + d) & M;
    d = rotl(d, 21n) ^ a;
    c = (c + b) & M;
    b = rotl(b, 17n) ^ c;
    c = rotl(c, 32n);
  };
  const take = (w: bigint): void => {
    d ^= w;
    round();
    round();
    a ^= w;
  };
  for (let at = 0; at + 8 <= message.length; at += 8) take(word(message, at));
  const rest = message.subarray(message.length - (message.length % 8));
  take(word(rest, 0) | (BigInt(message.length & 0xff) << 56n));
  c ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return a ^ b ^ c ^ d;
}

const counting = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i);

function digestOf(key: Uint8Array, hash: Uint8Array): bigint {
  const hasher = new SipHash(key);
  // Somewhere among other bytes.
  const bytes = new Uint8Array(64).fill(0xa5);
  bytes.set(hash, 5);
  hasher.hash(new DataView(bytes.buffer), 5);
  return (BigInt(hasher.high >>> 0) << 32n) | BigInt(hasher.low >>> 0);
}

describe('SipHash-2-4', () => {
  it('the reference here is that of the paper, appendix A', () => {
    expect(reference(counting(16), counting(15))).toBe(0xa129ca6149be45e5n);
  });

  it("Core's vector of a 32-byte hash", () => {
    expect(digestOf(counting(16), counting(32))).toBe(0x7127512f72f27ccen);
  });

  it('equals the reference', () => {
    const bytes = (n: number) => fc.uint8Array({ minLength: n, maxLength: n });
    fc.assert(
      fc.property(bytes(16), bytes(32), (key, hash) => {
        expect(digestOf(key, hash)).toBe(reference(key, hash));
      }),
    );
  });
});
