import { ripemd160 } from '@noble/hashes/legacy.js';
import { sha256 as noble } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash160, sha256, sha256d, sha256dTo, taggedHash } from '../../src/bitcoin/hash.ts';
import { Sha256 } from '../../src/bitcoin/sha256.ts';
import { concat, toHex, utf8Encode } from '../../src/util/bytes.ts';

const sample = (n: number, salt = 0) =>
  Uint8Array.from({ length: n }, (_, i) => (i * 197 + salt * 31 + n) & 255);

describe('SHA-256', () => {
  it('gives the digests of FIPS 180-4', () => {
    expect(toHex(sha256(utf8Encode('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(toHex(sha256(new Uint8Array(0)))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(toHex(sha256(utf8Encode('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });

  it('equals noble at every length through five blocks, once and twice', () => {
    for (let n = 0; n <= 330; n++) {
      const data = sample(n);
      expect(toHex(sha256(data))).toBe(toHex(noble(data)));
      expect(toHex(sha256d(data))).toBe(toHex(noble(noble(data))));
    }
  });

  it('equals noble however the data is cut into pieces, integers among them', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 150 }),
      fc.nat(0xffff_ffff),
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).map((n) => ({ u64: n })),
      fc.nat(255).map((n) => ({ byte: n })),
    );
    const hasher = new Sha256(); // one for all runs: each digest must leave it fresh
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const parts: Uint8Array[] = [];
        for (const p of pieces) {
          const buffer = Buffer.alloc(8);
          if (p instanceof Uint8Array) {
            hasher.update(p);
            parts.push(p);
          } else if (typeof p === 'number') {
            hasher.u32(p);
            buffer.writeUInt32LE(p);
            parts.push(buffer.subarray(0, 4));
          } else if ('u64' in p) {
            hasher.u64(p.u64);
            buffer.writeBigUInt64LE(BigInt(p.u64));
            parts.push(buffer);
          } else {
            hasher.byte(p.byte);
            parts.push(Uint8Array.of(p.byte));
          }
        }
        expect(toHex(hasher.digest())).toBe(toHex(noble(concat(...parts))));
      }),
      { seed: 31, numRuns: 400 },
    );
  });

  it('hashes a range and writes in place', () => {
    const data = sample(200);
    const expected = noble(noble(data.slice(10, 74)));
    sha256dTo(data, 10, 74, data, 10);
    expect(data.subarray(10, 42)).toEqual(expected);
  });

  it('goes on from a copied state without touching the original', () => {
    const start = new Sha256().update(sample(70));
    const other = new Sha256().update(sample(3)); // dirty on purpose
    const both = [1, 2].map((salt) => toHex(other.copyFrom(start).update(sample(9, salt)).digest()));
    expect(both).toEqual([1, 2].map((salt) => toHex(noble(concat(sample(70), sample(9, salt))))));
  });

  it('counts bits beyond 32 of them', () => {
    // 2^29 bytes are 2^32 bits: the length field needs its high word. The digest is Python's hashlib's.
    const hasher = new Sha256();
    const block = new Uint8Array(1 << 22);
    for (let i = 0; i < 129; i++) hasher.update(block);
    expect(toHex(hasher.digest())).toBe('d30819eec9217474cb281bc39c7359852b79094a791ee7e7414b364edf9e9c3a');
  });
});

describe('the other hashes', () => {
  it('hash160 is RIPEMD-160 of SHA-256', () => {
    const data = sample(33);
    expect(hash160(data)).toEqual(ripemd160(noble(data)));
  });

  it('taggedHash is the formula of BIP340, for many tags and parts', () => {
    for (let i = 0; i < 40; i++) {
      const tag = 'tag' + (i % 25);
      const tagHash = noble(utf8Encode(tag));
      const expected = noble(concat(tagHash, tagHash, sample(i), sample(5, i)));
      expect(taggedHash(tag, sample(i), sample(5, i))).toEqual(expected);
    }
  });
});
