import { assert } from '../util/assert.ts';
import { writeU32LE } from '../util/bytes.ts';
import type { Result } from '../util/result.ts';
import { type DecodeFault, decode, type Reader } from './codec.ts';
import { sha256d } from './hash.ts';

export const HEADER_SIZE = 80;

/** A block header: 80 bytes on the wire. Core: `CBlockHeader`. */
export interface Header {
  /** int32. */
  readonly version: number;
  /** Hash of the parent's header, internal byte order. */
  readonly prev: Uint8Array;
  /** Internal byte order. */
  readonly merkleRoot: Uint8Array;
  /** Seconds since 1970, u32. */
  readonly time: number;
  /** The target in compact form, u32; see target.ts. */
  readonly bits: number;
  /** u32. */
  readonly nonce: number;
}

export function encodeHeader(header: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  writeHeader(header, bytes, 0);
  return bytes;
}

/** Its 80 bytes, written to `out` at `at`. */
export function writeHeader(header: Header, out: Uint8Array, at: number): void {
  const { version, prev, merkleRoot, time, bits, nonce } = header;
  assert(prev.length === 32 && merkleRoot.length === 32, 'a hash in a header is 32 bytes');
  assert((version | 0) === version, 'the version of a header is an int32');
  assert(isU32(time) && isU32(bits) && isU32(nonce), 'time, bits and nonce of a header are u32');
  // By hand: a chain's headers are encoded by the hundred thousand.
  writeU32LE(out, at, version);
  out.set(prev, at + 4);
  out.set(merkleRoot, at + 36);
  writeU32LE(out, at + 68, time);
  writeU32LE(out, at + 72, bits);
  writeU32LE(out, at + 76, nonce);
}

function isU32(value: number): boolean {
  return value >>> 0 === value;
}

export function readHeader(reader: Reader): Header {
  return {
    version: reader.i32(),
    prev: reader.bytes(32),
    merkleRoot: reader.bytes(32),
    time: reader.u32(),
    bits: reader.u32(),
    nonce: reader.u32(),
  };
}

/** Exactly 80 bytes; any 80 bytes are a header. */
export function decodeHeader(bytes: Uint8Array): Result<Header, DecodeFault> {
  return decode(bytes, readHeader);
}

/** SHA-256d of the 80 bytes, which may be given as they are. */
export function headerHash(header: Uint8Array | Header): Uint8Array {
  const bytes = header instanceof Uint8Array ? header : encodeHeader(header);
  assert(bytes.length === HEADER_SIZE, 'a header is 80 bytes');
  return sha256d(bytes);
}
