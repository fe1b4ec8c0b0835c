import { concat } from '../util/bytes.ts';
import type { Pace, Steps } from '../util/steps.ts';
import type { Header } from './header.ts';
import {
  commitmentOf,
  type HashPairs,
  leavesOf,
  merkleRoot,
  witnessRoot,
  witnessRootSteps,
} from './merkle.ts';
import { makeTx, type Tx, type TxOut } from './tx.ts';

/** The parts of a new block: the coinbase, its witness commitment (BIP141) and the header over the transactions. */

/** Version bits with none set (BIP9); Core's default. As int32 it is above 4. */
const BLOCK_VERSION = 0x2000_0000;

/** A witness commitment output starts with OP_RETURN, a push of 36 bytes and aa21a9ed (BIP141). */
export const COMMITMENT_HEAD = Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed);
/** The head and the commitment's 32 bytes. */
export const COMMITMENT_SIZE = COMMITMENT_HEAD.length + 32;

/** BIP141's "witness reserved value": the one item of a coinbase's witness. No consensus rule reads its bytes. */
const RESERVED_VALUE = new Uint8Array(32);
/** The coinbase's wtxid counts as zero in the commitment (BIP141), since it cannot contain itself. */
const COINBASE_LEAF = new Uint8Array(32);

/**
 * The commitment to `txs`, the block's transactions without the coinbase, with a reserved value of 32 zero bytes: 32
 * bytes, as they stand in the output. Core: GenerateCoinbaseCommitment.
 */
export function witnessCommitment(txs: readonly Tx[]): Uint8Array {
  return commitmentOf(witnessRoot([{ wtxid: COINBASE_LEAF }, ...txs]), RESERVED_VALUE);
}

/** The same in pieces of about `pace` bytes hashed. */
export function* witnessCommitmentSteps(
  txs: readonly Tx[],
  pace: Pace,
  pairs?: HashPairs,
): Steps<Uint8Array> {
  const leaves = leavesOf([COINBASE_LEAF, ...txs.map((tx) => tx.wtxid)]);
  return commitmentOf(yield* witnessRootSteps(leaves, pace, pairs), RESERVED_VALUE);
}

/** The script of the last output that starts as a witness commitment, at least 38 bytes. Core: GetWitnessCommitmentIndex. */
export function commitmentScriptIn(coinbase: Tx): Uint8Array | undefined {
  for (let i = coinbase.outputs.length - 1; i >= 0; i--) {
    const { script } = coinbase.outputs[i]!;
    if (script.length >= COMMITMENT_SIZE && COMMITMENT_HEAD.every((byte, at) => script[at] === byte))
      return script;
  }
  return undefined;
}

export interface CoinbaseParts {
  /** scriptSig, 2 to 100 bytes. From height 1 on it starts with the height (BIP34: `coinbaseHeightPrefix`). */
  readonly script: Uint8Array;
  /** All outputs but the commitment's; values in satoshi. */
  readonly outputs: readonly TxOut[];
  /** From `witnessCommitment`. Undefined: no commitment output, hence no witness either. */
  readonly commitment: Uint8Array | undefined;
}

/** One null input, the outputs, and last the commitment's output. */
export function buildCoinbase({ script, outputs, commitment }: CoinbaseParts): Tx {
  const input = {
    prevout: { txid: new Uint8Array(32), index: 0xffff_ffff },
    script,
    sequence: 0xffff_ffff,
    witness: commitment === undefined ? [] : [RESERVED_VALUE],
  };
  const committing =
    commitment === undefined ? [] : [{ value: 0, script: concat(COMMITMENT_HEAD, commitment) }];
  return makeTx({ version: 2, inputs: [input], outputs: [...outputs, ...committing], lockTime: 0 });
}

export interface HeaderParts {
  readonly version?: number | undefined;
  /** Hash of the parent, internal byte order. */
  readonly prev: Uint8Array;
  /** Seconds since 1970. */
  readonly time: number;
  /** The target in compact form (nBits). */
  readonly bits: number;
}

/** A header with nonce 0 over these transactions, the coinbase first. */
export function headerOver(txs: readonly Tx[], parts: HeaderParts): Header {
  return headerWith(merkleRoot(txs.map((tx) => tx.txid)).root, parts);
}

/** A header with nonce 0 and this merkle root, internal byte order. */
export function headerWith(root: Uint8Array, { version, prev, time, bits }: HeaderParts): Header {
  return { version: version ?? BLOCK_VERSION, prev, merkleRoot: root, time, bits, nonce: 0 };
}
