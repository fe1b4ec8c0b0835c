import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../src/bitcoin/codec.ts';
import { buildCoinbase, witnessCommitment } from '../../src/bitcoin/coinbase.ts';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { type Assembled, checkBlock, plainReading } from '../../src/consensus/validate/check.ts';
import { limits } from '../../src/node/limits.ts';
import { PoolIds } from '../../src/node/mempool/ids.ts';
import {
  announcedHeader,
  compactSize,
  decodeCompact,
  encodeCompact,
  isCompact,
  Reconstruction,
  type ShortIdHasher,
  shortIdHash,
  shortIdsOf,
} from '../../src/node/wire/compact.ts';
import { concat, readU32LE } from '../../src/util/bytes.ts';
import { finish, noPace, Pace, type Steps } from '../../src/util/steps.ts';
import { honestChain, withTxs } from './blocks.ts';
import { labParams } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';

const params = labParams();
const [first] = honestChain(params, 1);
const txs = ['alice', 'bob', 'carol', 'dave', 'erin'].flatMap((who) => {
  const name = who as 'alice';
  const parent = pay([genesisCoin(params, name)], 'judy', 1_000_000);
  return [parent, pay([outputOf(parent, 1, name)], 'judy', 500_000)];
});
const block = committed(txs);
const nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** The first block with these payments, its witness commitment right. */
function committed(payments: readonly (typeof txs)[number][]) {
  const [old] = first!.txs;
  const { script } = old!.inputs[0]!;
  const commitment = witnessCommitment(payments);
  const coinbase = buildCoinbase({ script, outputs: [old!.outputs[0]!], commitment });
  return withTxs(first!, [coinbase, ...payments]);
}

function decoded(bytes: Uint8Array) {
  const compact = decodeCompact(bytes, limits);
  if (!compact.ok) throw new Error(compact.error.what);
  return compact.value;
}

describe('a compact block', () => {
  it('carries the header and six bytes for each payment, and says how long it is', () => {
    const bytes = encodeCompact(block, nonce);
    expect(bytes.length).toBe(compactSize(block));
    expect(bytes.length).toBe(4 + 80 + 8 + 1 + 6 * txs.length + 2 + block.txs[0]!.bytes.length);
    const compact = decoded(bytes);
    expect(compact.hash).toEqual(block.hash);
    const hasher = shortIdHash(encodeHeader(block.header), nonce);
    for (const [i, { wtxid }] of txs.entries()) {
      hasher.hash(new DataView(wtxid.slice().buffer), 0);
      const id = new Reader(compact.shortIds.subarray(6 * i, 6 * i + 6));
      expect([id.u32(), id.u16()]).toEqual([hasher.low >>> 0, hasher.high & 0xffff]);
    }
    expect(compact.prefilled.map(({ index, tx }) => [index, tx.id])).toEqual([[0, block.txs[0]!.id]]);
  });

  it('is told from a whole block, which has no version 0', () => {
    const bytes = encodeCompact(block, nonce);
    expect([isCompact(bytes), isCompact(block.bytes), isCompact(new Uint8Array(3))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(announcedHeader(bytes)).toEqual(block.bytes.subarray(0, 80));
    expect(announcedHeader(block.bytes)).toEqual(block.bytes.subarray(0, 80));
    expect(announcedHeader(bytes.subarray(0, 83))).toBeUndefined();
  });

  it('any bytes are decoded or refused, and every cut is refused', () => {
    const bytes = encodeCompact(block, nonce);
    for (let n = 0; n < bytes.length; n++)
      expect(decodeCompact(bytes.subarray(0, n), limits).ok, n + ' bytes').toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
        const any = decodeCompact(concat(new Uint8Array(4), tail), limits);
        if (any.ok) new Reconstruction(any.value);
      }),
    );
    expect(decodeCompact(bytes, { ...limits, compactPrefilled: 0 })).toMatchObject({
      error: { what: 'too many transactions sent whole' },
    });
    const few = { ...limits, compactTxs: 5 };
    expect(decodeCompact(bytes, few)).toMatchObject({ error: { what: 'too many short ids' } });
    // The coinbase said to stand behind the last place.
    const behind = bytes.slice();
    behind[4 + 80 + 8 + 1 + 6 * txs.length + 1] = txs.length + 1;
    expect(decodeCompact(behind, limits)).toMatchObject({
      error: { what: 'a prefilled transaction behind the end' },
    });
  });
});

function pausesOf(steps: Steps<void>): number {
  return [...steps].length;
}

const lowBits = (wtxid: Uint8Array, bits: number): number => readU32LE(wtxid, 0) & (2 ** bits - 1);

/** Short ids of so few bits that they collide. */
function weak(bits: number): ShortIdHasher {
  return {
    low: 0,
    high: 0,
    hash(bytes, at) {
      this.low = bytes.getInt32(at, true) & (2 ** bits - 1);
    },
  };
}

/** A pool of these, in this order. */
function offer(parts: Reconstruction, members: readonly Tx[]): void {
  finish(parts.prefill(noPace()));
  const pool = new PoolIds();
  for (const tx of members) pool.add({ tx, place: -1 });
  parts.offer(pool, 0, pool.size);
}

function expectOwnIds({ block, ids }: Assembled): void {
  expect(ids?.txid.subarray(0, 32 * block.txs.length)).toEqual(concat(...block.txs.map((tx) => tx.txid)));
  expect(ids?.wtxid.subarray(0, 32 * block.txs.length)).toEqual(concat(...block.txs.map((tx) => tx.wtxid)));
}

/** Whatever is offered, in whatever order, with whatever collisions: the block itself, or something that is seen to be wrong. */
describe('putting it together', () => {
  it('gives the block byte for byte, when all is offered', () => {
    const parts = new Reconstruction(decoded(encodeCompact(block, nonce)));
    offer(parts, [...txs].reverse());
    expect(parts.missing()).toEqual([]);
    expect(parts.assembled().block.bytes).toEqual(block.bytes);
    expect(parts.assembled().block).toMatchObject({ size: block.bytes.length, weight: block.weight });
  });

  it('asks for what is missing, and takes it in order', () => {
    fc.assert(
      fc.property(fc.subarray(txs), (have) => {
        const parts = new Reconstruction(decoded(encodeCompact(block, nonce)));
        offer(parts, have);
        const missing = parts.missing();
        expect(missing).toEqual(txs.flatMap((tx, i) => (have.includes(tx) ? [] : [i + 1])));
        finish(
          parts.fill(
            missing.map((place) => block.txs[place]!),
            noPace(),
          ),
        );
        expect(parts.assembled().block.bytes).toEqual(block.bytes);
        expectOwnIds(parts.assembled());
      }),
    );
  });

  it('never passes a wrong block, however short the ids are', () => {
    let collisions = 0;
    fc.assert(
      fc.property(
        fc.subarray(txs, { minLength: 1 }),
        fc.shuffledSubarray(txs),
        fc.integer({ min: 1, max: 8 }),
        (inside, offered, bits) => {
          const target = committed(inside);
          const hasher = weak(bits);
          const shortIds = shortIdsOf(inside, hasher);
          const parts = new Reconstruction({ ...decoded(encodeCompact(target, nonce)), shortIds }, hasher);
          const distinct = new Set(inside.map((tx) => lowBits(tx.wtxid, bits))).size === inside.length;
          expect(parts.ambiguous).toBe(!distinct);
          if (parts.ambiguous) return;
          offer(parts, offered);
          const missing = parts.missing();
          finish(
            parts.fill(
              missing.map((place) => target.txs[place]!),
              noPace(),
            ),
          );
          const assembled = parts.assembled();
          const checked = checkBlock(assembled.block.bytes, params);
          expect(finish(plainReading().check(assembled, params, 1_000)).ok).toBe(checked.ok);
          if (checked.ok) expect(assembled.block.bytes).toEqual(target.bytes);
          else collisions++;
          if (!checked.ok) expect(checked.error.rule).toBe('bad-txnmrklroot');
        },
      ),
      { numRuns: 300 },
    );
    expect(collisions).toBeGreaterThan(10);
  });

  it('a place that two of ours claim is asked for, and stays so', () => {
    const target = committed([txs[0]!]);
    const parts = new Reconstruction(
      { ...decoded(encodeCompact(target, nonce)), shortIds: new Uint8Array(6) },
      weak(0),
    );
    offer(parts, [txs[0]!]);
    offer(parts, [txs[0]!]);
    expect(parts.missing()).toEqual([]);
    offer(parts, [txs[1]!]);
    expect(parts.missing()).toEqual([1]);
    offer(parts, [txs[0]!]);
    expect(parts.missing()).toEqual([1]);
  });

  it('hashes what was sent whole, or was missing, a piece at a time', () => {
    const prefilled = block.txs.map((tx, index) => ({ index, tx }));
    const whole = { ...decoded(encodeCompact(block, nonce)), shortIds: new Uint8Array(), prefilled };
    const parts = new Reconstruction(whole);
    expect(pausesOf(parts.prefill(new Pace(1_000)))).toBeGreaterThan(block.txs.length / 3);
    expectOwnIds(parts.assembled());
    const empty = new Reconstruction(decoded(encodeCompact(block, nonce)));
    finish(empty.prefill(noPace()));
    expect(pausesOf(empty.fill(block.txs.slice(1), new Pace(1_000)))).toBeGreaterThan(txs.length / 3);
    expectOwnIds(empty.assembled());
  });

  it('ids that somebody chose to crowd one corner of the table are nothing to search long for', () => {
    // All of them want the same slot, however large the table is, and none is equal to another.
    const shortIds = new Uint8Array(6 * 1_000);
    for (let i = 0; i < 1_000; i++) new DataView(shortIds.buffer).setUint16(6 * i + 4, i, true);
    const compact = { ...decoded(encodeCompact(block, nonce)), shortIds };
    expect(new Reconstruction(compact).ambiguous).toBe(true);
    expect(new Reconstruction({ ...compact, shortIds: shortIds.subarray(0, 6 * 50) }).ambiguous).toBe(false);
  });
});
