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
  return finish(merkleRootSteps(hashes, noPace()));
}

/** The same in pieces of about `pace` bytes hashed. */
export function* merkleRootSteps(
  hashes: readonly Uint8Array[],
  pace: Pace,
  pairs: HashPairs = hashPairs,
): Steps<MerkleRoot> {
  const nodes = leaves(hashes);
  let mutated = false;
  for (let n = hashes.length; n > 1; ) {
    for (let i = 0; i + 1 < n && !mutated; i += 2) mutated = equalNodes(nodes, i, i + 1);
    n = yield* levelSteps(nodes, n, pace, pairs);
  }
  return { root: hashes.length === 0 ? new Uint8Array(32) : nodes.slice(0, 32), mutated };
}

/** The hashes beside the first one's way up to the root, bottom up, whatever the first one is. */
export function* merkleBranchSteps(
  hashes: readonly Uint8Array[],
  pace: Pace,
  pairs: HashPairs = hashPairs,
): Steps<Uint8Array[]> {
  const nodes = leaves(hashes);
  const branch: Uint8Array[] = [];
  for (let n = hashes.length; n > 1; ) {
    branch.push(nodes.slice(32, 64));
    n = yield* levelSteps(nodes, n, pace, pairs);
  }
  return branch;
}

function leaves(hashes: readonly Uint8Array[]): Uint8Array {
  const n = hashes.length;
  const nodes = new Uint8Array(32 * (n + (n % 2)));
  for (let i = 0; i < n; i++) {
    const hash = hashes[i]!;
    assert(hash.length === 32, 'a merkle leaf is 32 bytes');
    nodes.set(hash, 32 * i);
  }
  return nodes;
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

function equalNodes(nodes: Uint8Array, i: number, j: number): boolean {
  for (let k = 0; k < 32; k++) if (nodes[32 * i + k] !== nodes[32 * j + k]) return false;
  return true;
}

/** The root over wtxids with the coinbase's counted as zero (BIP141), since it cannot contain itself. */
export function witnessRoot(txs: readonly { readonly wtxid: Uint8Array }[]): Uint8Array {
  return finish(witnessRootSteps(txs, noPace()));
}

/** The same in pieces. */
export function* witnessRootSteps(
  txs: readonly { readonly wtxid: Uint8Array }[],
  pace: Pace,
  pairs: HashPairs = hashPairs,
): Steps<Uint8Array> {
  const wtxids: Uint8Array[] = [];
  for (const tx of txs) {
    wtxids.push(wtxids.length === 0 ? new Uint8Array(32) : tx.wtxid);
    // An id may have to be hashed first: about as much as a payment's bytes.
    if (pace.due(ID_WORK)) yield;
  }
  return (yield* merkleRootSteps(wtxids, pace, pairs)).root;
}

/** What it costs to hash a payment's id, in bytes. */
export const ID_WORK = 200;

/** What the coinbase commits to: SHA-256d(witness root ‖ the 32-byte witness nonce) (BIP141). */
export function commitmentOf(root: Uint8Array, nonce: Uint8Array): Uint8Array {
  return sha256d(concat(root, nonce));
}
