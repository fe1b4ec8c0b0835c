import { readU32LE } from '../../util/bytes.ts';
import { maskedCrc } from './leveldb-log.ts';
import { Cursor, Unreadable } from './leveldb-manifest.ts';

/**
 * LevelDB's tables, walked block by block: LevelDB itself reads them without their checksums, and damage in them ends the
 * process by an assertion or is believed. LevelDB doc/table_format.md.
 */
const FOOTER = 48;
const MAGIC_LOW = 0x8b80fb57;
const MAGIC_HIGH = 0xdb477524;
/** Behind each block: its compression u8 and a masked CRC-32C u32. */
const TRAILER = 5;
const PLAIN = 0;
const SNAPPY = 1;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Bytes of the table from `offset` on. */
export type ReadTable = (offset: number, size: number) => Promise<Uint8Array>;

/**
 * Reads footer, index and filter, and with `data` every block of rows.
 * @throws Unreadable for the first block that is not as LevelDB wrote it.
 */
export async function checkTable(size: number, read: ReadTable, data: boolean): Promise<void> {
  if (size < FOOTER) throw new Unreadable(`${size} bytes are no table`);
  const footer = await read(size - FOOTER, FOOTER);
  if (readU32LE(footer, 40) !== MAGIC_LOW || readU32LE(footer, 44) !== MAGIC_HIGH)
    throw new Unreadable('it does not end as a table does');
  const cursor = new Cursor(footer.subarray(0, 40));
  const metaIndex = handleIn(cursor);
  const index = handleIn(cursor);
  const blocks: Handle[] = [...handlesOf(await block(metaIndex, size, read)), metaIndex];
  const rows = handlesOf(await block(index, size, read));
  for (const handle of data ? [...rows, ...blocks] : blocks) await checkBlock(handle, size, read);
  covers([...rows, ...blocks, index], size);
}

/** The blocks lie one behind the other, so no byte of the file is outside of what was checked. */
function covers(blocks: readonly Handle[], size: number): void {
  let at = 0;
  for (const { offset, size: length } of [...blocks].sort((a, b) => a.offset - b.offset)) {
    if (offset !== at) throw new Unreadable(`there is a gap at byte ${at}`);
    at = offset + length + TRAILER;
  }
  if (at !== size - FOOTER) throw new Unreadable(`there is a gap at byte ${at}`);
}

function handleIn(cursor: Cursor): Handle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

/** A block and its trailer, as they are in the file, after the checksum held. */
async function checkBlock({ offset, size }: Handle, fileSize: number, read: ReadTable): Promise<Uint8Array> {
  if (offset + size + TRAILER > fileSize - FOOTER)
    throw new Unreadable(`the block at byte ${offset} is outside`);
  const bytes = await read(offset, size + TRAILER);
  if (readU32LE(bytes, size + 1) !== maskedCrc(bytes, 0, size + 1))
    throw new Unreadable(`the block at byte ${offset} fails its checksum`);
  return bytes;
}

async function block(handle: Handle, fileSize: number, read: ReadTable): Promise<Uint8Array> {
  const bytes = await checkBlock(handle, fileSize, read);
  const content = bytes.subarray(0, handle.size);
  const compression = bytes[handle.size]!;
  if (compression === PLAIN) return content;
  if (compression === SNAPPY) return unsnappy(content);
  throw new Unreadable(`the block at byte ${handle.offset} has an unknown compression ${compression}`);
}

/** The values of an index block's entries. LevelDB: table/block.cc. */
function handlesOf(content: Uint8Array): Handle[] {
  if (content.length < 4) throw new Unreadable('an index is too short');
  const restarts = readU32LE(content, content.length - 4);
  const end = content.length - 4 * (restarts + 1);
  if (end < 0) throw new Unreadable('an index is too short');
  const cursor = new Cursor(content.subarray(0, end));
  const handles: Handle[] = [];
  while (!cursor.done) {
    cursor.varint();
    const unshared = cursor.varint();
    const length = cursor.varint();
    cursor.take(unshared);
    handles.push(handleIn(new Cursor(cursor.take(length))));
  }
  return handles;
}

/** Longer than any index of ours: a damaged length must not ask for memory. */
const MAX_PLAIN = 16_000_000;

/** Snappy's raw format: google/snappy format_description.txt. */
function unsnappy(bytes: Uint8Array): Uint8Array {
  const cursor = new Cursor(bytes);
  const length = cursor.varint();
  if (length > MAX_PLAIN) throw new Unreadable('a compressed block is too long');
  const out = new Uint8Array(length);
  let at = 0;
  while (!cursor.done) {
    const tag = cursor.byte();
    if ((tag & 3) === 0) {
      const literal = cursor.take(literalLength(tag >>> 2, cursor));
      if (at + literal.length > length) throw new Unreadable('a compressed block is longer than it says');
      out.set(literal, at);
      at += literal.length;
      continue;
    }
    const { back, count } = copyOf(tag, cursor);
    if (back === 0 || back > at || at + count > length) throw new Unreadable('a compressed block is not one');
    // Byte by byte: a copy may overlap itself.
    for (let i = 0; i < count; i++, at++) out[at] = out[at - back]!;
  }
  if (at !== length) throw new Unreadable('a compressed block is shorter than it says');
  return out;
}

function literalLength(code: number, cursor: Cursor): number {
  if (code < 60) return code + 1;
  let length = 0;
  for (let i = 0; i < code - 59; i++) length += cursor.byte() * 256 ** i;
  return length + 1;
}

function copyOf(tag: number, cursor: Cursor): { readonly back: number; readonly count: number } {
  const kind = tag & 3;
  if (kind === 1) return { count: ((tag >>> 2) & 7) + 4, back: ((tag >>> 5) << 8) + cursor.byte() };
  let back = cursor.byte() + 256 * cursor.byte();
  if (kind === 3) back += 65_536 * cursor.byte() + 16_777_216 * cursor.byte();
  return { count: (tag >>> 2) + 1, back };
}
