import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** For its owner alone: state files name ports, tokens and keys. */
const PRIVATE_FILE = 0o600;

/**
 * Writes a temporary file beside `path`, flushes it, renames it over `path` and flushes the directory. A reader and a
 * power cut find the old content or the new one, never a part. The mode does not depend on the umask or on an older file.
 * @throws the system's error; the temporary file is removed then.
 */
export function writeAtomically(path: string, text: string, mode = PRIVATE_FILE): void {
  const fresh = `${path}.${process.pid}.${randomBytes(3).toString('hex')}`;
  try {
    const fd = openSync(fresh, 'wx', mode);
    try {
      fchmodSync(fd, mode);
      const bytes = Buffer.from(text, 'utf8');
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  flushDirectory(dirname(path));
}

/** Makes a rename durable. Windows and some network file systems cannot flush a directory: there the rename is all. */
function flushDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}
