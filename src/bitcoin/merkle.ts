import { assert } from '../util/assert.ts';
import { concat } from '../util/bytes.ts';
import { finish, noPace, type Pace, type Steps } from '../util/steps.ts';
import { sha256d, sha256dTo } from './hash.ts';

export interface MerkleRoot {
  readonly root: Uint8Array;
  readonly mutated: boolean;
}

/**
 * The merkle root of 32-byte hashes; all zero for none. A level with an odd count pairs its last hash with itself,
 * so some longer lists have the same root (CVE-2012-2459): `mutated` tells that some level has two equal neighbours,
 * which no honest list has. Core: `ComputeMerkleRoot`.
 */
export function merkleRoot(hashes: readonly Uint8Array[]): MerkleRoot {
  return finish(merkleRootSteps(hashes, noPace()));
}

/** The same in pieces of about `pace` bytes hashed. */
export function* merkleRootSteps(hashes: readonly Uint8Array[], pace: Pace): Steps<MerkleRoot> {
  let n = hashes.length;
  const nodes = new Uint8Array(32 * (n + (n % 2)));
  for (let i = 0; i < n; i++) {
    assert(hashes[i]!.length === 32, 'a merkle leaf is 32 bytes');
    nodes.set(hashes[i]!, 32 * i);
  }
  let mutated = false;
  while (n > 1) {
    for (let i = 0; i + 1 < n && !mutated; i += 2) mutated = equalNodes(nodes, i, i + 1);
    if (n % 2 === 1) {
      nodes.copyWithin(32 * n, 32 * (n - 1), 32 * n);
      n++;
    }
    n /= 2;
    for (let i = 0; i < n; i++) {
      sha256dTo(nodes, 64 * i, 64 * i + 64, nodes, 32 * i);
      if (pace.due(64)) yield;
    }
  }
  return { root: hashes.length === 0 ? new Uint8Array(32) : nodes.slice(0, 32), mutated };
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
): Steps<Uint8Array> {
  const leaves: Uint8Array[] = [];
  for (const tx of txs) {
    leaves.push(leaves.length === 0 ? new Uint8Array(32) : tx.wtxid);
    // An id may have to be hashed first: about as much as a payment's bytes.
    if (pace.due(ID_WORK)) yield;
  }
  return (yield* merkleRootSteps(leaves, pace)).root;
}

/** What it costs to hash a payment's id, in bytes. */
export const ID_WORK = 200;

/** What the coinbase commits to: SHA-256d(witness root ‖ the 32-byte witness nonce) (BIP141). */
export function commitmentOf(root: Uint8Array, nonce: Uint8Array): Uint8Array {
  return sha256d(concat(root, nonce));
}
