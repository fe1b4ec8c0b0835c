import * as bitcoin from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBlock, makeBlock } from '../../src/bitcoin/block.ts';
import { decodeHeader, encodeHeader, type Header, headerHash } from '../../src/bitcoin/header.ts';
import { commitmentOf, merkleRoot, witnessRoot } from '../../src/bitcoin/merkle.ts';
import { compactToTarget, meets } from '../../src/bitcoin/target.ts';
import { fromHex, idOf, toHex } from '../../src/util/bytes.ts';
import { anyTx, bytes32, u32 } from './arbitraries.ts';

const COINBASE =
  '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054' +
  '696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420' +
  '666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61' +
  'deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000';
const ROOT = '3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a';

const header: fc.Arbitrary<Header> = fc.record({
  version: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  prev: bytes32,
  merkleRoot: bytes32,
  time: u32,
  bits: u32,
  nonce: u32,
});

describe("Bitcoin's first blocks", () => {
  const genesis = (tail: string) =>
    decodeBlock(fromHex('01000000' + '00'.repeat(32) + ROOT + tail + '01' + COINBASE)!);

  it.each([
    [
      'main',
      '29ab5f49ffff001d1dac2b7c',
      '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
      { time: 1231006505, bits: 0x1d00ffff, nonce: 2083236893 },
    ],
    [
      'regtest',
      'dae5494dffff7f2002000000',
      '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
      { time: 1296688602, bits: 0x207fffff, nonce: 2 },
    ],
  ])('%s', (_, tail, id, fields) => {
    const result = genesis(tail);
    expect(result.ok && result.value.id).toBe(id);
    if (!result.ok) return;
    const block = result.value;
    expect(block.header).toMatchObject({ version: 1, ...fields });
    expect(merkleRoot(block.txs.map((tx) => tx.txid))).toEqual({
      root: block.header.merkleRoot,
      mutated: false,
    });
    expect(meets(block.hash, compactToTarget(block.header.bits).target)).toBe(true);
    expect([block.strippedSize, block.weight]).toEqual([285, 1140]);
    const made = makeBlock(block.header, block.txs);
    expect([block.encoded, made.encoded]).toEqual([true, false]);
    expect(made).toMatchObject({ id, size: 285, bytes: block.bytes, weight: 1140, encoded: true });
  });
});

describe('headers', () => {
  it('are 80 bytes and back, hashed as bitcoinjs-lib hashes them', () => {
    fc.assert(
      fc.property(header, (h) => {
        const bytes = encodeHeader(h);
        expect(bytes.length).toBe(80);
        expect(decodeHeader(bytes)).toEqual({ ok: true, value: h });
        expect(headerHash(h)).toEqual(headerHash(bytes));
        expect(idOf(headerHash(h))).toBe(bitcoin.Block.fromBuffer(Buffer.from(bytes)).getId());
      }),
      { seed: 61, numRuns: 200 },
    );
  });

  it('are exactly 80 bytes', () => {
    expect(decodeHeader(new Uint8Array(79))).toMatchObject({ ok: false, error: { what: 'unexpected end' } });
    expect(decodeHeader(new Uint8Array(81))).toEqual({
      ok: false,
      error: { what: 'trailing bytes', at: 80 },
    });
    expect(decodeHeader(new Uint8Array(80)).ok).toBe(true);
  });
});

describe('blocks', () => {
  const withWitness = anyTx.filter((tx) => tx.outputs.length > 0);
  it('agree with bitcoinjs-lib on id, transactions, weight and merkle roots', () => {
    fc.assert(
      fc.property(header, fc.array(withWitness, { minLength: 1, maxLength: 7 }), (h, txs) => {
        const made = makeBlock(h, txs);
        const result = decodeBlock(made.bytes);
        if (!result.ok) throw new Error(result.error.what);
        const block = result.value;
        expect(block.txs.map((tx) => tx.id)).toEqual(txs.map((tx) => tx.id));
        expect([block.id, block.weight, block.strippedSize]).toEqual([
          made.id,
          made.weight,
          made.strippedSize,
        ]);

        const theirs = bitcoin.Block.fromBuffer(Buffer.from(made.bytes));
        expect(block.weight).toBe(theirs.weight());
        expect(block.strippedSize).toBe(theirs.byteLength(false, false));
        const root = bitcoin.Block.calculateMerkleRoot(theirs.transactions!);
        expect(toHex(merkleRoot(block.txs.map((tx) => tx.txid)).root)).toBe(toHex(root));
      }),
      { seed: 62, numRuns: 150 },
    );
  });

  it('are refused cut, with a byte too many, and with a count that cannot fit', () => {
    fc.assert(
      fc.property(header, fc.array(anyTx, { minLength: 1, maxLength: 2 }), (h, txs) => {
        const { bytes } = makeBlock(h, txs);
        for (let n = 0; n < bytes.length; n++) expect(decodeBlock(bytes.slice(0, n)).ok).toBe(false);
        expect(decodeBlock(Uint8Array.of(...bytes, 0))).toMatchObject({ error: { what: 'trailing bytes' } });
      }),
      { seed: 63, numRuns: 10 },
    );
    const huge = Uint8Array.of(...new Uint8Array(80), 0xfe, 0, 0, 0, 1);
    expect(decodeBlock(huge)).toMatchObject({ error: { what: 'count exceeds the bytes left', at: 80 } });
  });
});

describe('merkle trees', () => {
  const leaf = (n: number) => new Uint8Array(32).fill(n);

  it('have the root zero without leaves and the leaf alone with one', () => {
    expect(merkleRoot([])).toEqual({ root: new Uint8Array(32), mutated: false });
    expect(merkleRoot([leaf(5)])).toEqual({ root: leaf(5), mutated: false });
  });

  it('show CVE-2012-2459: repeating the odd end keeps the root, and is told', () => {
    for (let n = 3; n <= 20; n++) {
      const honest = Array.from({ length: n }, (_, i) => leaf(i));
      const { root, mutated } = merkleRoot(honest);
      expect(mutated).toBe(false);
      // Repeat the unpaired subtree of each level that has one.
      for (let width = 1; width < n; width *= 2) {
        if (Math.ceil(n / width) % 2 === 0) continue;
        const start = Math.floor((n - 1) / width) * width;
        const tail = honest.slice(start);
        if (tail.length !== width) continue;
        const padded = merkleRoot([...honest, ...tail]);
        expect(padded.root, `${n} leaves, ${width} repeated`).toEqual(root);
        expect(padded.mutated).toBe(true);
      }
    }
  });

  it('tell equal neighbours anywhere, but not equal leaves that are no pair', () => {
    expect(merkleRoot([leaf(1), leaf(1), leaf(2), leaf(3)]).mutated).toBe(true);
    expect(merkleRoot([leaf(2), leaf(3), leaf(1), leaf(1)]).mutated).toBe(true);
    expect(merkleRoot([leaf(0), leaf(1), leaf(1), leaf(2)]).mutated).toBe(false);
    expect(merkleRoot([leaf(0), leaf(1), leaf(0), leaf(1)]).mutated).toBe(true); // one level up
  });

  it('leave their leaves alone', () => {
    const leaves = [leaf(1), leaf(2), leaf(3)];
    merkleRoot(leaves);
    expect(leaves).toEqual([leaf(1), leaf(2), leaf(3)]);
  });

  it('commit to wtxids with the coinbase as zero', () => {
    const txs = [1, 2, 3].map((n) => ({ wtxid: leaf(n) }));
    const root = merkleRoot([leaf(0), leaf(2), leaf(3)]).root;
    expect(witnessRoot(txs)).toEqual(root);
    // An empty block on regtest: root zero, nonce zero. The value is Core's in every such coinbase.
    expect(toHex(commitmentOf(witnessRoot(txs.slice(0, 1)), leaf(0)))).toBe(
      'e2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9',
    );
  });
});
