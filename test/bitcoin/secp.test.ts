import * as btc from '@scure/btc-signer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isPublicKey,
  nobleVerify,
  publicKey,
  type SignatureCheck,
  secretOfText,
  signEcdsa,
  signSchnorr,
  tweakedKey,
  tweakedSecret,
  xOnlyPublicKey,
} from '../../src/bitcoin/secp.ts';
import { ORDER, parseDerStrict, toDer } from '../../src/bitcoin/signature.ts';
import { InvariantError } from '../../src/util/assert.ts';
import { concat, fromHex, toHex } from '../../src/util/bytes.ts';
import { bytes32 } from './arbitraries.ts';
import { BIP340_VECTORS } from './bip340-vectors.ts';

const hex = (text: string) => fromHex(text)!;
const secret = bytes32.filter((b) => b[0] !== 0xff && b.some((x) => x !== 0));
const N = BigInt('0x' + toHex(ORDER));
const be32 = (n: bigint) => hex(n.toString(16).padStart(64, '0'));

describe('BIP340 vectors', () => {
  it.each(BIP340_VECTORS)('$what', (v) => {
    const check = { key: hex(v.key), message: hex(v.message), signature: hex(v.signature) };
    expect(nobleVerify({ scheme: 'schnorr', ...check })).toBe(v.valid);
    if (v.secret === undefined || v.aux === undefined) return;
    expect(toHex(xOnlyPublicKey(hex(v.secret)))).toBe(v.key);
    expect(toHex(signSchnorr(check.message, hex(v.secret), hex(v.aux)))).toBe(v.signature);
  });
});

describe('ECDSA', () => {
  it('signs the example of BIP143 byte for byte (RFC 6979, low S)', () => {
    const key = hex('619c335025c7f4012e556c2a58b2506e30b8511b53ade95ea316fd8c3286feb9');
    const message = hex('c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670');
    expect(toHex(publicKey(key))).toBe('025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357');
    expect(toHex(toDer(signEcdsa(message, key), 1))).toBe(
      '304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a' +
        '0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee01',
    );
  });

  it('makes what the strict parser accepts and the verifier confirms; any change is refused', () => {
    fc.assert(
      fc.property(secret, bytes32, fc.nat(63), fc.nat(254), (key, message, at, bump) => {
        const signature = signEcdsa(message, key);
        const parsed = parseDerStrict(toDer(signature, 1));
        expect(parsed.ok && toHex(parsed.value.compact)).toBe(toHex(signature));
        const check: SignatureCheck = { scheme: 'ecdsa', key: publicKey(key), message, signature };
        expect(nobleVerify(check)).toBe(true);
        expect(
          nobleVerify({ ...check, message: message.with(at % 32, message[at % 32]! ^ (bump + 1)) }),
        ).toBe(false);
        expect(nobleVerify({ ...check, signature: signature.with(at, signature[at]! ^ (bump + 1)) })).toBe(
          false,
        );
        const odd = check.key.with(0, check.key[0]! ^ 1); // the negated key
        expect(nobleVerify({ ...check, key: odd })).toBe(false);
      }),
      { seed: 111, numRuns: 15 },
    );
  });

  it('refuses the malleated twin with high S, and r or s out of range, without throwing', () => {
    const key = secretOfText('a key for this test');
    const message = new Uint8Array(32).fill(3);
    const good = signEcdsa(message, key);
    const r = good.subarray(0, 32);
    const s = BigInt('0x' + toHex(good.subarray(32)));
    const verify = (signature: Uint8Array, pub = publicKey(key)) =>
      nobleVerify({ scheme: 'ecdsa', key: pub, message, signature });
    expect(verify(good)).toBe(true);
    expect(verify(concat(r, be32(N - s)))).toBe(false);
    for (const bad of [0n, N, N + 1n, 2n ** 256n - 1n]) {
      expect(verify(concat(be32(bad), good.subarray(32)))).toBe(false);
      expect(verify(concat(r, be32(bad)))).toBe(false);
    }
    for (const prefix of [0, 1, 4, 5, 6, 7, 0xff])
      expect(verify(good, publicKey(key).with(0, prefix))).toBe(false);
    const offCurve = hex('02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34');
    expect(isPublicKey(offCurve)).toBe(false);
    expect(verify(good, offCurve)).toBe(false);
    expect(verify(good, hex('02' + 'ff'.repeat(32)))).toBe(false);
    expect(verify(good, new Uint8Array(33))).toBe(false);
  });

  it('verifies a message of zero and one above n, which are reduced, not refused', () => {
    const key = secretOfText('another');
    for (const message of [new Uint8Array(32), new Uint8Array(32).fill(0xff), ORDER]) {
      const check: SignatureCheck = {
        scheme: 'ecdsa',
        key: publicKey(key),
        message,
        signature: signEcdsa(message, key),
      };
      expect(nobleVerify(check)).toBe(true);
    }
  });
});

describe('taproot tweaks', () => {
  it('give the output keys of BIP341 and BIP86', () => {
    expect(toHex(tweakedKey(hex('d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d'))!)).toBe(
      '53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343',
    );
    expect(toHex(tweakedKey(hex('cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115'))!)).toBe(
      'a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c',
    );
    // The key path signature of BIP341's vectors, made with an already tweaked secret.
    expect(
      toHex(
        signSchnorr(
          hex('4f900a0bae3f1446fd48490c2958b5a023228f01661cda3496a11da502a7f7ef'),
          hex('a8e7aa924f0d58854185a490e6c41f6efb7b675c0f3331b7f14b549400b4d501'),
        ),
      ),
    ).toBe(
      'b4010dd48a617db09926f729e79c33ae0b4e94b79f04a1ae93ede6315eb3669d' +
        'e185a17d2b0ac9ee09fd4c64b678a0b61a0a86fa888a273c8511be83bfd6810f',
    );
  });

  it('agree with scure, and the tweaked secret opens the tweaked key', () => {
    fc.assert(
      fc.property(secret, bytes32, (key, message) => {
        const output = tweakedKey(xOnlyPublicKey(key))!;
        expect(toHex(output)).toBe(toHex(btc.p2tr(xOnlyPublicKey(key)).tweakedPubkey));
        expect(toHex(xOnlyPublicKey(tweakedSecret(key)))).toBe(toHex(output));
        const signature = signSchnorr(message, tweakedSecret(key));
        expect(nobleVerify({ scheme: 'schnorr', key: output, message, signature })).toBe(true);
        expect(nobleVerify({ scheme: 'schnorr', key: xOnlyPublicKey(key), message, signature })).toBe(false);
      }),
      { seed: 112, numRuns: 10 },
    );
  });

  it('have no output key for what is not on the curve', () => {
    expect(
      tweakedKey(hex('eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34')),
    ).toBeUndefined();
    expect(tweakedKey(new Uint8Array(32).fill(0xff))).toBeUndefined();
  });
});

it('wrong lengths and impossible secrets are bugs', () => {
  const check = { scheme: 'ecdsa', key: new Uint8Array(33), message: new Uint8Array(32) } as const;
  expect(() => nobleVerify({ ...check, signature: new Uint8Array(63) })).toThrow(InvariantError);
  expect(() => nobleVerify({ ...check, key: new Uint8Array(32), signature: new Uint8Array(64) })).toThrow(
    InvariantError,
  );
  expect(() => publicKey(new Uint8Array(32))).toThrow(InvariantError);
  expect(() => publicKey(ORDER)).toThrow(InvariantError);
});
