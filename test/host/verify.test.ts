import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleVerify, publicKey, signEcdsa, signSchnorr, xOnlyPublicKey } from '../../src/bitcoin/secp.ts';
import type { SigCheck } from '../../src/consensus/verify.ts';
import { SignatureCache } from '../../src/host/sig-cache.ts';
import { createVerify } from '../../src/host/verify.ts';
import { KNOWN_CHECK, loadNativeSecp, nativeEcdsa, works } from '../../src/host/verify-native.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = 2n ** 256n - 2n ** 32n - 977n;

const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const be32 = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const secret = bytes32.map((b) => be32((big(b) % (ORDER - 1n)) + 1n));

const native = nativeEcdsa(loadNativeSecp());

function signed(key: Uint8Array, message: Uint8Array): SigCheck {
  return { scheme: 'ecdsa', key: publicKey(key), message, signature: signEcdsa(message, key) };
}

/** Back ends that disagree on any input would split the network. */
function agree(check: SigCheck): boolean {
  const verdict = native(check);
  expect(nobleVerify(check), Buffer.from(check.key).toString('hex')).toBe(verdict);
  return verdict;
}

describe('native and noble ECDSA agree', () => {
  const RUNS = { numRuns: 60, seed: 2 };

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

  it('on high S, the malleated twin of a valid signature: both refuse', () => {
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
    const edges = [
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
    for (const r of [...edges, big(check.signature.subarray(0, 32))]) {
      for (const s of [...edges, big(check.signature.subarray(32))]) {
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

describe('schnorr', () => {
  it('accepts what was signed, and never throws on bytes of the right length', async () => {
    const { verify } = await createVerify();
    fc.assert(
      fc.property(secret, bytes32, bytes32, bytes32, (key, message, a, b) => {
        const check: SigCheck = {
          scheme: 'schnorr',
          key: xOnlyPublicKey(key),
          message,
          signature: signSchnorr(message, key),
        };
        expect(verify(check)).toBe(true);
        expect(verify({ ...check, signature: join(a, b) })).toBe(false);
        expect(verify({ ...check, key: a, signature: check.signature })).toBe(false);
        expect(verify({ ...check, key: new Uint8Array(32).fill(0xff) })).toBe(false);
        expect(verify({ ...check, signature: join(check.signature.subarray(0, 32), be32(ORDER)) })).toBe(
          false,
        );
      }),
      { numRuns: 25, seed: 4 },
    );
  });
});

describe('the cache', () => {
  it('answers the second time, and never for a changed scheme, key, message or signature', async () => {
    let asked = 0;
    const native = {
      ecdsaVerify: (s: Uint8Array, m: Uint8Array, k: Uint8Array) =>
        ++asked > 0 && loadNativeSecp().ecdsaVerify(s, m, k),
    };
    const { verify, stats } = await createVerify({ native: () => native });
    const check = signed(be32(11n), be32(12n));
    asked = 0;
    for (let i = 0; i < 5; i++) expect(verify({ ...check, message: check.message.slice() })).toBe(true);
    expect([asked, stats()]).toEqual([1, { hits: 4, misses: 1, cached: 1 }]);
    for (const part of ['key', 'message', 'signature'] as const) {
      for (let at = 0; at < check[part].length; at++) {
        const changed = check[part].slice();
        changed[at] = changed[at]! ^ 1;
        expect(verify({ ...check, [part]: changed })).toBe(false);
      }
    }
    expect(stats()).toMatchObject({ hits: 4, cached: 1 });
  });

  it('does not remember a failure', async () => {
    let answer = false;
    const { verify, stats } = await createVerify({
      native: () => ({ ecdsaVerify: (s, m, k) => (answer ? true : loadNativeSecp().ecdsaVerify(s, m, k)) }),
    });
    const wrong = { ...signed(be32(1n), be32(2n)), message: be32(3n) };
    expect([verify(wrong), verify(wrong), stats().cached]).toEqual([false, false, 0]);
    answer = true;
    expect(verify(wrong)).toBe(true);
  });

  it('has a bound, and forgets the oldest first', () => {
    const cache = new SignatureCache(3);
    for (const key of ['a', 'b', 'c', 'c', 'd']) cache.add(key);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.has(key))).toEqual([false, true, true, true]);
    expect(cache.size).toBe(3);
  });

  it('tells a key from the same bytes elsewhere', () => {
    const cache = new SignatureCache(3);
    const base = { message: new Uint8Array(32), signature: new Uint8Array(64) };
    const long = { ...base, scheme: 'ecdsa', key: new Uint8Array(33).fill(1) } as const;
    const short = { ...base, scheme: 'schnorr', key: new Uint8Array(32).fill(1) } as const;
    const keys = [long, short, { ...short, message: new Uint8Array(32).fill(1) }].map((check) =>
      cache.keyOf(check),
    );
    expect(new Set(keys).size).toBe(3);
    expect(cache.keyOf({ ...short })).toBe(keys[1]);
  });

  it('is filled ahead by warm', async () => {
    const { verify, warm, stats } = await createVerify({ cacheEntries: 10 });
    const checks = [1n, 2n, 3n].map((n) => signed(be32(n), be32(n)));
    warm(checks);
    expect(checks.every(verify)).toBe(true);
    expect(stats()).toEqual({ hits: 3, misses: 3, cached: 3 });
  });
});

describe('the choice of back ends', () => {
  it('is told, and takes the native binding where it loads', async () => {
    const { backends, notes } = await createVerify();
    expect(backends).toEqual({ ecdsa: 'libsecp256k1 (native)', schnorr: '@noble/secp256k1' });
    expect(notes).toEqual([]);
  });

  it('falls back to noble, and says so, when the binding is missing or lies', async () => {
    const missing = await createVerify({
      native: () => {
        throw new Error('No native build was found');
      },
    });
    expect(missing.backends.ecdsa).toBe('@noble/secp256k1');
    expect(missing.notes[0]).toMatch(
      /does not load \(No native build was found\): ECDSA signatures are checked by/,
    );
    for (const answer of [true, false]) {
      const lying = await createVerify({ native: () => ({ ecdsaVerify: () => answer }) });
      expect(lying.backends.ecdsa).toBe('@noble/secp256k1');
      expect(lying.notes[0]).toContain('wrong answers');
      const check = signed(be32(3n), be32(4n));
      expect([lying.verify(check), lying.verify({ ...check, message: be32(5n) })]).toEqual([true, false]);
    }
  });

  it('knows one signature by heart', () => {
    expect(works(nobleVerify)).toBe(true);
    expect(KNOWN_CHECK.signature).toEqual(signEcdsa(KNOWN_CHECK.message, be32(1n)));
  });

  it('lets bugs through: a failure that is no verdict, and a wrong length', async () => {
    const broken = nativeEcdsa({
      ecdsaVerify: () => {
        throw new Error('Expected signature to be an Uint8Array');
      },
    });
    expect(() => broken(KNOWN_CHECK)).toThrow('Expected signature');
    const { verify } = await createVerify();
    expect(() => verify({ ...KNOWN_CHECK, key: new Uint8Array(32) })).toThrow('32 bytes of key');
  });
});
