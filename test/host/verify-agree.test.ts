import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleVerify, publicKey, signEcdsa, signSchnorr, xOnlyPublicKey } from '../../src/bitcoin/secp.ts';
import type { SigCheck } from '../../src/consensus/validate/verify.ts';
import { loadNativeSecp, nativeEcdsa } from '../../src/host/verify/native.ts';
import { loadWasmSecp, wasmVerify } from '../../src/host/verify/wasm.ts';
import { BIP340_VECTORS } from '../bitcoin/bip340-vectors.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = 2n ** 256n - 2n ** 32n - 977n;

const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const be32 = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const secret = bytes32.map((b) => be32((big(b) % (ORDER - 1n)) + 1n));

const native = nativeEcdsa(loadNativeSecp());
const wasm = wasmVerify(loadWasmSecp());

function signed(key: Uint8Array, message: Uint8Array): SigCheck {
  return { scheme: 'ecdsa', key: publicKey(key), message, signature: signEcdsa(message, key) };
}

function signedSchnorr(key: Uint8Array, message: Uint8Array): SigCheck {
  return { scheme: 'schnorr', key: xOnlyPublicKey(key), message, signature: signSchnorr(message, key) };
}

/** Back ends that disagree on any input would split the network. */
function agree(check: SigCheck): boolean {
  const verdict = wasm(check);
  if (check.scheme === 'ecdsa') expect(native(check), Buffer.from(check.key).toString('hex')).toBe(verdict);
  expect(nobleVerify(check), Buffer.from(check.key).toString('hex')).toBe(verdict);
  return verdict;
}

/** r and s at and beyond the edges of their ranges. */
const EDGES = [
  0n,
  1n,
  ORDER / 2n,
  ORDER / 2n + 1n,
  ORDER - 1n,
  ORDER,
  ORDER + 1n,
  FIELD - 1n,
  FIELD,
  2n ** 256n - 1n,
];

describe('native, WebAssembly and noble ECDSA agree', () => {
  const RUNS = { numRuns: 40, seed: 2 };

  it('on valid signatures, and on another message or key', () => {
    fc.assert(
      fc.property(secret, secret, bytes32, bytes32, (key, otherKey, message, otherMessage) => {
        const check = signed(key, message);
        expect(agree(check)).toBe(true);
        expect(agree({ ...check, message: otherMessage })).toBe(Buffer.compare(message, otherMessage) === 0);
        expect(agree({ ...check, key: publicKey(otherKey) })).toBe(Buffer.compare(key, otherKey) === 0);
      }),
      RUNS,
    );
  });

  it('on signatures with any bit flipped', () => {
    fc.assert(
      fc.property(secret, bytes32, fc.nat(511), (key, message, bit) => {
        const check = signed(key, message);
        const signature = check.signature.slice();
        signature[bit >> 3] = signature[bit >> 3]! ^ (1 << (bit & 7));
        expect(agree({ ...check, signature })).toBe(false);
      }),
      RUNS,
    );
  });

  it('on high S, the malleated twin of a valid signature: all refuse', () => {
    fc.assert(
      fc.property(secret, bytes32, (key, message) => {
        const check = signed(key, message);
        const high = be32(ORDER - big(check.signature.subarray(32)));
        expect(agree({ ...check, signature: join(check.signature.subarray(0, 32), high) })).toBe(false);
      }),
      RUNS,
    );
  });

  it('on r and s at and beyond the edges of their range', () => {
    const check = signed(be32(7n), be32(99n));
    for (const r of [...EDGES, big(check.signature.subarray(0, 32))]) {
      for (const s of [...EDGES, big(check.signature.subarray(32))]) {
        const same = join(be32(r), be32(s));
        expect(agree({ ...check, signature: same })).toBe(Buffer.compare(same, check.signature) === 0);
      }
    }
  });

  it('on keys with any prefix, off the curve, beyond the field, at infinity', () => {
    const check = signed(be32(7n), be32(99n));
    for (let prefix = 0; prefix < 256; prefix++) {
      agree({ ...check, key: join(Uint8Array.of(prefix), check.key.subarray(1)) });
    }
    for (const x of [0n, 1n, 2n, 3n, 4n, 5n, FIELD - 1n, FIELD, FIELD + 1n, 2n ** 256n - 1n]) {
      for (const prefix of [2, 3]) agree({ ...check, key: join(Uint8Array.of(prefix), be32(x)) });
    }
    fc.assert(
      fc.property(bytes32, fc.constantFrom(2, 3), (x, prefix) => {
        agree({ ...check, key: join(Uint8Array.of(prefix), x) });
      }),
      RUNS,
    );
  });

  it('on a message beyond the order, which is reduced', () => {
    for (const message of [ORDER, ORDER + 1n, 2n ** 256n - 1n, 0n].map(be32)) {
      expect(agree(signed(be32(5n), message))).toBe(true);
    }
    const check = signed(be32(5n), be32(1n));
    expect(agree({ ...check, message: be32(ORDER + 1n) })).toBe(true);
  });

  it('on bytes of chance', () => {
    const key = fc.uint8Array({ minLength: 33, maxLength: 33 });
    const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(key, bytes32, signature, (k, message, s) => {
        expect(agree({ scheme: 'ecdsa', key: k, message, signature: s })).toBe(false);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});

describe('WebAssembly and noble Schnorr agree', () => {
  const RUNS = { numRuns: 30, seed: 4 };

  it('on valid signatures, another message, another key, any bit flipped', () => {
    fc.assert(
      fc.property(secret, bytes32, bytes32, fc.nat(511), (key, message, other, bit) => {
        const check = signedSchnorr(key, message);
        expect(agree(check)).toBe(true);
        expect(agree({ ...check, message: other })).toBe(Buffer.compare(message, other) === 0);
        agree({ ...check, key: other });
        const signature = check.signature.slice();
        signature[bit >> 3] = signature[bit >> 3]! ^ (1 << (bit & 7));
        expect(agree({ ...check, signature })).toBe(false);
      }),
      RUNS,
    );
  });

  it('on r and s at and beyond the edges of their ranges', () => {
    const check = signedSchnorr(be32(7n), be32(99n));
    for (const r of [...EDGES, big(check.signature.subarray(0, 32))]) {
      for (const s of [...EDGES, big(check.signature.subarray(32))]) {
        const same = join(be32(r), be32(s));
        expect(agree({ ...check, signature: same })).toBe(Buffer.compare(same, check.signature) === 0);
      }
    }
  });

  it('on keys off the curve, beyond the field, and bytes of chance', () => {
    const check = signedSchnorr(be32(7n), be32(99n));
    for (const x of [0n, 1n, 2n, 3n, 4n, 5n, FIELD - 1n, FIELD, FIELD + 1n, 2n ** 256n - 1n])
      expect(agree({ ...check, key: be32(x) })).toBe(false);
    fc.assert(
      fc.property(bytes32, bytes32, bytes32, bytes32, (key, message, r, s) => {
        expect(agree({ scheme: 'schnorr', key, message, signature: join(r, s) })).toBe(false);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('on the vectors of BIP340', () => {
    const sized = BIP340_VECTORS.filter(({ message }) => message.length === 64);
    for (const { key, message, signature, valid } of sized) {
      const [k, m, s] = [key, message, signature].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
      expect(agree({ scheme: 'schnorr', key: k!, message: m!, signature: s! })).toBe(valid);
    }
    expect(sized.length).toBeGreaterThan(10);
  });
});

describe('WebAssembly', () => {
  it('outlives any number of keys that are no points: its package leaks stack when it throws for one', () => {
    const [ecdsa, schnorr] = [signed(be32(7n), be32(99n)), signedSchnorr(be32(7n), be32(99n))];
    const off = be32(5n);
    for (let i = 0; i < 6_000; i++) {
      if (wasm({ ...schnorr, key: off })) throw new Error('5 is the x of no point');
      if (wasm({ ...ecdsa, key: join(Uint8Array.of(2), off) })) throw new Error('5 is the x of no point');
    }
    expect([wasm(ecdsa), wasm(schnorr)]).toEqual([true, true]);
  });
});
