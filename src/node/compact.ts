import { type Block, makeBlock } from '../bitcoin/block.ts';
import { compactSizeLength, type DecodeFault, decode, type Reader, Writer } from '../bitcoin/codec.ts';
import { sha256 } from '../bitcoin/hash.ts';
import { encodeHeader, HEADER_SIZE, type Header, headerHash, readHeader } from '../bitcoin/header.ts';
import { SipHash } from '../bitcoin/siphash.ts';
import { readTx, type Tx } from '../bitcoin/tx.ts';
import { assert } from '../util/assert.ts';
import { concat, equal, readU32LE } from '../util/bytes.ts';
import { err, type Result } from '../util/result.ts';
import type { Limits } from './limits.ts';

/**
 * A block announced by its header and six bytes for each transaction, in the manner of BIP152 version 2: whoever has
 * the transactions puts the block together without being sent them again. The form is BIP152's `HeaderAndShortIDs`
 * behind four zero bytes, which tell it from a whole block on the same gossip topic: no block has version 0.
 */
export interface Compact {
  readonly header: Header;
  readonly hash: Uint8Array;
  /** The 80 bytes of the header. */
  readonly head: Uint8Array;
  readonly nonce: Uint8Array;
  /** Of all transactions but the prefilled ones, in the block's order; 48 bits each. */
  readonly shortIds: readonly number[];
  /** Sent whole, by their place in the block, ascending: always the coinbase, which nobody can have. */
  readonly prefilled: readonly { readonly index: number; readonly tx: Tx }[];
}

const MARK = 4;
const NONCE_SIZE = 8;
const SHORT_SIZE = 6;
const TWO32 = 0x1_0000_0000;

/** Is this message of the block topic a compact announcement? */
export function isCompact(bytes: Uint8Array): boolean {
  return bytes.length >= MARK && readU32LE(bytes, 0) === 0;
}

/** The header's bytes in a message of the block topic, of either form; undefined when it is too short. */
export function announcedHeader(bytes: Uint8Array): Uint8Array | undefined {
  const from = isCompact(bytes) ? MARK : 0;
  return bytes.length < from + HEADER_SIZE ? undefined : bytes.subarray(from, from + HEADER_SIZE);
}

/** What the short ids of one announcement are made with: keyed by header and nonce (BIP152), so nobody can prepare them. */
export function shortIdHash(head: Uint8Array, nonce: Uint8Array): SipHash {
  return new SipHash(sha256(concat(head, nonce)).subarray(0, 16));
}

/** How long the announcement of such a block is, with only its coinbase prefilled. */
export function compactSize(block: Block): number {
  const ids = block.txs.length - 1;
  const coinbase = block.txs[0]!.bytes.length;
  return MARK + HEADER_SIZE + NONCE_SIZE + compactSizeLength(ids) + SHORT_SIZE * ids + 2 + coinbase;
}

/** `nonce` is 8 bytes of chance. */
export function encodeCompact(block: Block, nonce: Uint8Array): Uint8Array {
  assert(nonce.length === NONCE_SIZE, 'the nonce of a compact block is 8 bytes');
  const [coinbase, ...rest] = block.txs;
  assert(coinbase !== undefined, 'a block has a coinbase');
  const head = encodeHeader(block.header);
  const hasher = shortIdHash(head, nonce);
  const w = new Writer(compactSize(block)).u32(0).bytes(head).bytes(nonce).compactSize(rest.length);
  for (const tx of rest) {
    const id = hasher.short(tx.wtxid);
    w.u32(id % TWO32).u16(Math.floor(id / TWO32));
  }
  return w.compactSize(1).compactSize(0).bytes(coinbase.bytes).finish();
}

export function decodeCompact(bytes: Uint8Array, limits: Limits): Result<Compact, DecodeFault> {
  if (!isCompact(bytes)) return err({ what: 'no compact block', at: 0 });
  return decode(bytes.subarray(MARK), (reader) => readCompact(reader, limits));
}

function readCompact(reader: Reader, limits: Limits): Compact {
  const from = reader.at;
  const header = readHeader(reader);
  const head = reader.bytesAll.subarray(from, reader.at);
  const nonce = reader.bytes(NONCE_SIZE);
  const ids = reader.count(SHORT_SIZE);
  if (ids > limits.compactTxs) reader.fail('too many short ids');
  const shortIds: number[] = [];
  for (let i = 0; i < ids; i++) {
    const low = reader.u32();
    shortIds.push(low + reader.u16() * TWO32);
  }
  const whole = reader.count(1);
  if (whole + ids > limits.compactTxs) reader.fail('too many transactions');
  const prefilled: { index: number; tx: Tx }[] = [];
  let index = -1;
  for (let i = 0; i < whole; i++) {
    index += reader.compactSize() + 1;
    if (index >= whole + ids) reader.fail('a prefilled transaction behind the end');
    prefilled.push({ index, tx: readTx(reader) });
  }
  return { header, hash: headerHash(head), head, nonce, shortIds, prefilled };
}

/** A block on its way together: the transactions found so far, each at its place. */
export class Reconstruction {
  readonly compact: Compact;
  /** Two places have one id: only the whole block can tell. BIP152 lets honest announcements do that, rarely. */
  readonly ambiguous: boolean;
  readonly #shortOf: (wtxid: Uint8Array) => number;
  readonly #txs: (Tx | undefined)[];
  readonly #places = new Map<number, number>();
  /** Places that two different transactions claim: asked for. */
  readonly #clashed = new Set<number>();

  /** `shortOf`: for tests, which need collisions that 48 bits do not give. */
  constructor(compact: Compact, shortOf?: (wtxid: Uint8Array) => number) {
    this.compact = compact;
    const hasher = shortIdHash(compact.head, compact.nonce);
    this.#shortOf = shortOf ?? ((wtxid) => hasher.short(wtxid));
    this.#txs = new Array<Tx | undefined>(compact.shortIds.length + compact.prefilled.length).fill(undefined);
    for (const { index, tx } of compact.prefilled) this.#txs[index] = tx;
    const prefilled = new Set(compact.prefilled.map(({ index }) => index));
    let place = 0;
    for (const id of compact.shortIds) {
      while (prefilled.has(place)) place++;
      this.#places.set(id, place++);
    }
    this.ambiguous = this.#places.size < compact.shortIds.length;
  }

  /** A transaction that we have: it takes its place, if it has one. */
  offer(tx: Tx): void {
    const place = this.#places.get(this.#shortOf(tx.wtxid));
    if (place === undefined || this.#clashed.has(place)) return;
    const before = this.#txs[place];
    if (before === undefined) {
      this.#txs[place] = tx;
    } else if (!equal(before.wtxid, tx.wtxid)) {
      this.#txs[place] = undefined;
      this.#clashed.add(place);
    }
  }

  /** Transactions of the block. */
  get count(): number {
    return this.#txs.length;
  }

  /** Places without a transaction, ascending. */
  missing(): number[] {
    const missing: number[] = [];
    for (let i = 0; i < this.#txs.length; i++) if (this.#txs[i] === undefined) missing.push(i);
    return missing;
  }

  /** What was missing, in order. */
  fill(txs: readonly Tx[]): void {
    const missing = this.missing();
    assert(txs.length === missing.length, 'one transaction for each that is missing');
    for (const [i, place] of missing.entries()) this.#txs[place] = txs[i];
  }

  /** The whole block, its bytes put together once; nothing about it has been judged. */
  block(): Block {
    const txs = this.#txs.map((tx) => {
      assert(tx !== undefined, 'no transaction is missing');
      return tx;
    });
    return makeBlock(this.compact.header, txs);
  }
}
