import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Core's user name for cookie authentication. */
const COOKIE_USER = '__cookie__';

export interface Cookie {
  /** The whole line as it stands in the file, `__cookie__:<64 hex>`. */
  readonly line: string;
  /** Whether an Authorization header carries it; takes the same time for every wrong value. */
  matches(authorization: string | undefined): boolean;
  /** Takes the file away, unless another server has written its own there since. */
  remove(): void;
}

/** A fresh secret for this run, in a file that only its owner can read. Core: GenerateAuthCookie. */
export function writeCookie(file: string): Cookie {
  const line = `${COOKIE_USER}:${randomBytes(32).toString('hex')}`;
  // Renamed into place: a reader sees the old cookie or the new one, never half of it.
  const fresh = `${file}.${process.pid}.tmp`;
  writeFileSync(fresh, line, { mode: 0o600, flush: true });
  renameSync(fresh, file);
  const expected = digest(basicAuth(line));
  return {
    line,
    matches: (authorization) => timingSafeEqual(digest(authorization ?? ''), expected),
    remove: () => {
      if (readCookie(file) === line) rmSync(file, { force: true });
    },
  };
}

/** The cookie line, or undefined if there is no such file. */
export function readCookie(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The Authorization header for `user:password`. */
export function basicAuth(line: string): string {
  return `Basic ${Buffer.from(line, 'latin1').toString('base64')}`;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
