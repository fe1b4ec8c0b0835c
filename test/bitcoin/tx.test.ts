import * as btc from '@scure/btc-signer';
import * as bitcoin from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeTx,
  isCoinbase,
  isNullOutPoint,
  MAX_MONEY,
  makeTx,
  outpointKey,
  outpointOfKey,
  type Tx,
  unsignedInput,
} from '../../src/bitcoin/tx.ts';
import { InvariantError } from '../../src/util/assert.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';
import { anyTx, bytes32, u32 } from './arbitraries.ts';

/** The parts that the wire form carries, for comparing. */
function parts(tx: Tx) {
  return { version: tx.version, inputs: tx.inputs, outputs: tx.outputs, lockTime: tx.lockTime };
}

function decoded(bytes: Uint8Array): Tx {
  const result = decodeTx(bytes);
  if (!result.ok) throw new Error(result.error.what);
  return result.value;
}

/** What bitcoinjs-lib makes of bytes, `undefined` when it throws. */
function oracle(bytes: Uint8Array): bitcoin.Transaction | undefined {
  try {
    return bitcoin.Transaction.fromBuffer(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Whether these bytes should decode, by bitcoinjs-lib plus what it leaves out: one encoding for one thing (it accepts
 * overlong compact sizes), amounts within 21 million coins, and an input count of 0 being the marker.
 */
function acceptable(bytes: Uint8Array): boolean {
  const tx = oracle(bytes);
  if (tx === undefined) return false;
  if (tx.outs.some((out) => out.value < 0n || out.value > BigInt(MAX_MONEY))) return false;
  if (tx.ins.length === 0 && tx.outs.length > 0) return false;
  return toHex(tx.toBuffer()) === toHex(bytes);
}

describe('decoding agrees with bitcoinjs-lib and scure', () => {
  it('on random transactions: parts, ids, sizes, and the same bytes again', () => {
    fc.assert(
      fc.property(anyTx, (made) => {
        const tx = decoded(made.bytes);
        expect(parts(tx)).toEqual(parts(made));
        expect(makeTx(parts(tx)).bytes).toEqual(made.bytes);
        expect(tx.bytes).toEqual(made.bytes);

        const theirs = bitcoin.Transaction.fromBuffer(made.bytes);
        expect(tx.id).toBe(theirs.getId());
        expect(tx.txid).toEqual(Uint8Array.from(theirs.getHash(false)));
        expect(tx.wtxid).toEqual(Uint8Array.from(theirs.getHash(true)));
        expect(tx.wid).toBe(toHex(Uint8Array.from(theirs.getHash(true)).reverse()));
        expect([tx.weight, tx.vsize]).toEqual([theirs.weight(), theirs.virtualSize()]);
        expect(tx.hasWitness).toBe(theirs.hasWitnesses());
        // What makeTx counts while writing is what readTx counts while reading.
        expect([tx.id, tx.wid, tx.strippedSize, tx.weight]).toEqual([
          made.id,
          made.wid,
          made.strippedSize,
          made.weight,
        ]);
        expect([tx.outputsFrom, tx.outputsTo]).toEqual([made.outputsFrom, made.outputsTo]);

        const scure = btc.RawTx.decode(made.bytes);
        expect(scure.outputs.map((out) => Number(out.amount))).toEqual(tx.outputs.map((out) => out.value));
        expect(scure.inputs.map((input) => toHex(input.txid))).toEqual(
          tx.inputs.map((input) => toHex(input.prevout.txid.slice().reverse())), // theirs is as displayed
        );
      }),
      { seed: 51, numRuns: 400 },
    );
  });

  it('on every truncation of a transaction: refused', () => {
    fc.assert(
      fc.property(anyTx, (tx) => {
        for (let n = 0; n < tx.bytes.length; n++) {
          const cut = tx.bytes.slice(0, n);
          expect(decodeTx(cut).ok).toBe(acceptable(cut));
        }
      }),
      { seed: 52, numRuns: 25 },
    );
  });

  it('on changed, inserted and removed bytes: accepted exactly when the other reads and writes them alike', () => {
    let accepted = 0;
    let refused = 0;
    const edit = fc.record({
      kind: fc.constantFrom('set', 'insert', 'remove'),
      at: fc.nat(400),
      value: fc.nat(255),
    });
    fc.assert(
      fc.property(anyTx, fc.array(edit, { minLength: 1, maxLength: 2 }), (tx, edits) => {
        const bytes = [...tx.bytes];
        for (const { kind, at, value } of edits) {
          const i = at % bytes.length;
          if (kind === 'set') bytes[i] = value;
          else bytes.splice(i, kind === 'remove' ? 1 : 0, ...(kind === 'insert' ? [value] : []));
        }
        const mutated = Uint8Array.from(bytes);
        const result = decodeTx(mutated);
        expect(result.ok).toBe(acceptable(mutated));
        if (result.ok) {
          accepted++;
          expect(toHex(makeTx(parts(result.value)).bytes)).toBe(toHex(mutated));
          expect(result.value.id).toBe(bitcoin.Transaction.fromBuffer(mutated).getId());
        } else {
          refused++;
          expect(result.error.at).toBeLessThanOrEqual(mutated.length);
        }
      }),
      { seed: 53, numRuns: 3000 },
    );
    // Both outcomes must have been seen often, or the property says nothing.
    expect(accepted).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(200);
  });

  it('on every value of each of the first bytes, which hold version, marker, flag and counts', () => {
    const small = makeTx({
      version: 2,
      inputs: [
        { ...unsignedInput({ txid: new Uint8Array(32).fill(7), index: 1 }, 5), witness: [Uint8Array.of(1)] },
      ],
      outputs: [{ value: 9, script: Uint8Array.of(0x51) }],
      lockTime: 0,
    });
    for (let at = 0; at < small.bytes.length; at++) {
      for (let value = 0; value < 256; value++) {
        const mutated = small.bytes.slice();
        mutated[at] = value;
        expect(decodeTx(mutated).ok, `byte ${at} = ${value}`).toBe(acceptable(mutated));
      }
    }
  });

  it('never throws on noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(decodeTx(noise).ok).toBe(acceptable(noise));
        // Noise behind a plausible beginning gets further.
        const led = Uint8Array.of(2, 0, 0, 0, 0, 1, 1, ...noise);
        expect(decodeTx(led).ok).toBe(acceptable(led));
      }),
      { seed: 54, numRuns: 1500 },
    );
  });
});

describe('refusals by name', () => {
  const hex = (text: string) => decodeTx(fromHex(text.replace(/\s/g, ''))!);
  const input = `${'11'.repeat(32)} 00000000 00 ffffffff`;
  const output = '0100000000000000 00';
  it.each([
    [
      'a superfluous witness',
      `02000000 0001 01 ${input} 01 ${output} 00 00000000`,
      'superfluous witness record',
    ],
    ['a flag of 2', `02000000 0002 01 ${input} 01 ${output} 00 00000000`, 'unknown transaction flag'],
    ['a flag of 3', `02000000 0003 01 ${input} 01 ${output} 0101aa 00000000`, 'unknown transaction flag'],
    ['no inputs behind the marker', `02000000 0001 00 01 ${output} 00000000`, 'superfluous witness record'],
    ['trailing bytes', `02000000 01 ${input} 01 ${output} 00000000 00`, 'trailing bytes'],
    [
      'too much money',
      `02000000 01 ${input} 01 0140075af075070000 00000000 00`,
      'value above 21 million coins',
    ],
    [
      'a negative amount',
      `02000000 01 ${input} 01 ffffffffffffffff00 00000000`,
      'value above 21 million coins',
    ],
    ['an overlong count', `02000000 fd0100 ${input} 01 ${output} 00000000`, 'non-canonical compact size'],
    [
      'an overlong script length',
      `02000000 01 ${'11'.repeat(32)} 00000000 fd0000 ffffffff`,
      'non-canonical compact size',
    ],
    ['more inputs than bytes', `02000000 feffffffff ${input}`, 'compact size too large'],
    ['more inputs than fit', `02000000 fe00000001 ${input}`, 'count exceeds the bytes left'],
    ['nothing', '', 'unexpected end'],
  ])('%s', (_, text, what) => {
    const result = hex(text);
    expect(result.ok ? 'accepted' : result.error.what).toBe(what);
  });

  it('reads marker 00 with flag 00 as Core does: no inputs and no outputs', () => {
    const result = hex('04000000 0000 04000000');
    expect(result.ok && parts(result.value)).toEqual({ version: 4, inputs: [], outputs: [], lockTime: 4 });
    expect(result.ok && result.value.id).toBe(
      makeTx({ version: 4, inputs: [], outputs: [], lockTime: 4 }).id,
    );
  });
});

describe('known transactions', () => {
  it("reads Bitcoin's genesis coinbase", () => {
    const tx = decoded(
      fromHex(
        '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468' +
          '652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e6420' +
          '6261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105c' +
          'd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000',
      )!,
    );
    expect(tx.id).toBe('4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b');
    expect(isCoinbase(tx)).toBe(true);
    expect(tx.wtxid).toBe(tx.txid);
  });

  it('reads the signed transaction of BIP143, whose ids differ', () => {
    const tx = decoded(fromHex(BIP143_SIGNED)!);
    expect(tx.id).toBe('e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609');
    expect(tx.inputs.map((i) => i.witness.length)).toEqual([0, 2]);
    expect(tx.wid).not.toBe(tx.id);
  });
});

describe('outpoints', () => {
  it('have keys that are equal exactly when they are, and can be read back', () => {
    const point = fc.record({ txid: bytes32, index: u32 });
    fc.assert(
      fc.property(point, point, (a, b) => {
        expect(outpointOfKey(outpointKey(a))).toEqual(a);
        const same = toHex(a.txid) === toHex(b.txid) && a.index === b.index;
        expect(outpointKey(a) === outpointKey(b)).toBe(same);
      }),
      { seed: 55, numRuns: 200 },
    );
  });

  it('are null only with txid zero and index ffffffff', () => {
    const zero = new Uint8Array(32);
    expect(isNullOutPoint({ txid: zero, index: 0xffff_ffff })).toBe(true);
    expect(isNullOutPoint({ txid: zero, index: 0xffff_fffe })).toBe(false);
    expect(isNullOutPoint({ txid: zero.with(31, 1), index: 0xffff_ffff })).toBe(false);
    const twice = [0, 1].map(() => unsignedInput({ txid: zero, index: 0xffff_ffff }, 0));
    expect(isCoinbase(makeTx({ version: 2, inputs: twice, outputs: [], lockTime: 0 }))).toBe(false);
  });
});

it('makeTx throws on what only a bug could ask for', () => {
  const base = { version: 2, inputs: [], lockTime: 0 };
  const script = new Uint8Array(0);
  expect(() => makeTx({ ...base, outputs: [{ value: MAX_MONEY + 1, script }] })).toThrow(InvariantError);
  expect(() => makeTx({ ...base, outputs: [{ value: -1, script }] })).toThrow(InvariantError);
  expect(() => makeTx({ ...base, outputs: [{ value: 0.5, script }] })).toThrow(InvariantError);
  const short = unsignedInput({ txid: new Uint8Array(31), index: 0 }, 0);
  expect(() => makeTx({ ...base, inputs: [short], outputs: [] })).toThrow(InvariantError);
});

const BIP143_SIGNED =
  '01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc2' +
  '6ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4' +
  'ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff' +
  '02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4d' +
  'be6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a' +
  '0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb' +
  '3566bb0ad253f62fc70f07aeee635711000000';
