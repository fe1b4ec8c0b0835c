import { crc32 as zlibCrc32 } from 'node:zlib';
import { kindOf, StoreDamage } from '../../consensus/store/damage.ts';
import { META_KEY } from '../../consensus/store/records.ts';
import { equal, readU32LE, toHex, writeU32LE } from '../../util/bytes.ts';
import { crc32 } from '../../util/crc32.ts';

/**
 * A row on disk is its value and a CRC-32 of key and value, u32. The key is in it, so that a row which came to another key
 * is found too. The network's row alone is stored as it is: programs of format 1 read the format in it, and say so.
 */
const CRC_SIZE = 4;
/** From this length on a call into native code pays. */
const LONG = 1_000;

function rowCrc(key: Uint8Array, value: Uint8Array, length: number): number {
  const ofKey = crc32(key);
  return length < LONG ? crc32(value, ofKey, 0, length) : zlibCrc32(value.subarray(0, length), ofKey);
}

const isPlain = (key: Uint8Array): boolean => equal(key, META_KEY);

/** Makes rows as they are stored, each in the memory of the one before, unless it is a long one. */
export class RowSealer {
  #scratch = new Uint8Array(1_024);

  /** To be copied before the next call. */
  seal(key: Uint8Array, value: Uint8Array): Uint8Array {
    if (isPlain(key)) return value;
    const { length } = value;
    if (length + CRC_SIZE > this.#scratch.length) {
      const own = new Uint8Array(length + CRC_SIZE);
      own.set(value);
      writeU32LE(own, length, rowCrc(key, value, length));
      return own;
    }
    this.#scratch.set(value);
    writeU32LE(this.#scratch, length, rowCrc(key, this.#scratch, length));
    return this.#scratch.subarray(0, length + CRC_SIZE);
  }
}

/** Is a stored row what was written under this key? */
export function isWhole(key: Uint8Array, stored: Uint8Array): boolean {
  const length = stored.length - CRC_SIZE;
  return isPlain(key) || (length >= 0 && readU32LE(stored, length) === rowCrc(key, stored, length));
}

/**
 * The value of a stored row.
 * @throws StoreDamage when it is not what was written under this key.
 */
export function unseal(key: Uint8Array, stored: Uint8Array): Uint8Array {
  if (isPlain(key)) return stored;
  if (!isWhole(key, stored)) throw new StoreDamage(kindOf(key), `the row ${nameOf(key)} fails its checksum`);
  return stored.subarray(0, stored.length - CRC_SIZE);
}

/** The CRC-32 of the network's row, which the store's own row keeps. */
export function plainCrc(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : crc32(value);
}

/** Kind and key, short enough for a sentence. */
export function nameOf(key: Uint8Array): string {
  const hex = toHex(key.subarray(1, 37));
  return hex === '' ? `"${kindOf(key)}"` : `"${kindOf(key)}" ${hex}`;
}
