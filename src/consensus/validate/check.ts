import { type Block, decodeBlock, decodeBlockSteps, makeBlock } from '../../bitcoin/block.ts';
import { COMMITMENT_HEAD, COMMITMENT_SIZE, commitmentScriptIn } from '../../bitcoin/coinbase.ts';
import { decodeHeader, encodeHeader, HEADER_SIZE, type Header, headerHash } from '../../bitcoin/header.ts';
import { parseLock } from '../../bitcoin/lock.ts';
import {
  commitmentOf,
  emptyLeaves,
  type HashPairs,
  type Leaves,
  merkleRootSteps,
  setLeaf,
  witnessRootSteps,
} from '../../bitcoin/merkle.ts';
import { compactToTarget, meets } from '../../bitcoin/target.ts';
import { isCoinbase, isNullOutPoint, MAX_MONEY, makeTx, outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import { equal, idOf } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { finish, noPace, Pace, type Steps } from '../../util/steps.ts';
import type { Params } from '../params/params.ts';
import { type Checked, type Refusal, refuse } from '../params/rules.ts';

/** First rung: what the bytes alone tell. Nothing here knows a parent, a clock or a coin. */

declare const brand: unique symbol;
/** A block that passed `checkBlock`; skipping the rung is a type error. */
export type SaneBlock = Block & { readonly [brand]: 'block' };
/** A transaction that passed `checkTx`, or stands in such a block. */
export type SaneTx = Tx & { readonly [brand]: 'tx' };

/** BIP141; the wire size never exceeds the weight, so it bounds the bytes of a block too. Core: MAX_BLOCK_WEIGHT. */
const MAX_BLOCK_WEIGHT = 4_000_000;
const WITNESS_SCALE = 4;
/** As long as two hashes: a leaf of this size could be shown as an inner node of the merkle tree, and the reverse. */
const NODE_SIZE = 64;

/**
 * Judges the bytes of a block. The order matters: a header commits to txids and, through the coinbase, to witnesses,
 * but not to the bytes that somebody sends. Until the body is proven to be the committed one (encoding, merkle root,
 * no duplicated pair, no 64-byte transaction, a coinbase in front, witness commitment) every failure is the sender's.
 */
export function checkBlock(bytes: Uint8Array, params: Pick<Params, 'powLimit'>): Checked<SaneBlock> {
  return finish(checkBlockSteps(bytes, params, noPace()));
}

/** The same in pieces of about `pace` bytes read or hashed, so that a full block needs no long step. */
function* checkBlockSteps(
  bytes: Uint8Array,
  params: Pick<Params, 'powLimit'>,
  pace: Pace,
  pairs?: HashPairs,
): Steps<Checked<SaneBlock>> {
  if (bytes.length > MAX_BLOCK_WEIGHT) return refuse('bad-blk-length', `${bytes.length} bytes`);
  const decoded = yield* decodeSteps(bytes, pace);
  if (!decoded.ok) return decoded;
  return yield* checkAssembledSteps({ block: decoded.value }, params, pace, pairs);
}

/** The same for a block whose work is still to be done. Core: CheckBlock without fCheckPOW. */
export function* checkProposalSteps(
  bytes: Uint8Array,
  pace: Pace,
  pairs?: HashPairs,
): Steps<Checked<SaneBlock>> {
  if (bytes.length > MAX_BLOCK_WEIGHT) return refuse('bad-blk-length', `${bytes.length} bytes`);
  const decoded = yield* decodeSteps(bytes, pace);
  if (!decoded.ok) return decoded;
  return yield* checkBodySteps({ block: decoded.value }, pace, pairs);
}

function* decodeSteps(bytes: Uint8Array, pace: Pace): Steps<Checked<Block>> {
  const decoded = yield* decodeBlockSteps(bytes, pace);
  if (decoded.ok) return decoded;
  return refuse('bad-encoding', `block: ${decoded.error.what} at byte ${decoded.error.at}`);
}

/** A block of transactions that were parsed before. */
export interface Assembled {
  readonly block: Block;
  /** Their ids side by side, if whoever put them together has them so: 32 bytes each, in the block's order. */
  readonly ids?: { readonly txid: Uint8Array; readonly wtxid: Uint8Array };
}

/** A block as it comes to be judged. */
export type BlockSource = Uint8Array | Assembled;

export function bytesOf(source: BlockSource): Uint8Array {
  return source instanceof Uint8Array ? source : source.block.bytes;
}

/** Length of its bytes. */
export function sizeOf(source: BlockSource): number {
  return source instanceof Uint8Array ? source.length : source.block.size;
}

/** The 80 bytes of its header; fewer, if there are no more. */
export function headOf(source: BlockSource): Uint8Array {
  return source instanceof Uint8Array ? source.subarray(0, HEADER_SIZE) : encodeHeader(source.block.header);
}

/** All but the encoding: for a block that was put together from parsed transactions, whose bytes are ours. */
function* checkAssembledSteps(
  assembled: Assembled,
  params: Pick<Params, 'powLimit'>,
  pace: Pace,
  pairs?: HashPairs,
): Steps<Checked<SaneBlock>> {
  const { block } = assembled;
  if (block.size > MAX_BLOCK_WEIGHT) return refuse('bad-blk-length', `${block.size} bytes`);
  const work = proofOfWorkFault(block.header, block.hash, params);
  if (work !== undefined) return { ok: false, error: work };
  return yield* checkBodySteps(assembled, pace, pairs);
}

function* checkBodySteps(assembled: Assembled, pace: Pace, pairs?: HashPairs): Steps<Checked<SaneBlock>> {
  const { block } = assembled;
  const refusal = (yield* mutationFault(assembled, pace, pairs)) ?? (yield* contentFault(block, pace));
  return refusal === undefined ? ok(block as SaneBlock) : { ok: false, error: refusal };
}

/**
 * What a node needs to know of a block that depends on nothing but its bytes (and the network's easiest target). An
 * interface, so that many nodes in one process can share the answers: a simulated network reads each block once.
 */
export interface BlockReading {
  /** The first 80 of at least 80 bytes. */
  header(bytes: Uint8Array): { readonly header: Header; readonly hash: Uint8Array };
  /** As `checkBlock`, or `checkAssembledSteps` for a block of our own, in pieces of about so many bytes. */
  check(source: BlockSource, params: Pick<Params, 'powLimit'>, piece: number): Steps<Checked<SaneBlock>>;
}

/** Reads anew each time; `pairs`: how merkle trees are hashed. */
export function plainReading(pairs?: HashPairs): BlockReading {
  return {
    header(bytes) {
      const head = bytes.subarray(0, HEADER_SIZE);
      const header = decodeHeader(head);
      assert(header.ok, 'any 80 bytes are a header');
      return { header: header.value, hash: headerHash(head) };
    },
    check: (source, params, piece) =>
      source instanceof Uint8Array
        ? checkBlockSteps(source, params, new Pace(piece), pairs)
        : checkAssembledSteps(source, params, new Pace(piece), pairs),
  };
}

/** A block from our own disk: it passed before it was written. */
export function trustStored(block: Block): SaneBlock {
  return block as SaneBlock;
}

/**
 * Judges one loose transaction. A coinbase is refused here: it belongs in a block. One of 64 bytes is not: where a whole
 * block is checked it is found, and a mempool takes none so small.
 */
export function checkTx(tx: Tx): Checked<SaneTx> {
  if (isCoinbase(tx)) return refuse('coinbase', 'a coinbase cannot travel alone');
  const refusal = txFault(tx);
  if (refusal !== undefined) return { ok: false, error: refusal };
  tx.sane = true;
  return ok(tx as SaneTx);
}

function no(rule: Refusal['rule'], detail: string): Refusal {
  return { rule, detail };
}

/** The header's target is one that the network may have, and its work is done. Core: CheckBlockHeader. */
export function proofOfWorkFault(
  header: Pick<Header, 'bits'>,
  hash: Uint8Array,
  params: Pick<Params, 'powLimit'>,
): Refusal | undefined {
  const { target, negative, overflow } = compactToTarget(header.bits);
  if (negative || overflow || target === 0n || target > params.powLimit) {
    return no('high-hash', `bits ${hexBits(header.bits)} are no target of this network`);
  }
  if (!meets(hash, target))
    return no('high-hash', `proof of work failed: ${idOf(hash)} at ${hexBits(header.bits)}`);
  return undefined;
}

export function hexBits(bits: number): string {
  return bits.toString(16).padStart(8, '0');
}

/** Is this body the one that the header commits to? Core: IsBlockMutated, CheckMerkleRoot, CheckWitnessMalleation. */
function* mutationFault(assembled: Assembled, pace: Pace, pairs?: HashPairs): Steps<Refusal | undefined> {
  const { txs, header } = assembled.block;
  const [first] = txs;
  if (first === undefined) return no('bad-blk-length', 'no transactions');
  const txids = yield* leavesSteps(assembled, 'txid', pace);
  const { root, mutated } = yield* merkleRootSteps(txids, pace, pairs);
  for (let i = 0; i < root.length; i++) {
    if (root[i] !== header.merkleRoot[i]) {
      return no('bad-txnmrklroot', `merkle root is ${idOf(root)}, header says ${idOf(header.merkleRoot)}`);
    }
  }
  if (mutated) return no('bad-txns-duplicate', 'two neighbours in the merkle tree are equal');
  for (let i = 0; i < txs.length; i++) {
    if (txs[i]!.strippedSize === NODE_SIZE) return no('bad-txns-64-bytes', `transaction ${txs[i]!.id}`);
  }
  if (!isCoinbase(first)) return no('bad-cb-missing', 'first transaction is not a coinbase');
  return yield* commitmentFault(assembled, pace, pairs);
}

/** What it costs to hash a payment's id, in bytes. */
const ID_WORK = 200;

/** The leaves of one of the two trees. An id that nobody has asked for yet is hashed here. */
function* leavesSteps({ block: { txs }, ids }: Assembled, kind: 'txid' | 'wtxid', pace: Pace): Steps<Leaves> {
  const leaves = emptyLeaves(txs.length);
  if (ids !== undefined) {
    leaves.nodes.set(ids[kind]);
    return leaves;
  }
  for (let i = 0; i < txs.length; i++) {
    const tx = txs[i]!;
    setLeaf(leaves, i, tx[kind]);
    if (pace.due(tx.sane ? 0 : ID_WORK)) yield;
  }
  return leaves;
}

/** The commitment that the coinbase carries, 32 bytes. */
function committed(coinbase: Tx): Uint8Array | undefined {
  return commitmentScriptIn(coinbase)?.subarray(COMMITMENT_HEAD.length, COMMITMENT_SIZE);
}

/**
 * The block with a witness in its coinbase, where the miner left it out and committed to witnesses: one item of 32 zero
 * bytes, as the template's commitment supposes. Otherwise the block as it is. Core: UpdateUncommittedBlockStructures.
 */
export function withCoinbaseWitness(block: Block): Block {
  const [coinbase, ...rest] = block.txs;
  const [first, ...more] = coinbase?.inputs ?? [];
  if (coinbase === undefined || first === undefined || coinbase.hasWitness) return block;
  if (committed(coinbase) === undefined) return block;
  const inputs = [{ ...first, witness: [new Uint8Array(32)] }, ...more];
  return makeBlock(block.header, [makeTx({ ...coinbase, inputs }), ...rest]);
}

/** BIP141, "Commitment structure". Judged whether or not any transaction has a witness, as Core does. */
function* commitmentFault(assembled: Assembled, pace: Pace, pairs?: HashPairs): Steps<Refusal | undefined> {
  const { txs } = assembled.block;
  const coinbase = txs[0]!;
  const expected = committed(coinbase);
  if (expected === undefined) {
    for (const tx of txs) {
      if (tx.hasWitness)
        return no('unexpected-witness', `transaction ${tx.id} has a witness, nothing commits to it`);
    }
    return undefined;
  }
  const [nonce, ...more] = coinbase.inputs[0]!.witness;
  if (nonce?.length !== 32 || more.length > 0) {
    return no('bad-witness-nonce-size', 'the coinbase witness is not one item of 32 bytes');
  }
  const wtxids = yield* leavesSteps(assembled, 'wtxid', pace);
  const actual = commitmentOf(yield* witnessRootSteps(wtxids, pace, pairs), nonce);
  for (let i = 0; i < actual.length; i++) {
    if (actual[i] !== expected[i]) return no('bad-witness-merkle-match', 'witness commitment does not match');
  }
  return undefined;
}

/** The proven body's own faults: from here on they condemn. Core: CheckBlock, and the weight of ContextualCheckBlock. */
function* contentFault(block: Block, pace: Pace): Steps<Refusal | undefined> {
  const { txs } = block;
  if (block.strippedSize * WITNESS_SCALE > MAX_BLOCK_WEIGHT || block.weight > MAX_BLOCK_WEIGHT) {
    return no('bad-blk-weight', `weight ${block.weight}, stripped size ${block.strippedSize}`);
  }
  for (let i = 1; i < txs.length; i++) {
    // One that passed by itself is none.
    if (!txs[i]!.sane && isCoinbase(txs[i]!))
      return no('bad-cb-multiple', `transaction ${i} is a second coinbase`);
  }
  const length = txs[0]!.inputs[0]!.script.length;
  if (length < 2 || length > 100) return no('bad-cb-length', `coinbase scriptSig has ${length} bytes`);
  for (let i = 0; i < txs.length; i++) {
    // The rules of one are the same in a block, and a parsed one never changes.
    if (txs[i]!.sane) continue;
    const refusal = i === 0 ? outputsFault(txs[0]!) : txFault(txs[i]!);
    if (refusal !== undefined) return refusal;
    if (pace.due(OUTPUT_WORK * (txs[i]!.inputs.length + txs[i]!.outputs.length))) yield;
  }
  return undefined;
}

/** What it costs to look at one input or output, in bytes hashed. */
const OUTPUT_WORK = 16;

function outputsFault(tx: Tx): Refusal | undefined {
  const { outputs } = tx;
  if (outputs.length === 0) return no('bad-txns-vout-empty', `transaction ${tx.id}`);
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) {
    const { value, script } = outputs[i]!;
    // Each value is within range by the codec, so the sum stays an exact integer until it is refused.
    sum += value;
    if (sum > MAX_MONEY) return no('bad-txns-txouttotal-toolarge', `transaction ${tx.id}`);
    if (parseLock(script) === undefined) {
      return no(
        'scriptpubkey',
        `output ${i} of ${tx.id} is locked by neither P2WPKH, P2TR nor a data OP_RETURN`,
      );
    }
  }
  return undefined;
}

/** A transaction that is no coinbase. Core: CheckTransaction. */
function txFault(tx: Tx): Refusal | undefined {
  const { inputs } = tx;
  if (inputs.length === 0) return no('bad-txns-vin-empty', `transaction ${tx.id}`);
  const outputs = outputsFault(tx);
  if (outputs !== undefined) return outputs;
  const seen = inputs.length > 1 ? new Set<string>() : undefined;
  for (const { prevout } of inputs) {
    if (isNullOutPoint(prevout)) return no('bad-txns-prevout-null', `transaction ${tx.id}`);
    if (seen === undefined) continue;
    const key = outpointKey(prevout);
    if (seen.has(key)) {
      return no('bad-txns-inputs-duplicate', `${tx.id} spends ${idOf(prevout.txid)}:${prevout.index} twice`);
    }
    seen.add(key);
  }
  return undefined;
}

/** A stored body under the hash of its key: the block, or why it cannot be the one that its header commits to. */
export function storedBody(
  hash: Uint8Array,
  bytes: Uint8Array,
  params: Pick<Params, 'genesis' | 'genesisHash' | 'powLimit'>,
): Result<SaneBlock, string> {
  if (equal(hash, params.genesisHash)) {
    const block = equal(bytes, params.genesis.bytes) ? decodeBlock(bytes) : undefined;
    return block?.ok === true ? ok(trustStored(block.value)) : err('it is not the genesis block');
  }
  const checked = checkBlock(bytes, params);
  if (!checked.ok) return err(`${checked.error.rule} (${checked.error.detail})`);
  return equal(checked.value.hash, hash) ? ok(checked.value) : err('it is another block');
}
