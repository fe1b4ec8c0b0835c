import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chacha20Keystream } from '../../src/bitcoin/chacha20.ts';
import { MuHash, muhashDigest, muhashElement, muhashProduct } from '../../src/bitcoin/muhash.ts';
import { idOf, toHex } from '../../src/util/bytes.ts';

const PRIME = (1n << 3072n) - 1_103_717n;

/** Core's FromInt: 32 bytes, the number first. */
const fromInt = (i: number): Uint8Array => Uint8Array.of(i, ...new Uint8Array(31));

function inverse(a: bigint): bigint {
  let [r0, r1, s0, s1] = [PRIME, a, 0n, 1n];
  while (r1 !== 0n) {
    const q = r0 / r1;
    [r0, r1, s0, s1] = [r1, r0 - q * r1, s1, s0 - q * s1];
  }
  return ((s0 % PRIME) + PRIME) % PRIME;
}

describe('ChaCha20', () => {
  it('gives the keystreams of RFC 8439, appendix A.1', () => {
    expect(toHex(chacha20Keystream(new Uint8Array(32), 128))).toBe(
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586' +
        '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
    );
  });
});

describe('MuHash', () => {
  it("gives Core's vector: 0 · 1 / 2", () => {
    const product = muhashProduct(muhashElement(fromInt(0)), muhashElement(fromInt(1)));
    const quotient = muhashProduct(product, inverse(muhashElement(fromInt(2))));
    expect(idOf(muhashDigest(quotient))).toBe(
      '10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863',
    );
  });

  it('multiplies modulo the prime, at its edges too', () => {
    const edges = [0n, 1n, 2n, 1_103_716n, 1_103_717n, PRIME - 2n, PRIME - 1n];
    const number = fc.oneof(
      fc.constantFrom(...edges),
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => muhashElement(bytes) % PRIME),
    );
    fc.assert(fc.property(number, number, (a, b) => muhashProduct(a, b) === (a * b) % PRIME));
  });

  it('is the same in any order, and another one for another set', () => {
    const members = [1, 2, 3, 4, 5].map(fromInt);
    const of = (list: readonly Uint8Array[]): string => {
      const hash = new MuHash();
      for (const member of list) hash.add(member);
      return idOf(hash.digest());
    };
    expect(of([...members].reverse())).toBe(of(members));
    expect(of(members.slice(1))).not.toBe(of(members));
    // Core: initial_state_hash of its fuzz test.
    expect(of([])).toBe('dd5ad2a105c2d29495f577245c357409002329b9f4d6182c0af3dc2f462555c8');
  });
});
