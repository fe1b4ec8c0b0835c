import * as bitcoin from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isScalar, ORDER, parseDerStrict, toDer } from '../../src/bitcoin/signature.ts';
import { concat, fromHex, toHex } from '../../src/util/bytes.ts';

const N = BigInt('0x' + toHex(ORDER));
const be32 = (n: bigint) => fromHex(n.toString(16).padStart(64, '0'))!;
const low = fc.bigInt(1n, N / 2n);
const scalar = fc.oneof(
  fc.bigInt(1n, N - 1n),
  fc.bigInt(1n, 300n),
  fc.constantFrom(N - 1n, 2n ** 255n, 2n ** 247n),
);

describe('DER', () => {
  it('is written as bitcoinjs-lib writes it, and read back', () => {
    fc.assert(
      fc.property(scalar, fc.oneof(low, fc.bigInt(1n, 300n)), fc.nat(255), (r, s, hashType) => {
        const compact = concat(be32(r), be32(s));
        const der = toDer(compact, hashType);
        const type = 1; // theirs encodes defined hash types only
        expect(toHex(toDer(compact, type))).toBe(toHex(bitcoin.script.signature.encode(compact, type)));
        expect(parseDerStrict(der)).toEqual({ ok: true, value: { compact, hashType } });
        expect(der.length).toBeLessThanOrEqual(72);
      }),
      { seed: 101, numRuns: 400 },
    );
  });

  it('has one encoding: whatever parses is what toDer writes', () => {
    let parsed = 0;
    const edit = fc.tuple(fc.nat(75), fc.nat(255), fc.constantFrom('set', 'insert', 'remove'));
    fc.assert(
      fc.property(scalar, low, edit, (r, s, [at, value, kind]) => {
        const bytes = [...toDer(concat(be32(r), be32(s)), 1)];
        const i = at % bytes.length;
        if (kind === 'set') bytes[i] = value;
        else bytes.splice(i, kind === 'remove' ? 1 : 0, ...(kind === 'insert' ? [value] : []));
        const sig = Uint8Array.from(bytes);
        const result = parseDerStrict(sig);
        if (!result.ok) return;
        parsed++;
        expect(toHex(toDer(result.value.compact, result.value.hashType))).toBe(toHex(sig));
      }),
      { seed: 102, numRuns: 4000 },
    );
    expect(parsed).toBeGreaterThan(500);
  });

  it("agrees with bitcoinjs-lib's reading of BIP66 on mutations, where r and s are in range and s is low", () => {
    let agreed = 0;
    fc.assert(
      fc.property(scalar, low, fc.nat(7), fc.nat(255), (r, s, at, value) => {
        const sig = toDer(concat(be32(r), be32(s)), 1).slice();
        sig[at] = value;
        const ours = parseDerStrict(sig);
        const theirs = bitcoin.script.isCanonicalScriptSignature(sig);
        if (ours.ok) expect(theirs).toBe(true);
        else if (ours.error.startsWith('Non-canonical DER')) {
          expect(theirs).toBe(false);
          agreed++;
        }
      }),
      { seed: 103, numRuns: 3000 },
    );
    expect(agreed).toBeGreaterThan(500);
  });

  const sig = (r: string, s: string, type = '01') => {
    const integer = (hex: string) => '02' + (hex.length / 2).toString(16).padStart(2, '0') + hex;
    const body = integer(r) + integer(s);
    return fromHex('30' + (body.length / 2).toString(16).padStart(2, '0') + body + type)!;
  };
  it.each([
    ['an empty signature', new Uint8Array(0), 'Non-canonical DER'],
    ['8 bytes', new Uint8Array(8), 'Non-canonical DER'],
    ['74 bytes', new Uint8Array(74), 'Non-canonical DER'],
    ['a negative r', sig('80', '01'), 'Non-canonical DER'],
    ['a negative s', sig('01', '80'), 'Non-canonical DER'],
    ['a padded r', sig('0001', '01'), 'Non-canonical DER'],
    ['a padded s', sig('01', '0001'), 'Non-canonical DER'],
    ['r = 0', sig('00', '01'), 'outside'],
    ['s = 0', sig('01', '00'), 'outside'],
    ['r = n', sig('00' + toHex(ORDER), '01'), 'outside'],
    ['s = n', sig('01', '00' + toHex(ORDER)), 'outside'],
    ['an r of 33 bytes', sig('01' + '00'.repeat(32), '01'), 'outside'],
    ['s = n − 1', sig('01', '00' + (N - 1n).toString(16)), 'unnecessarily high'],
    ['s = n/2 + 1', sig('01', (N / 2n + 1n).toString(16)), 'unnecessarily high'],
    ['no hash type', sig('0101', '0101', ''), 'Non-canonical DER'],
  ])('refuses %s', (_, bytes, error) => {
    const result = parseDerStrict(bytes);
    expect(result.ok ? 'accepted' : result.error).toContain(error);
  });

  it('accepts s = n/2 and r = n − 1, the borders', () => {
    expect(parseDerStrict(sig('01', (N / 2n).toString(16))).ok).toBe(true);
    expect(parseDerStrict(sig('00' + (N - 1n).toString(16), '01')).ok).toBe(true);
  });

  it('never throws on noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        parseDerStrict(noise);
        parseDerStrict(Uint8Array.of(0x30, noise.length, ...noise));
        expect(parseDerStrict(noise).ok).toBe(false);
      }),
      { seed: 104, numRuns: 1000 },
    );
  });
});

it('isScalar is 1 … n − 1', () => {
  expect([0n, 1n, N - 1n, N, N + 1n, 2n ** 256n - 1n].map((n) => isScalar(be32(n)))).toEqual([
    false,
    true,
    true,
    false,
    false,
    false,
  ]);
});
