import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex, utf8Encode } from '../../util/bytes.ts';
import { crc32 } from '../../util/crc32.ts';

/** Beside LevelDB's files, which ignores names that are not its own; it goes wherever they go. */
export const MARK_FILE = 'MARK';

/** What was on the disk for certain when the mark was written. */
export interface Mark {
  /** Durable batches so far. */
  readonly commits: number;
  /** The tip that they led to, 32 bytes; none before the first. */
  readonly tip: Uint8Array | undefined;
  /** The table at which the next look at the files begins, and the shard of the next look at the coins. */
  readonly nextTable: number;
  readonly nextShard: number;
}

/** One line of constant length: overwritten in place, so it needs no new room on the disk. */
const LENGTH = 128;

/**
 * Written after each durable batch and not synced itself: a killed process leaves it whole, a power cut may leave an older
 * one. It never says more than the disk has held, so a database that holds less has lost something.
 */
export class MarkFile {
  #fd: number | undefined;

  constructor(dir: string) {
    const file = join(dir, MARK_FILE);
    this.#fd = openSync(file, openFlags(file), 0o644);
  }

  write(mark: Mark): void {
    if (this.#fd !== undefined) writeSync(this.#fd, encodeMark(mark), 0, LENGTH, 0);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function openFlags(file: string): string {
  try {
    closeSync(openSync(file, 'r+'));
    return 'r+';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'w+';
    throw error;
  }
}

function encodeMark({ commits, tip, nextTable, nextShard }: Mark): Uint8Array {
  const hex = tip === undefined ? '-' : toHex(tip);
  const text = `forkyard 1 ${commits} ${hex} ${nextTable} ${nextShard} `;
  const sum = crc32(utf8Encode(text)).toString(16).padStart(8, '0');
  return utf8Encode(`${(text + sum).padEnd(LENGTH - 1)}\n`);
}

/** The mark of a database; undefined if there is none that can be read, which is said nowhere: it only helps. */
export function readMark(dir: string): Mark | undefined {
  let text: string;
  try {
    text = readFileSync(join(dir, MARK_FILE), 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  const found = /^(forkyard 1 (\d{1,15}) (-|[0-9a-f]{64}) (\d{1,15}) (\d{1,3}) )([0-9a-f]{8}) *\n$/.exec(
    text,
  );
  if (found === null) return undefined;
  const [, head, commits, hex, nextTable, nextShard, sum] = found;
  if (Number.parseInt(sum!, 16) !== crc32(utf8Encode(head!))) return undefined;
  return {
    commits: Number(commits),
    tip: hex === '-' ? undefined : fromHex(hex!),
    nextTable: Number(nextTable),
    nextShard: Number(nextShard),
  };
}
