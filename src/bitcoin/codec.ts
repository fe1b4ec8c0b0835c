import { assert } from '../util/assert.ts';
import { readU32LE, writeU32LE } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';

/** 21 million coins in satoshi. Core: `MAX_MONEY`. Every amount in memory is a safe integer in 0 … MAX_MONEY. */
export const MAX_MONEY = 21e14;

/** Core's `MAX_SIZE`: no length or count in any message is larger. */
const MAX_SIZE = 0x0200_0000;

const TWO32 = 0x1_0000_0000;

/** Why bytes are not what they should be, and at which offset. */
export interface DecodeFault {
  readonly what: string;
  readonly at: number;
}

/** How a {@link Reader} gives up. Internal: {@link decode} turns it into a {@link DecodeFault}. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly what: string;
  readonly at: number;

  constructor(what: string, at: number) {
    super(what + ' at byte ' + at);
    this.what = what;
    this.at = at;
  }
}

/**
 * Runs a reader over all of `bytes`: a fault or a byte too many is an error value, anything else that is thrown is a
 * bug and goes on upward. What is read may keep views into `bytes`, which must not change afterwards.
 */
export function decode<T>(bytes: Uint8Array, read: (reader: Reader) => T): Result<T, DecodeFault> {
  try {
    const reader = new Reader(bytes);
    const value = read(reader);
    reader.end();
    return ok(value);
  } catch (error) {
    if (error instanceof DecodeError) return err({ what: error.what, at: error.at });
    throw error;
  }
}

/** A cursor over bytes, little endian. Never reads past the end; throws {@link DecodeError} instead. */
export class Reader {
  readonly bytesAll: Uint8Array;
  /** The offset of the next byte. */
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytesAll = bytes;
    this.at = at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.bytesAll.length - this.at;
  }

  fail(what: string, at = this.at): never {
    throw new DecodeError(what, at);
  }

  #take(n: number): number {
    const at = this.at;
    if (n > this.bytesAll.length - at) throw new DecodeError('unexpected end', at);
    this.at = at + n;
    return at;
  }

  u8(): number {
    return this.bytesAll[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return this.bytesAll[at]! + this.bytesAll[at + 1]! * 256;
  }

  u32(): number {
    return readU32LE(this.bytesAll, this.#take(4));
  }

  i32(): number {
    return readU32LE(this.bytesAll, this.#take(4)) | 0;
  }

  /** A u64 that must be a safe integer. */
  u64(): number {
    const at = this.#take(8);
    const high = readU32LE(this.bytesAll, at + 4);
    if (high > 0x1f_ffff) throw new DecodeError('number above 2^53', at);
    return readU32LE(this.bytesAll, at) + high * TWO32;
  }

  /** An amount in satoshi, at most {@link MAX_MONEY}. */
  money(): number {
    const at = this.#take(8);
    const value = readU32LE(this.bytesAll, at) + readU32LE(this.bytesAll, at + 4) * TWO32;
    if (value > MAX_MONEY) throw new DecodeError('value above 21 million coins', at);
    return value;
  }

  /** Minimal only, and at most 32 MiB. Core: `ReadCompactSize`, "non-canonical ReadCompactSize()". */
  compactSize(): number {
    const at = this.at;
    const first = this.u8();
    if (first < 0xfd) return first;
    let value: number;
    let least: number;
    if (first === 0xfd) {
      value = this.u16();
      least = 0xfd;
    } else if (first === 0xfe) {
      value = this.u32();
      least = 0x1_0000;
    } else {
      const low = this.u32();
      value = low + this.u32() * TWO32;
      least = TWO32;
    }
    if (value < least) throw new DecodeError('non-canonical compact size', at);
    if (value > MAX_SIZE) throw new DecodeError('compact size too large', at);
    return value;
  }

  /** How many things follow, each at least `minBytes` long: a count that cannot fit is refused before any allocation. */
  count(minBytes: number): number {
    const at = this.at;
    const n = this.compactSize();
    if (n * minBytes > this.left) throw new DecodeError('count exceeds the bytes left', at);
    return n;
  }

  /** A view of the next `n` bytes, not a copy. */
  bytes(n: number): Uint8Array {
    const at = this.#take(n);
    return viewOf(this.bytesAll, at, at + n);
  }

  /** Bytes behind a compact size of their length. */
  varBytes(): Uint8Array {
    const n = this.compactSize();
    return n === 0 ? EMPTY : this.bytes(n);
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** Nothing may be left. */
  end(): void {
    if (this.left > 0) throw new DecodeError('trailing bytes', this.at);
  }
}

/** The one empty array: most scripts of segwit inputs are empty. */
export const EMPTY = new Uint8Array(0);

/** A plain view (a Node Buffer's `subarray` would be a Buffer again); also faster than `subarray`. */
export function viewOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}

/** How many bytes {@link Writer.compactSize} takes. */
export function compactSizeLength(n: number): number {
  return n < 0xfd ? 1 : n <= 0xffff ? 3 : n < TWO32 ? 5 : 9;
}

/** Grows as needed, little endian. A number out of range is a bug and throws. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #room(n: number): number {
    const at = this.#length;
    if (at + n > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bytes.length, at + n));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = at + n;
    return at;
  }

  u8(value: number): this {
    assert(value >= 0 && value <= 0xff, 'u8 out of range');
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    assert(value >= 0 && value <= 0xffff, 'u16 out of range');
    const at = this.#room(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    return this;
  }

  u32(value: number): this {
    assert(value >= 0 && value < TWO32, 'u32 out of range');
    const at = this.#room(4);
    writeU32LE(this.#bytes, at, value);
    return this;
  }

  i32(value: number): this {
    assert(value >= -0x8000_0000 && value <= 0x7fff_ffff, 'i32 out of range');
    const at = this.#room(4);
    writeU32LE(this.#bytes, at, value);
    return this;
  }

  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'u64 is not a safe integer');
    const at = this.#room(8);
    writeU32LE(this.#bytes, at, value % TWO32);
    writeU32LE(this.#bytes, at + 4, Math.floor(value / TWO32));
    return this;
  }

  compactSize(value: number): this {
    if (value < 0xfd) return this.u8(value);
    if (value <= 0xffff) return this.u8(0xfd).u16(value);
    if (value < TWO32) return this.u8(0xfe).u32(value);
    return this.u8(0xff).u64(value);
  }

  bytes(part: Uint8Array): this {
    const at = this.#room(part.length);
    this.#bytes.set(part, at);
    return this;
  }

  varBytes(part: Uint8Array): this {
    return this.compactSize(part.length).bytes(part);
  }

  /** Exactly what was written, as a copy of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
