import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { err, ok, type Result } from '../util/result.ts';

/** Files in a folder that somebody else filled: only plain ones are read, and only so much of them. */

const PIECE = 1 << 16;
// Absent on Windows, where there is neither.
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const NONBLOCK = constants.O_NONBLOCK ?? 0;

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'is missing',
  ELOOP: 'is a link, not a plain file',
  EMLINK: 'is a link, not a plain file',
  ENXIO: 'is not a plain file',
};

/**
 * Reads a plain file in pieces. A directory, a link, a pipe, a device and a file of more than `most` bytes are refused
 * before a byte is read, and none of them can keep the caller waiting. The error says what is wrong, without the name.
 */
export function readPlain(
  path: string,
  most: number,
  take: (piece: Uint8Array) => void,
): Result<void, string> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | NOFOLLOW | NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return err(WHY[code ?? ''] ?? `cannot be read: ${message}`);
  }
  try {
    const found = fstatSync(fd);
    if (found.isDirectory()) return err('is a directory, not a plain file');
    if (!found.isFile()) return err('is not a plain file');
    if (found.size > most) return err(`has ${found.size} bytes; ${most} is the most`);
    const piece = new Uint8Array(PIECE);
    // It may grow meanwhile; what was not there at the beginning is left out.
    for (let left = found.size; left > 0; ) {
      const length = readSync(fd, piece, 0, Math.min(PIECE, left), null);
      if (length === 0) break;
      take(piece.subarray(0, length));
      left -= length;
    }
    return ok(undefined);
  } catch (error) {
    return err(`cannot be read: ${(error as Error).message}`);
  } finally {
    closeSync(fd);
  }
}

/** The same as text. */
export function readPlainText(path: string, most: number): Result<string, string> {
  const pieces: Uint8Array[] = [];
  const read = readPlain(path, most, (piece) => pieces.push(piece.slice()));
  return read.ok ? ok(Buffer.concat(pieces).toString('utf8')) : read;
}
