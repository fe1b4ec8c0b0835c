import { describe, expect, it } from 'vitest';
import type { Header } from '../../src/bitcoin/header.ts';
import { headerHash } from '../../src/bitcoin/header.ts';
import { openTree, StoreMismatch } from '../../src/consensus/chain/opening.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { StoreDamage } from '../../src/consensus/store/damage.ts';
import {
  encodeEntry,
  encodeMeta,
  entryKey,
  FORMAT_VERSION,
  META_KEY,
  TIP_KEY,
} from '../../src/consensus/store/records.ts';
import type { Row } from '../../src/consensus/store/store.ts';
import {
  ancestorAt,
  type BlockEntry,
  BlockTree,
  detachedEntry,
  forkPoint,
  isAncestor,
} from '../../src/consensus/tree/tree.ts';
import { writeU32LE } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { LAB, REGTEST, YARD } from '../dsl/networks.ts';

/** A header without work: the tree does not ask for any. */
const child = (parent: BlockEntry, nonce: number, time = parent.header.time + 10): Header => ({
  version: 4,
  prev: parent.hash,
  merkleRoot: new Uint8Array(32),
  time,
  bits: 0x207fffff,
  nonce,
});

function grow(tree: BlockTree, parent: BlockEntry, nonce = 0, time?: number): BlockEntry {
  const header = child(parent, nonce, time);
  return tree.insert(header, headerHash(header), tree.get(parent.hash)!);
}

function line(length: number): { tree: BlockTree; entries: BlockEntry[] } {
  const tree = new BlockTree(LAB.genesis.header);
  const entries: BlockEntry[] = [tree.genesis];
  for (let i = 0; i < length; i++) entries.push(grow(tree, entries.at(-1)!));
  return { tree, entries };
}

/** The slow ways, for comparison. */
const parents = (entry: BlockEntry): BlockEntry[] =>
  entry.parent ? [entry, ...parents(entry.parent)] : [entry];

describe('the block tree', () => {
  it('finds every ancestor, in a few jumps', () => {
    const { entries } = line(2_000);
    const random = seeded(1);
    for (let i = 0; i < 3_000; i++) {
      const from = entries[random.below(entries.length)]!;
      const height = random.below(from.height + 1);
      expect(ancestorAt(from, height)).toBe(entries[height]);
    }
    expect(() => ancestorAt(entries[5]!, 6)).toThrow();
  });

  it('finds where two branches part, as walking both to the genesis would', () => {
    const tree = new BlockTree(LAB.genesis.header);
    const random = seeded(2);
    const all: BlockEntry[] = [tree.genesis];
    for (let i = 0; i < 500; i++)
      all.push(grow(tree, all[Math.max(0, all.length - 1 - random.below(8))]!, i));
    for (let i = 0; i < 1_000; i++) {
      const a = all[random.below(all.length)]!;
      const b = all[random.below(all.length)]!;
      const ofB = new Set(parents(b));
      const expected = parents(a).find((entry) => ofB.has(entry));
      expect(forkPoint(a, b)).toBe(expected);
      expect(isAncestor(a, b)).toBe(expected === a);
    }
  });

  it('takes the median of up to 11 times', () => {
    const tree = new BlockTree(LAB.genesis.header);
    const random = seeded(3);
    const all: BlockEntry[] = [tree.genesis];
    for (let i = 0; i < 60; i++)
      all.push(grow(tree, all.at(-1)!, i, LAB.genesis.header.time + random.below(1_000)));
    for (const entry of all) {
      const times = parents(entry)
        .slice(0, 11)
        .map((e) => e.header.time)
        .sort((a, b) => a - b);
      expect(entry.medianTime).toBe(times[times.length >> 1]);
    }
  });

  it('adds up work', () => {
    const { entries } = line(3);
    expect(entries.map((entry) => entry.work)).toEqual([2n, 4n, 6n, 8n]);
  });

  it('keeps no view of the bytes that a header came in', () => {
    const whole = new Uint8Array(1_000);
    const tree = new BlockTree(LAB.genesis.header);
    const header = { ...child(tree.genesis, 0), merkleRoot: whole.subarray(4, 36) };
    const entry = tree.insert(header, whole.subarray(40, 72), tree.genesis);
    expect(entry.header.merkleRoot.buffer.byteLength).toBe(32);
    expect(entry.hash.buffer.byteLength).toBe(32);
  });

  it('stands detached entries on its own and on each other, and stays as it was', () => {
    const { tree, entries } = line(20);
    const size = tree.size;
    let at = entries[20]!;
    for (let i = 0; i < 40; i++) {
      const header = child(at, i);
      at = detachedEntry(header, headerHash(header), at);
    }
    expect(at.height).toBe(60);
    expect(at.work).toBe(entries[20]!.work + 80n);
    expect(ancestorAt(at, 7)).toBe(entries[7]);
    expect(forkPoint(at, entries[12]!)).toBe(entries[12]);
    expect(tree.size).toBe(size);
    expect(tree.bestHeader).toBe(entries[20]);
  });
});

/** Rows of a line of blocks that are all here. */
function rows(length: number): Row[] {
  const { entries } = line(length);
  const out: Row[] = [
    { key: META_KEY, value: encodeMeta(LAB.genesisHash) },
    { key: TIP_KEY, value: entries.at(-1)!.hash },
  ];
  for (const entry of entries) {
    const { header, height } = entry;
    const value = encodeEntry({
      header,
      height,
      txs: 1,
      size: 200,
      hasBody: true,
      arrival: height,
      connectedOnce: true,
      condemned: undefined,
      miner: 'A',
    });
    out.push({ key: entryKey(entry.hash), value });
  }
  return out;
}

const mismatch = (index: Row[], params = LAB): StoreMismatch => refusal(StoreMismatch, index, params);
const damage = (index: Row[]): StoreDamage => refusal(StoreDamage, index, LAB);

function refusal<E extends Error>(type: new (...args: never[]) => E, index: Row[], params: Params): E {
  try {
    openTree(params, index);
  } catch (error) {
    if (error instanceof type) return error;
    throw error;
  }
  throw new Error('it opened');
}

describe('opening', () => {
  it('builds 100,000 headers from rows in any order, in seconds at most', () => {
    const index = rows(100_000).reverse();
    const { tree, tip, nextArrival, fresh } = openTree(LAB, index);
    expect([tree.size, tip.height, nextArrival, fresh]).toEqual([100_001, 100_000, 100_001, false]);
    expect(tree.bestHeader).toBe(tip);
    expect(ancestorAt(tip, 54_321).height).toBe(54_321);
  });

  it('starts fresh on no rows', () => {
    expect(openTree(LAB, [])).toMatchObject({ fresh: true, nextArrival: 0 });
  });

  it("refuses another network's rows, and says whose they are", () => {
    const error = mismatch(rows(2), YARD);
    expect(error.kind).toBe('network');
    expect(error.message).toContain(LAB.genesisId);
    expect(error.message).toContain(YARD.genesisId);
    expect(mismatch(rows(2), REGTEST).kind).toBe('network');
  });

  it('refuses a newer format', () => {
    const index = rows(2);
    const meta = index[0]!.value.slice();
    writeU32LE(meta, 0, FORMAT_VERSION + 1);
    const error = mismatch([{ key: META_KEY, value: meta }, ...index.slice(1)]);
    expect(error.kind).toBe('version');
    expect(error.message).toContain('newer version');
  });

  const without = (index: Row[], i: number): Row[] => index.filter((_, at) => at !== i);
  const replaced = (index: Row[], i: number, change: (value: Uint8Array) => Uint8Array): Row[] =>
    index.map((row, at) => (at === i ? { key: row.key, value: change(row.value.slice()) } : row));

  it.each([
    ['no network row', (r: Row[]) => without(r, 0), 'not the row that says of which network'],
    ['no tip row', (r: Row[]) => without(r, 1), 'which block is the tip'],
    ['no genesis', (r: Row[]) => without(without(r, 2), 2).slice(0, 2), 'genesis block is missing'],
    ['a missing parent', (r: Row[]) => without(r, 4), 'the parent of block'],
    ['a tip that is not there', (r: Row[]) => without(r, r.length - 1), 'is not among its blocks'],
    ['a cut entry', (r: Row[]) => replaced(r, 4, (v) => v.slice(0, 50)), 'is not a block index entry'],
    ['a cut network row', (r: Row[]) => replaced(r, 0, (v) => v.slice(0, 20)), 'does not decode'],
    [
      'a changed header',
      (r: Row[]) =>
        replaced(r, 4, (v) => {
          v[60]! ^= 1;
          return v;
        }),
      'has another hash',
    ],
    [
      'a wrong height',
      (r: Row[]) =>
        replaced(r, r.length - 1, (v) => {
          v[0]! += 1;
          return v;
        }),
      'says height',
    ],
    [
      'an unknown rule',
      (r: Row[]) =>
        replaced(r, 4, (v) => {
          const longer = new Uint8Array(v.length + 3).fill(120);
          longer.set(v);
          return longer;
        }),
      'is not a block index entry',
    ],
    [
      'a tip without its body',
      (r: Row[]) =>
        replaced(r, r.length - 1, (v) => {
          v[20] = 0;
          return v;
        }),
      'lacks its body',
    ],
  ])('refuses a damaged directory and names the row: %s', (_, change, message) => {
    expect(damage(change(rows(4))).message).toContain(message);
  });
});
