import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { leavesOf, merkleBranchSteps, merkleRoot, merkleRootSteps } from '../../src/bitcoin/merkle.ts';
import { fastPairs, wasmPairs } from '../../src/host/miner/kernels/wasm-pairs.ts';
import { concat } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { finish, noPace } from '../../src/util/steps.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const sha256d = (...parts: readonly Uint8Array[]) => sha256(sha256(concat(...parts)));

function someBytes(length: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

function someHashes(count: number, seed: number): Uint8Array[] {
  const bytes = someBytes(32 * count, seed);
  return Array.from({ length: count }, (_, i) => bytes.slice(32 * i, 32 * i + 32));
}

describe('pairs hashed in WebAssembly', () => {
  const pairs = wasmPairs();

  it('equal node:crypto in every lane, wherever they begin, and leave the rest alone', () => {
    for (let count = 0; count <= 13; count++) {
      for (const from of [0, 1, 5]) {
        const nodes = someBytes(64 * (from + count + 2), 100 * count + from);
        const want = nodes.slice();
        for (let i = from; i < from + count; i++) want.set(sha256d(want.slice(64 * i, 64 * i + 64)), 32 * i);
        pairs(nodes, from, count);
        expect(nodes).toEqual(want);
      }
    }
  });

  it('equal it for more than fit the memory of the module', () => {
    const count = 5_001;
    const nodes = someBytes(64 * count, 7);
    const want = Array.from({ length: count }, (_, i) => sha256d(nodes.slice(64 * i, 64 * i + 64)));
    pairs(nodes, 0, count);
    expect(Buffer.compare(nodes.subarray(0, 32 * count), concat(...want))).toBe(0);
  });

  it('give the same merkle roots, and tell the same lists to be mutated', () => {
    for (const count of [0, 1, 2, 3, 511, 512, 513, 1_500]) {
      const hashes = someHashes(count, count);
      expect(finish(merkleRootSteps(leavesOf(hashes), noPace(), pairs))).toEqual(merkleRoot(hashes));
      const doubled = [...hashes, ...hashes.slice(-2)];
      expect(finish(merkleRootSteps(leavesOf(doubled), noPace(), pairs)).mutated).toBe(
        merkleRoot(doubled).mutated,
      );
    }
  });
});

describe('what the host gives the node', () => {
  const level = someBytes(64 * 300, 1);

  it('makes no code for small blocks', () => {
    let made = 0;
    const pairs = fastPairs(
      () => undefined,
      () => {
        made++;
        return wasmPairs();
      },
    );
    pairs(level.slice(), 0, 100);
    expect(made).toBe(0);
    pairs(level.slice(), 0, 300);
    pairs(level.slice(), 0, 300);
    expect(made).toBe(1);
  });

  it.each([
    [
      'cannot be made',
      () => {
        throw new Error('this JavaScript engine has no WebAssembly SIMD');
      },
      'no WebAssembly SIMD',
    ],
    [
      'is wrong',
      () => (nodes: Uint8Array, from: number) => nodes.fill(0, 32 * from, 32 * from + 32),
      'wrong hashes',
    ],
  ] as const)('stays plain, and says so once, where the fast code %s', (_, make, words) => {
    const notes: string[] = [];
    const pairs = fastPairs((text) => notes.push(text), make);
    const nodes = level.slice();
    pairs(nodes, 0, 300);
    pairs(level.slice(), 0, 300);
    expect(nodes.slice(0, 32)).toEqual(new Uint8Array(sha256d(level.slice(0, 64))));
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(words);
  });
});

it('the branch beside the first leaf leads from any first leaf to the root', () => {
  for (let count = 1; count <= 40; count++) {
    const hashes = someHashes(count, count);
    const branch = finish(merkleBranchSteps(leavesOf(hashes), noPace()));
    let root = hashes[0]!;
    for (const sibling of branch) root = new Uint8Array(sha256d(root, sibling));
    expect(root).toEqual(merkleRoot(hashes).root);
    const other = [new Uint8Array(32), ...hashes.slice(1)];
    expect(finish(merkleBranchSteps(leavesOf(other), noPace()))).toEqual(branch);
  }
});
