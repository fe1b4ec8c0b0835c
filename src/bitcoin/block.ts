import { idOf } from '../util/bytes.ts';
import type { Result } from '../util/result.ts';
import { compactSizeLength, type DecodeFault, decode, type Reader, viewOf, Writer } from './codec.ts';
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
  /** The whole wire form; transactions are views into it. */
  readonly bytes: Uint8Array;
  readonly strippedSize: number;
  readonly weight: number;
}

/** The shortest thing that decodes as a transaction: 4 bytes of version, no inputs, no outputs, 4 of lock time. */
const MIN_TX = 10;

function sealed(header: Header, hash: Uint8Array, txs: readonly Tx[], bytes: Uint8Array): Block {
  let strippedSize = HEADER_SIZE + compactSizeLength(txs.length);
  for (const tx of txs) strippedSize += tx.strippedSize;
  const weight = 3 * strippedSize + bytes.length;
  return { header, hash, id: idOf(hash), txs, bytes, strippedSize, weight };
}

/** Reads one block where the reader stands. */
export function readBlock(reader: Reader): Block {
  const from = reader.at;
  const header = readHeader(reader);
  const hash = headerHash(viewOf(reader.bytesAll, from, from + HEADER_SIZE));
  const n = reader.count(MIN_TX);
  const txs = new Array<Tx>(n);
  for (let i = 0; i < n; i++) txs[i] = readTx(reader);
  return sealed(header, hash, txs, viewOf(reader.bytesAll, from, reader.at));
}

/** The bytes of exactly one block. Keeps views into `bytes`. */
export function decodeBlock(bytes: Uint8Array): Result<Block, DecodeFault> {
  return decode(bytes, readBlock);
}

/** Puts a block of ours together; the header's merkle root is taken as it is. */
export function makeBlock(header: Header, txs: readonly Tx[]): Block {
  const head = encodeHeader(header);
  let size = HEADER_SIZE + compactSizeLength(txs.length);
  for (const tx of txs) size += tx.bytes.length;
  const w = new Writer(size).bytes(head).compactSize(txs.length);
  for (const tx of txs) w.bytes(tx.bytes);
  return sealed(header, headerHash(head), txs, w.finish());
}
