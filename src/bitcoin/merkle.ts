import { assert } from '../util/assert.ts';
import { concat } from '../util/bytes.ts';
import { finish, noPace, type Pace, type Steps } from '../util/steps.ts';
import { sha256d, sha256dTo } from './hash.ts';

export interface MerkleRoot {
  readonly root: Uint8Array;
  readonly mutated: boolean;
}

/**
 * Hashes pairs of 32-byte nodes in place: for each i from `from` on, `count` of them, node i becomes the SHA-256d of
 * nodes 2i and 2i + 1, in this order. Whatever lies behind those pairs stays. An option, so that a host with something
 * faster can hash whole levels with it; all must give the same bytes as `hashPairs`.
 */
export type HashPairs = (nodes: Uint8Array, from: number, count: number) => void;

export const hashPairs: HashPairs = (nodes, from, count) => {
  for (let i = from; i < from + count; i++) sha256dTo(nodes, 64 * i, 64 * i + 64, nodes, 32 * i);
};

/** Pairs hashed between two looks at the pace. */
const PAIRS_AT_ONCE = 256;

/**
 * The merkle root of 32-byte hashes; all zero for none. A level with an odd count pairs its last hash with itself,
 * so some longer lists have the same root (CVE-2012-2459): `mutated` tells that some level has two equal neighbours,
 * which no honest list has. Core: `ComputeMerkleRoot`.
 */
export function merkleRoot(hashes: readonly Uint8Array[]): MerkleRoot {
  return finish(merkleRootSteps(leavesOf(hashes), noPace()));
}

/** 32-byte hashes side by side. Whoever hashes the tree does it in place, and has room for one more behind an odd last one. */
export interface Leaves {
  readonly nodes: Uint8Array;
  readonly count: number;
}

/** Room for so many. */
export function emptyLeaves(count: number): Leaves {
  return { nodes: new Uint8Array(32 * (count + (count % 2))), count };
}

export function leavesOf(hashes: readonly Uint8Array[]): Leaves {
  const leaves = emptyLeaves(hashes.length);
  for (let i = 0; i < hashes.length; i++) setLeaf(leaves, i, hashes[i]!);
  return leaves;
}

export function setLeaf({ nodes }: Leaves, i: number, hash: Uint8Array): void {
  assert(hash.length === 32, 'a merkle leaf is 32 bytes');
  nodes.set(hash, 32 * i);
}

/** As `merkleRoot`, in pieces of about `pace` bytes hashed. The leaves are gone afterwards. */
export function* merkleRootSteps(
  { nodes, count }: Leaves,
  pace: Pace,
  pairs: HashPairs = hashPairs,
): Steps<MerkleRoot> {
  let mutated = false;
  for (let n = count; n > 1; ) {
    mutated ||= hasEqualPair(nodes, n);
    n = yield* levelSteps(nodes, n, pace, pairs);
  }
  return { root: count === 0 ? new Uint8Array(32) : nodes.slice(0, 32), mutated };
}

/** The hashes beside the first one's way up to the root, bottom up, whatever the first one is. The leaves are gone afterwards. */
export function* merkleBranchSteps(
  { nodes, count }: Leaves,
  pace: Pace,
  pairs: HashPairs = hashPairs,
): Steps<Uint8Array[]> {
  const branch: Uint8Array[] = [];
  for (let n = count; n > 1; ) {
    branch.push(nodes.slice(32, 64));
    n = yield* levelSteps(nodes, n, pace, pairs);
  }
  return branch;
}

/** Hashes `n` nodes to half as many, the last one paired with itself if it is alone; answers how many there are. */
function* levelSteps(nodes: Uint8Array, n: number, pace: Pace, pairs: HashPairs): Steps<number> {
  if (n % 2 === 1) nodes.copyWithin(32 * n, 32 * (n - 1), 32 * n);
  const parents = Math.ceil(n / 2);
  for (let done = 0; done < parents; ) {
    const some = Math.min(PAIRS_AT_ONCE, parents - done);
    pairs(nodes, done, some);
    done += some;
    if (pace.due(64 * some)) yield;
  }
  return parents;
}

function hasEqualPair(nodes: Uint8Array, n: number): boolean {
  for (let at = 0; at + 32 < 32 * n; at += 64) {
    let same = 0;
    while (same < 32 && nodes[at + same] === nodes[at + 32 + same]) same++;
    if (same === 32) return true;
  }
  return false;
}

/** The root over wtxids with the coinbase's counted as zero (BIP141), since it cannot contain itself. */
export function witnessRoot(txs: readonly { readonly wtxid: Uint8Array }[]): Uint8Array {
  return finish(witnessRootSteps(leavesOf(txs.map((tx) => tx.wtxid)), noPace()));
}

/** The same in pieces. The leaves, the coinbase's among them, are gone afterwards. */
export function* witnessRootSteps(
  wtxids: Leaves,
  pace: Pace,
  pairs: HashPairs = hashPairs,
): Steps<Uint8Array> {
  wtxids.nodes.fill(0, 0, 32);
  return (yield* merkleRootSteps(wtxids, pace, pairs)).root;
}

/** What the coinbase commits to: SHA-256d(witness root ‖ the 32-byte witness nonce) (BIP141). */
export function commitmentOf(root: Uint8Array, nonce: Uint8Array): Uint8Array {
  return sha256d(concat(root, nonce));
}
