import * as btc from '@scure/btc-signer';
import * as bitcoin from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Sha256 } from '../../src/bitcoin/sha256.ts';
import { newSighashCache, sighashAllV0, sighashDefaultV1 } from '../../src/bitcoin/sighash.ts';
import { decodeTx, makeTx, type Tx, type TxOut, unsignedInput } from '../../src/bitcoin/tx.ts';
import { InvariantError } from '../../src/util/assert.ts';
import { concat, fromHex, toHex } from '../../src/util/bytes.ts';
import { allowedOut, bytes32, money, p2wpkhScript, u32 } from './arbitraries.ts';

function decoded(hex: string): Tx {
  const result = decodeTx(fromHex(hex)!);
  if (!result.ok) throw new Error(result.error.what);
  return result.value;
}

const BIP143 =
  '0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804cc89d182' +
  'd279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f' +
  '85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000';

/** BIP341, wallet test vectors, key path spending. */
const BIP341 =
  '02000000097de20cbff686da83a54981d2b9bab3586f4ca7e48f57f5b55963115f3b334e9c010000000000000000d7b7cab57b1393ace2' +
  'd064f4d4a2cb8af6def61273e127517d44759b6dafdd990000000000fffffffff8e1f583384333689228c5d28eac13366be082dc574417' +
  '60d957275419a418420000000000fffffffff0689180aa63b30cb162a73c6d2a38b7eeda2a83ece74310fda0843ad604853b0100000000' +
  'feffffffaa5202bdf6d8ccd2ee0f0202afbbb7461d9264a25e5bfd3c5a52ee1239e0ba6c0000000000feffffff956149bdc66faa968eb2' +
  'be2d2faa29718acbfe3941215893a2a3446d32acd050000000000000000000e664b9773b88c09c32cb70a2a3e4da0ced63b7ba3b22f848' +
  '531bbb1d5d5f4c94010000000000000000e9aa6b8e6c9de67619e6a3924ae25696bb7b694bb677a632a74ef7eadfd4eabf0000000000ff' +
  'ffffffa778eb6a263dc090464cd125c466b5a99667720b1c110468831d058aa1b82af10100000000ffffffff0200ca9a3b000000001976' +
  'a91406afd46bcdfd22ef94ac122aa11f241244a37ecc88ac807840cb0000000020ac9a87f5594be208f8532db38cff670c450ed2fea8fc' +
  'defcc9a663f78bab962b0065cd1d';
const BIP341_SPENT: readonly TxOut[] = (
  [
    [420000000, '512053a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343'],
    [462000000, '5120147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3'],
    [294000000, '76a914751e76e8199196d454941c45d1b3a323f1433bd688ac'],
    [504000000, '5120e4d810fd50586274face62b8a807eb9719cef49c04177cc6b76a9a4251d5450e'],
    [630000000, '512091b64d5324723a985170e4dc5a0f84c041804f2cd12660fa5dec09fc21783605'],
    [378000000, '00147dd65592d0ab2fe0d0257d571abf032cd9db93dc'],
    [672000000, '512075169f4001aa68f15bbed28b218df1d0a62cbbcf1188c6665110c293c907b831'],
    [546000000, '5120712447206d7a5238acc7ff53fbe94a3b64539ad291c7cdbc490b7577e4b17df5'],
    [588000000, '512077e30a5522dd9f894c3f8b8bd4c4b2cf82ca7da8a3ea6a239655c39c050ab220'],
  ] as const
).map(([value, script]) => ({ value, script: fromHex(script)! }));

describe('vectors', () => {
  it('BIP143, native P2WPKH', () => {
    const keyHash = fromHex('1d0f172a0ecb48aee1be1f2687d2963ae33f71a1')!;
    expect(toHex(sighashAllV0(decoded(BIP143), 1, keyHash, 6e8, newSighashCache()))).toBe(
      'c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670',
    );
  });

  it('BIP341, SIGHASH_DEFAULT, with the parts it is made of', () => {
    const cache = newSighashCache();
    expect(toHex(sighashDefaultV1(decoded(BIP341), 4, BIP341_SPENT, cache))).toBe(
      '4f900a0bae3f1446fd48490c2958b5a023228f01661cda3496a11da502a7f7ef',
    );
    expect(toHex(cache.amounts!)).toBe('58a6964a4f5f8f0b642ded0a8a553be7622a719da71d1f5befcefcdee8e0fde6');
    expect(toHex(cache.outputs!)).toBe('a2e6dab7c1f0dcd297c8d61647fd17d821541ea69c3cc37dcbad7f90d4eb4bc5');
    expect(toHex(cache.prevouts!)).toBe('e3b33bb4ef3a52ad1fffb555c0d82828eb22737036eaeb02a235d82b909c4c3f');
    expect(toHex(cache.scripts!)).toBe('23ad0f61ad2bca5ba6a7693f50fce988e17c3780bf2b1e720cfbb38fbdd52e21');
    expect(toHex(cache.sequences!)).toBe('18959c7221ab5ce9e26c3cd67b22c24f8baa54bac281d8e6b05e400e6c3a957e');
  });
});

/** A transaction with its spent outputs, witnesses in some inputs: signature hashes must not see them. */
const spending = fc
  .record({
    version: u32,
    lockTime: u32,
    inputs: fc.array(
      fc.record({ txid: bytes32, index: u32, sequence: u32, spent: allowedOut, signed: fc.boolean() }),
      { minLength: 1, maxLength: 5 },
    ),
    outputs: fc.array(allowedOut, { minLength: 1, maxLength: 4 }), // the others refuse to hash none
  })
  .map(({ version, lockTime, inputs, outputs }) => ({
    spent: inputs.map((input) => input.spent),
    tx: makeTx({
      version,
      lockTime,
      outputs,
      inputs: inputs.map(({ txid, index, sequence, signed }) => ({
        ...unsignedInput({ txid, index }, sequence),
        witness: signed ? [Uint8Array.of(1, 2, 3)] : [],
      })),
    }),
  }));

describe('agreement with bitcoinjs-lib and scure', () => {
  it('on BIP143, for every input, with one cache for all', () => {
    fc.assert(
      fc.property(spending, p2wpkhScript, money, ({ tx }, script, value) => {
        const theirs = bitcoin.Transaction.fromBuffer(tx.bytes);
        const keyHash = script.subarray(2);
        const code = Uint8Array.of(0x76, 0xa9, 0x14, ...keyHash, 0x88, 0xac);
        const cache = newSighashCache();
        for (let i = 0; i < tx.inputs.length; i++) {
          const hash = sighashAllV0(tx, i, keyHash, value, cache);
          expect(toHex(hash)).toBe(toHex(theirs.hashForWitnessV0(i, code, BigInt(value), 1)));
        }
      }),
      { seed: 91, numRuns: 200 },
    );
  });

  it('on BIP341, for every input, in any order of the two kinds', () => {
    fc.assert(
      fc.property(spending, fc.boolean(), ({ tx, spent }, v0First) => {
        const theirs = bitcoin.Transaction.fromBuffer(tx.bytes);
        const scripts = spent.map(({ script }) => script);
        const values = spent.map(({ value }) => BigInt(value));
        const cache = newSighashCache();
        if (v0First) sighashAllV0(tx, 0, new Uint8Array(20), 1, cache);
        for (let i = 0; i < tx.inputs.length; i++) {
          const hash = sighashDefaultV1(tx, i, spent, cache);
          expect(toHex(hash)).toBe(toHex(theirs.hashForWitnessV1(i, scripts, values, 0)));
        }
      }),
      { seed: 92, numRuns: 200 },
    );
  });

  it('on both, with scure', () => {
    fc.assert(
      fc.property(spending, (random) => {
        const { spent } = random;
        const { inputs, outputs, lockTime } = random.tx;
        const tx = makeTx({ version: 2, inputs, outputs, lockTime }); // scure refuses odd versions
        const theirs = btc.Transaction.fromRaw(tx.bytes, {
          allowUnknownOutputs: true,
          disableScriptCheck: true,
        });
        const hash = theirs.preimageWitnessV1(
          0,
          spent.map(({ script }) => script),
          0,
          spent.map(({ value }) => BigInt(value)),
        );
        expect(toHex(sighashDefaultV1(tx, 0, spent, newSighashCache()))).toBe(toHex(hash));
        const code = Uint8Array.of(0x76, 0xa9, 0x14, ...new Uint8Array(20), 0x88, 0xac);
        const v0 = theirs.preimageWitnessV0(0, code, 1, BigInt(spent[0]!.value));
        const ours = sighashAllV0(tx, 0, new Uint8Array(20), spent[0]!.value, newSighashCache());
        expect(toHex(ours)).toBe(toHex(v0));
      }),
      { seed: 93, numRuns: 100 },
    );
  });
});

it('refuses to share a cache between transactions: a stale hash would be signed', () => {
  const input = unsignedInput({ txid: new Uint8Array(32), index: 0 }, 0);
  const make = (lockTime: number) => makeTx({ version: 2, inputs: [input], outputs: [], lockTime });
  const cache = newSighashCache();
  const [one, two] = [make(1), make(2)];
  const spent = [{ value: 1, script: new Uint8Array(22) }];
  sighashDefaultV1(one, 0, spent, cache);
  expect(() => sighashAllV0(two, 0, new Uint8Array(20), 1, cache)).toThrow(InvariantError);
  expect(() => sighashDefaultV1(one, 0, [...spent], cache)).toThrow(InvariantError);
  expect(() => sighashDefaultV1(one, 1, spent, cache)).toThrow(InvariantError);
});

/** Counted in bytes, not in time: 2,000 inputs that each hash all the others would be a gigabyte. */
describe('many inputs', () => {
  const lock = concat(Uint8Array.of(0, 20), new Uint8Array(20).fill(3));
  const taproot = concat(Uint8Array.of(0x51, 0x20), new Uint8Array(32).fill(5));

  function hashedBytes(inputs: number, scheme: 'v0' | 'v1'): number {
    const spent = Array.from({ length: inputs }, () => ({
      value: 1_000,
      script: scheme === 'v0' ? lock : taproot,
    }));
    const tx = makeTx({
      version: 2,
      inputs: spent.map((_, i) => unsignedInput({ txid: new Uint8Array(32).fill(i % 251), index: i }, 0)),
      outputs: [{ value: 1_000, script: lock }],
      lockTime: 0,
    });
    let bytes = 0;
    const update = vi.spyOn(Sha256.prototype, 'update').mockImplementation(function (
      this: Sha256,
      data,
      from = 0,
      to = data.length,
    ) {
      bytes += to - from;
      return real.call(this, data, from, to);
    });
    const cache = newSighashCache();
    for (let i = 0; i < inputs; i++) {
      if (scheme === 'v0') sighashAllV0(tx, i, new Uint8Array(20).fill(3), 1_000, cache);
      else sighashDefaultV1(tx, i, spent, cache);
    }
    update.mockRestore();
    return bytes;
  }
  const real = Sha256.prototype.update;

  it.each(['v0', 'v1'] as const)(
    '%s: the work of 2,000 is twice that of 1,000, and a few hundred bytes each',
    (scheme) => {
      const thousand = hashedBytes(1_000, scheme);
      const two = hashedBytes(2_000, scheme);
      expect(thousand).toBeGreaterThan(1_000 * 36);
      expect(two / thousand).toBeLessThan(2.05);
      expect(two).toBeLessThan(2_000 * 400);
    },
  );
});
