import { type Block, makeBlock } from '../../bitcoin/block.ts';
import { compactSizeLength, type DecodeFault, decode, type Reader, Writer } from '../../bitcoin/codec.ts';
import { sha256 } from '../../bitcoin/hash.ts';
import { encodeHeader, HEADER_SIZE, type Header, headerHash, readHeader } from '../../bitcoin/header.ts';
import { leavesOf } from '../../bitcoin/merkle.ts';
import { SipHash } from '../../bitcoin/siphash.ts';
import { readTx, type Tx } from '../../bitcoin/tx.ts';
import type { Assembled } from '../../consensus/validate/check.ts';
import { assert } from '../../util/assert.ts';
import { concat, readU32LE } from '../../util/bytes.ts';
import { err, type Result } from '../../util/result.ts';
import type { Pace, Steps } from '../../util/steps.ts';
import type { Limits } from '../limits.ts';
import { ID_WORDS, type PoolIds } from '../mempool/ids.ts';

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
  /** Of all transactions but the prefilled ones, in the block's order; six bytes each, little endian. */
  readonly shortIds: Uint8Array;
  /** Sent whole, by their place in the block, ascending: always the coinbase, which nobody can have. */
  readonly prefilled: readonly { readonly index: number; readonly tx: Tx }[];
}

const MARK = 4;
const NONCE_SIZE = 8;
const SHORT_SIZE = 6;
/** Where in a transaction's `ID_WORDS` the wtxid begins. */
const WTXID = ID_WORDS / 2;
/** How far an id may stand from where it belongs. */
const MOST_SLOTS = 100;
/** Of a hash's upper word, what belongs to the short id. */
const SHORT_HIGH = 0xffff;

/** Is this message of the block topic a compact announcement? */
export function isCompact(bytes: Uint8Array): boolean {
  return bytes.length >= MARK && readU32LE(bytes, 0) === 0;
}

/** The header's bytes in a message of the block topic, of either form; undefined when it is too short. */
export function announcedHeader(bytes: Uint8Array): Uint8Array | undefined {
  const from = isCompact(bytes) ? MARK : 0;
  return bytes.length < from + HEADER_SIZE ? undefined : bytes.subarray(from, from + HEADER_SIZE);
}

/** `hash` leaves 64 bits in `low` and `high`, of which the lower 48 are the short id. */
export type ShortIdHasher = Pick<SipHash, 'hash' | 'low' | 'high'>;

/** What the short ids of one announcement are made with: keyed by header and nonce (BIP152), so nobody can prepare them. */
export function shortIdHash(head: Uint8Array, nonce: Uint8Array): SipHash {
  return new SipHash(sha256(concat(head, nonce)).subarray(0, 16));
}

/** The short ids of these transactions, in their order: six bytes each, little endian. */
export function shortIdsOf(txs: readonly Tx[], hasher: ShortIdHasher): Uint8Array {
  const wtxids = new DataView(leavesOf(txs.map((tx) => tx.wtxid)).nodes.buffer);
  const ids = new Uint8Array(SHORT_SIZE * txs.length);
  const view = new DataView(ids.buffer);
  for (let i = 0; i < txs.length; i++) {
    hasher.hash(wtxids, 32 * i);
    view.setInt32(SHORT_SIZE * i, hasher.low, true);
    view.setUint16(SHORT_SIZE * i + 4, hasher.high, true);
  }
  return ids;
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
  const w = new Writer(compactSize(block)).u32(0).bytes(head).bytes(nonce).compactSize(rest.length);
  w.bytes(shortIdsOf(rest, shortIdHash(head, nonce)));
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
  const shortIds = reader.bytes(SHORT_SIZE * ids);
  const whole = reader.count(1);
  if (whole > limits.compactPrefilled) reader.fail('too many transactions sent whole');
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

/** What it costs to hash both ids of a transaction, in bytes hashed: what is done for each counts, too. */
function putWork(tx: Tx): number {
  return 2 * tx.size + 400;
}

/** A block on its way together: the transactions found so far, each at its place. */
export class Reconstruction {
  readonly compact: Compact;
  /**
   * Two places have one id, or so many ids look alike that somebody chose them: only the whole block can tell. BIP152 lets
   * honest announcements do the former, rarely.
   */
  readonly ambiguous: boolean;
  readonly #hasher: ShortIdHasher;
  readonly #places: Places;
  readonly #txs: (Tx | undefined)[];
  /** The ids of those found, `ID_WORDS` each, at their places. */
  readonly #ids: Int32Array;
  /** Places that two different transactions claim: asked for. */
  readonly #clashed = new Set<number>();

  /** `hasher`: for tests, which need collisions that 48 bits do not give. */
  constructor(compact: Compact, hasher: ShortIdHasher = shortIdHash(compact.head, compact.nonce)) {
    this.compact = compact;
    this.#hasher = hasher;
    const ids = compact.shortIds.length / SHORT_SIZE;
    this.#txs = new Array<Tx | undefined>(ids + compact.prefilled.length).fill(undefined);
    this.#ids = new Int32Array(this.#txs.length * ID_WORDS);
    for (const { index, tx } of compact.prefilled) this.#txs[index] = tx;
    this.#places = new Places(ids);
    const { buffer, byteOffset, byteLength } = compact.shortIds;
    const view = new DataView(buffer, byteOffset, byteLength);
    let place = 0;
    let ambiguous = false;
    for (let i = 0; i < ids; i++) {
      while (this.#txs[place] !== undefined) place++;
      const low = view.getInt32(SHORT_SIZE * i, true);
      const high = view.getUint16(SHORT_SIZE * i + 4, true);
      ambiguous = !this.#places.add(low, high, place++) || ambiguous;
    }
    this.ambiguous = ambiguous;
  }

  /** The ids of what was sent whole; in pieces, since that may be anything. Before all else. */
  *prefill(pace: Pace): Steps<void> {
    for (const { index, tx } of this.compact.prefilled) {
      this.#put(index, tx);
      if (pace.due(putWork(tx))) yield;
    }
  }

  /** Transactions that we have, `from … to − 1` of the pool: they take their places, if they have one. */
  offer(pool: PoolIds, from: number, to: number): void {
    const { view, words } = pool;
    for (let i = from; i < to; i++) {
      const at = i * ID_WORDS;
      this.#hasher.hash(view, 4 * (at + WTXID));
      const place = this.#places.of(this.#hasher.low, this.#hasher.high & SHORT_HIGH);
      if (place === undefined || this.#clashed.has(place)) continue;
      if (this.#txs[place] === undefined) {
        this.#txs[place] = pool.tx(i);
        for (let k = 0; k < ID_WORDS; k++) this.#ids[place * ID_WORDS + k] = words[at + k]!;
      } else if (!this.#isAt(place, words, at)) {
        this.#txs[place] = undefined;
        this.#clashed.add(place);
      }
    }
  }

  #isAt(place: number, words: Int32Array, at: number): boolean {
    for (let k = WTXID; k < ID_WORDS; k++)
      if (this.#ids[place * ID_WORDS + k] !== words[at + k]) return false;
    return true;
  }

  #put(place: number, tx: Tx): void {
    this.#txs[place] = tx;
    const bytes = new Uint8Array(this.#ids.buffer);
    bytes.set(tx.txid, 4 * place * ID_WORDS);
    bytes.set(tx.wtxid, 4 * (place * ID_WORDS + WTXID));
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

  /** What was missing, in order; in pieces, like `prefill`. */
  *fill(txs: readonly Tx[], pace: Pace): Steps<void> {
    const missing = this.missing();
    assert(txs.length === missing.length, 'one transaction for each that is missing');
    for (const [i, place] of missing.entries()) {
      this.#put(place, txs[i]!);
      if (pace.due(putWork(txs[i]!))) yield;
    }
  }

  /** The whole block; nothing about it has been judged. */
  assembled(): Assembled {
    const txs: Tx[] = [];
    for (const tx of this.#txs) {
      assert(tx !== undefined, 'no transaction is missing');
      txs.push(tx);
    }
    const ids = { txid: this.#column(0), wtxid: this.#column(WTXID) };
    return { block: makeBlock(this.compact.header, txs), ids };
  }

  /** One kind of id, side by side. */
  #column(kind: number): Uint8Array {
    const words = new Int32Array((this.#txs.length * ID_WORDS) / 2);
    for (let i = 0; i < words.length; i++) {
      const place = i >> 3;
      words[i] = this.#ids[place * ID_WORDS + kind + (i & 7)]!;
    }
    return new Uint8Array(words.buffer);
  }
}

/**
 * Places by short id: open addressing in a typed array, at most a quarter full; a map of such numbers costs five times that.
 * An honest id stands within a few slots of where it belongs (a hundred: less than once in 10²⁰ blocks). Ids are the
 * announcer's to choose, so nobody looks further.
 */
class Places {
  readonly #low: Int32Array;
  readonly #high: Uint16Array;
  readonly #place: Int32Array;
  /** One more than the number of an id above; 0: free. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  #count = 0;

  constructor(count: number) {
    this.#low = new Int32Array(count);
    this.#high = new Uint16Array(count);
    this.#place = new Int32Array(count);
    let slots = 4;
    while (slots < 4 * count) slots *= 2;
    this.#slots = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  /** False if the id has a place already, or too many crowd here. */
  add(low: number, high: number, place: number): boolean {
    const slot = this.#find(low, high);
    if (slot === undefined || this.#slots[slot] !== 0) return false;
    this.#low[this.#count] = low;
    this.#high[this.#count] = high;
    this.#place[this.#count] = place;
    this.#slots[slot] = ++this.#count;
    return true;
  }

  of(low: number, high: number): number | undefined {
    const slot = this.#find(low, high);
    const found = slot === undefined ? 0 : this.#slots[slot]!;
    return found === 0 ? undefined : this.#place[found - 1];
  }

  /** The slot where it stands, or would. */
  #find(low: number, high: number): number | undefined {
    for (let i = 0; i < MOST_SLOTS; i++) {
      const slot = (low + i) & this.#mask;
      const found = this.#slots[slot]! - 1;
      if (found < 0 || (this.#low[found] === low && this.#high[found] === high)) return slot;
    }
    return undefined;
  }
}
