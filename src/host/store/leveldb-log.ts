import { readU32LE } from '../../util/bytes.ts';
import { crc32c } from '../../util/crc32.ts';

/**
 * LevelDB's log files (the write log, and the manifest): blocks of 32 KiB with records of a masked CRC-32C u32, a length u16
 * and a type u8. LevelDB doc/log_format.md. A record that fails is skipped by LevelDB, which goes on with the next block:
 * so whoever must not have a hole in the middle reads the file before LevelDB does.
 */
const BLOCK = 32_768;
const HEAD = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

export interface LogRecord {
  readonly data: Uint8Array;
  /** Where its bytes begin in the file. */
  readonly at: number;
  /** Where they end. */
  readonly end: number;
}

export interface LogRead {
  /** Whole records before the first damage. */
  readonly records: readonly LogRecord[];
  /** Where the first record that is not whole begins; undefined when the file ends with a whole one. */
  readonly damagedAt: number | undefined;
  /** There is something valid behind the damage, which LevelDB would take. */
  readonly hole: boolean;
}

interface Fragment {
  readonly type: number;
  readonly from: number;
  readonly end: number;
}

/** CRCs are stored masked, so that the CRC of bytes with CRCs in them stays useful. LevelDB: util/crc32c.h. */
export function maskedCrc(bytes: Uint8Array, from: number, to: number): number {
  const crc = crc32c(bytes, 0, from, to);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The fragment that begins at `at`; undefined if there is none that is whole. */
function fragmentAt(bytes: Uint8Array, at: number): Fragment | undefined {
  const from = at + HEAD;
  if (from > bytes.length) return undefined;
  const end = from + bytes[at + 4]! + 256 * bytes[at + 5]!;
  const type = bytes[at + 6]!;
  const room = BLOCK - (at % BLOCK);
  if (end > bytes.length || end - at > room || type < FULL || type > LAST) return undefined;
  return readU32LE(bytes, at) === maskedCrc(bytes, at + 6, end) ? { type, from, end } : undefined;
}

export function readLog(bytes: Uint8Array): LogRead {
  const records: LogRecord[] = [];
  let parts: Uint8Array[] = [];
  let begun = 0;
  for (let at = 0; at < bytes.length; ) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEAD) {
      at += room;
      continue;
    }
    const fragment = fragmentAt(bytes, at);
    const starts = fragment !== undefined && (fragment.type === FULL || fragment.type === FIRST);
    if (fragment === undefined || starts !== (parts.length === 0)) {
      const damagedAt = parts.length === 0 ? at : begun;
      return { records, damagedAt, hole: anythingAfter(bytes, at, fragment) };
    }
    if (starts) begun = at;
    parts.push(bytes.subarray(fragment.from, fragment.end));
    at = fragment.end;
    if (fragment.type === FULL || fragment.type === LAST) {
      records.push({ data: joined(parts), at: begun, end: at });
      parts = [];
    }
  }
  return { records, damagedAt: parts.length === 0 ? undefined : begun, hole: false };
}

/** Whole fragments in the blocks behind the one of `at`: LevelDB drops the rest of a damaged block. */
function anythingAfter(bytes: Uint8Array, at: number, here: Fragment | undefined): boolean {
  if (here !== undefined) return true;
  for (let block = (Math.floor(at / BLOCK) + 1) * BLOCK; block < bytes.length; block += BLOCK)
    if (fragmentAt(bytes, block) !== undefined) return true;
  return false;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  return new Uint8Array(Buffer.concat(parts));
}
