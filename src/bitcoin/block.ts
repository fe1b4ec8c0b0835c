import { idOf } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';
import { finish, noPace, type Pace, type Steps } from '../util/steps.ts';
import { compactSizeLength, DecodeError, type DecodeFault, Reader, Writer } from './codec.ts';
import { encodeHeader, HEADER_SIZE, type Header, headerHash, readHeader } from './header.ts';
import { readTx, type Tx } from './tx.ts';

/** A block as its bytes say; nothing about it has been judged yet. Sizes as BIP141 has them. */
export interface Block {
  readonly header: Header;
  /** The header's hash, internal order. */
  readonly hash: Uint8Array;
  /** The hash as displayed. */
  readonly id: string;
  readonly txs: readonly Tx[];
  /** The whole wire form; transactions of a block that was read are views into it. */
  readonly bytes: Uint8Array;
  /** The bytes are there; if not, they are made when somebody asks for them. */
  readonly encoded: boolean;
  /** Length of the wire form. */
  readonly size: number;
  readonly strippedSize: number;
  readonly weight: number;
}

/** One that was put together makes its bytes late: a full block is judged in less time than they are copied. */
class WireBlock implements Block {
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly id: string;
  readonly txs: readonly Tx[];
  readonly size: number;
  readonly strippedSize: number;
  readonly weight: number;
  #bytes: Uint8Array | undefined;

  constructor(header: Header, hash: Uint8Array, txs: readonly Tx[], bytes: Uint8Array | undefined) {
    this.header = header;
    this.hash = hash;
    this.id = idOf(hash);
    this.txs = txs;
    const frame = HEADER_SIZE + compactSizeLength(txs.length);
    let size = frame;
    let strippedSize = frame;
    for (const tx of txs) {
      size += tx.size;
      strippedSize += tx.strippedSize;
    }
    this.size = size;
    this.strippedSize = strippedSize;
    this.weight = 3 * strippedSize + size;
    this.#bytes = bytes;
  }

  get encoded(): boolean {
    return this.#bytes !== undefined;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= encodeBlock(this);
    return this.#bytes;
  }
}

function encodeBlock({ header, txs, size }: Block): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(encodeHeader(header));
  const count = new Writer(9).compactSize(txs.length).finish();
  bytes.set(count, HEADER_SIZE);
  let at = HEADER_SIZE + count.length;
  for (const tx of txs) {
    bytes.set(tx.bytes, at);
    at += tx.size;
  }
  return bytes;
}

/** The shortest thing that decodes as a transaction: 4 bytes of version, no inputs, no outputs, 4 of lock time. */
const MIN_TX = 10;

/** The bytes of exactly one block, read in pieces of about `pace` bytes. Keeps views into `bytes`. */
export function* decodeBlockSteps(bytes: Uint8Array, pace: Pace): Steps<Result<Block, DecodeFault>> {
  try {
    const reader = new Reader(bytes);
    const read = readHeader(reader);
    // The tree keeps it when the body is long gone: apart from the block's bytes, and one array for all who read them.
    const header = { ...read, merkleRoot: read.merkleRoot.slice() };
    const hash = headerHash(bytes.subarray(0, HEADER_SIZE));
    const n = reader.count(MIN_TX);
    const txs = new Array<Tx>(n);
    for (let i = 0; i < n; i++) {
      const tx = readTx(reader);
      txs[i] = tx;
      if (pace.due(tx.bytes.length)) yield;
    }
    reader.end();
    return ok(new WireBlock(header, hash, txs, bytes));
  } catch (error) {
    if (error instanceof DecodeError) return err({ what: error.what, at: error.at });
    throw error;
  }
}

/** The bytes of exactly one block. Keeps views into `bytes`. */
export function decodeBlock(bytes: Uint8Array): Result<Block, DecodeFault> {
  return finish(decodeBlockSteps(bytes, noPace()));
}

/** Puts a block of ours together; the header's merkle root is taken as it is. */
export function makeBlock(header: Header, txs: readonly Tx[]): Block {
  return new WireBlock(header, headerHash(encodeHeader(header)), txs, undefined);
}
