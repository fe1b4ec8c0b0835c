import { type Block, makeBlock } from '../../bitcoin/block.ts';
import { Writer } from '../../bitcoin/codec.ts';
import {
  buildCoinbase,
  COMMITMENT_SIZE,
  headerWith,
  witnessCommitment,
  witnessCommitmentSteps,
} from '../../bitcoin/coinbase.ts';
import { sha256d } from '../../bitcoin/hash.ts';
import { encodeHeader, HEADER_SIZE, type Header } from '../../bitcoin/header.ts';
import { type HashPairs, leavesOf, merkleBranchSteps } from '../../bitcoin/merkle.ts';
import { compactToTarget } from '../../bitcoin/target.ts';
import type { Tx } from '../../bitcoin/tx.ts';
import type { Chain } from '../../consensus/chain/chain.ts';
import { subsidyAt } from '../../consensus/params/params.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { coinbaseScript } from '../../consensus/validate/tag.ts';
import { assert } from '../../util/assert.ts';
import { concat, writeU32LE } from '../../util/bytes.ts';
import { finish, noPace, type Pace, type Steps } from '../../util/steps.ts';
import type { Mempool, PoolEntry } from '../mempool/mempool.ts';
import { selectSteps } from './select.ts';

/** The coinbase's place in the merkle tree: its branch does not depend on it. */
const COINBASE_LEAF = new Uint8Array(32);
/** The commitment of a block without any other transaction. */
const ALONE = witnessCommitment([]);
const TIME_AT = 68;
const NONCE_AT = 76;

export interface TemplateOptions {
  readonly chain: Chain;
  readonly mempool: Mempool;
  /** The script that is paid. */
  readonly payout: Uint8Array;
  /** Who mines, as consensus/validate/tag.ts allows it; '' leaves it away. */
  readonly tag: string;
  /** Seconds since 1970. */
  readonly wallS: number;
  /** Safe integer ≥ 0; another one makes another block of the same transactions. */
  readonly extraNonce: number;
  /** Weight of the whole block, header and coinbase included. */
  readonly maxWeight: number;
  /** Only these pool members (and only where their ancestors are among them); undefined: what pays best. */
  readonly txids?: readonly Uint8Array[];
  readonly pairs?: HashPairs | undefined;
}

/** A whole block but for its nonce. */
export interface Template {
  readonly prev: BlockEntry;
  readonly height: number;
  readonly bits: number;
  readonly target: bigint;
  readonly time: number;
  readonly extraNonce: number;
  readonly fees: number;
  /** Weight of the transactions without the coinbase. */
  readonly txsWeight: number;
  /** Without the coinbase. */
  readonly txs: readonly Tx[];
  readonly coinbase: Tx;
  /** 80 bytes with nonce 0. */
  readonly header: Uint8Array;
  /** The block's bytes. */
  bytes(nonce: number, time?: number): Uint8Array;
  /** The block, of the transactions as the pool has parsed them. */
  block(nonce: number): Block;
  /** The same block with another extra nonce, at this time (never before what the rules ask): one coinbase and log n hashes. */
  reroll(extraNonce: number, wallS?: number): Template;
}

/** What stays the same while nonce, extra nonce and time are tried. */
interface Body {
  readonly prev: BlockEntry;
  readonly height: number;
  readonly bits: number;
  readonly target: bigint;
  readonly leastTime: number;
  readonly fees: number;
  readonly txsWeight: number;
  readonly txs: readonly Tx[];
  /** Beside the coinbase's way up the merkle tree, whatever the coinbase is. */
  readonly branch: readonly Uint8Array[];
  readonly coinbaseWeight: () => number;
  readonly coinbase: (extraNonce: number) => Tx;
}

/** Core: BlockAssembler::CreateNewBlock. */
export function buildTemplate(o: TemplateOptions): Template {
  return finish(templateSteps(o, noPace()));
}

/** The same in pieces of about `pace` bytes hashed. Worth nothing if the tip changes or a pool member leaves meanwhile. */
export function* templateSteps(o: TemplateOptions, pace: Pace): Steps<Template> {
  const prev = o.chain.tip;
  const height = prev.height + 1;
  const { params } = o.chain;
  const bits = o.chain.nextBits(prev);
  const ownWeight = () => coinbaseWeight(height, o.tag, o.payout);
  const budget = o.maxWeight - 4 * (HEADER_SIZE + 5);
  const chosen =
    o.mempool.size === 0
      ? []
      : yield* selectSteps(o.mempool.entries(), budget - ownWeight(), pace, allowedBy(o));
  const txs = chosen.map((entry) => entry.tx);
  let fees = 0;
  let txsWeight = 0;
  for (const entry of chosen) {
    fees += entry.fee;
    txsWeight += entry.tx.weight;
  }
  // Always there, as with Core on regtest: a block without witnesses may commit too.
  const commitment = txs.length === 0 ? ALONE : yield* witnessCommitmentSteps(txs, pace, o.pairs);
  const value = subsidyAt(height, params) + fees;
  const body: Body = {
    prev,
    height,
    bits,
    target: compactToTarget(bits).target,
    leastTime: o.chain.nextTimes(prev).earliest,
    fees,
    txsWeight,
    txs,
    branch:
      txs.length === 0
        ? []
        : yield* merkleBranchSteps(leavesOf([COINBASE_LEAF, ...txs.map((tx) => tx.txid)]), pace, o.pairs),
    coinbaseWeight: ownWeight,
    coinbase: (extraNonce) => coinbaseOf(height, extraNonce, o.tag, o.payout, value, commitment),
  };
  return new WholeTemplate(body, o.extraNonce, o.wallS);
}

function allowedBy(o: TemplateOptions): ((entry: PoolEntry) => boolean) | undefined {
  if (o.txids === undefined) return undefined;
  const wanted = new Set<PoolEntry>();
  for (const txid of o.txids) {
    const entry = o.mempool.get(txid);
    if (entry !== undefined) wanted.add(entry);
  }
  return (entry) =>
    wanted.has(entry) && o.mempool.ancestorsOf(entry).every((ancestor) => wanted.has(ancestor));
}

/** Of `coinbaseOf`, whatever its values: what is left of a block's weight depends on it before they are known. */
function coinbaseWeight(height: number, tag: string, payout: Uint8Array): number {
  const script = coinbaseScript(height, 0, tag).length;
  // Version, input count, outpoint, script, sequence; output count, payout, commitment; lock time.
  const stripped =
    4 + 1 + 36 + (1 + script) + 4 + 1 + (8 + 1 + payout.length) + (8 + 1 + COMMITMENT_SIZE) + 4;
  // Marker and flag, and one witness item of 32 bytes.
  return 4 * stripped + 2 + 2 + 32;
}

function coinbaseOf(
  height: number,
  extraNonce: number,
  tag: string,
  payout: Uint8Array,
  value: number,
  commitment: Uint8Array,
): Tx {
  assert(Number.isSafeInteger(extraNonce) && extraNonce >= 0, 'an extra nonce is a safe integer');
  const script = coinbaseScript(height, extraNonce, tag);
  return buildCoinbase({ script, outputs: [{ value, script: payout }], commitment });
}

/**
 * What is hashed is made when somebody asks: most jobs of a simulated miner are over before anybody hashes them. A class,
 * since the engine gives every literal with a getter a hidden class of its own, which only a full collection frees.
 */
class WholeTemplate implements Template {
  readonly prev: BlockEntry;
  readonly height: number;
  readonly bits: number;
  readonly target: bigint;
  readonly time: number;
  readonly extraNonce: number;
  readonly fees: number;
  readonly txsWeight: number;
  readonly txs: readonly Tx[];
  readonly #body: Body;
  #made: Made | undefined;

  constructor(body: Body, extraNonce: number, wallS: number) {
    this.prev = body.prev;
    this.height = body.height;
    this.bits = body.bits;
    this.target = body.target;
    this.time = Math.max(wallS, body.leastTime);
    this.extraNonce = extraNonce;
    this.fees = body.fees;
    this.txsWeight = body.txsWeight;
    this.txs = body.txs;
    this.#body = body;
  }

  get #parts(): Made {
    this.#made ??= partsOf(this.#body, this.extraNonce, this.time);
    return this.#made;
  }

  get coinbase(): Tx {
    return this.#parts.coinbase;
  }

  get header(): Uint8Array {
    return this.#parts.header;
  }

  bytes(nonce: number, time = this.time): Uint8Array {
    const count = new Writer(9).compactSize(this.txs.length + 1).finish();
    const block = concat(this.header, count, this.coinbase.bytes, ...this.txs.map((tx) => tx.bytes));
    writeU32LE(block, TIME_AT, time);
    writeU32LE(block, NONCE_AT, nonce);
    return block;
  }

  block(nonce: number): Block {
    return makeBlock({ ...this.#parts.fields, nonce }, [this.coinbase, ...this.txs]);
  }

  reroll(extraNonce: number, wallS = this.time): Template {
    return new WholeTemplate(this.#body, extraNonce, wallS);
  }
}

interface Made {
  readonly coinbase: Tx;
  readonly fields: Header;
  readonly header: Uint8Array;
}

function partsOf(body: Body, extraNonce: number, time: number): Made {
  const coinbase = body.coinbase(extraNonce);
  assert(coinbase.weight === body.coinbaseWeight(), 'a coinbase weighs what was set aside for it');
  let root = coinbase.txid;
  for (const sibling of body.branch) root = sha256d(concat(root, sibling));
  const fields = headerWith(root, { prev: body.prev.hash, time, bits: body.bits });
  return { coinbase, fields, header: encodeHeader(fields) };
}
