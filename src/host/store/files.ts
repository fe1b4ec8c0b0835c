import { linkSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Level } from 'level';
import { StoreDamage } from '../../consensus/store/damage.ts';
import { hostLimits } from '../limits.ts';
import { checkFiles, type FilesReport, type LogCut } from './leveldb-files.ts';
import type { Mark } from './mark.ts';

/** A running node replaces files while they are read here: what is wrong for a moment only is not wrong. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 50;

/**
 * What the files of a database say before it is opened.
 * @throws StoreDamage when they cannot be opened, unless another process holds them: then LevelDB says so.
 */
export async function filesOf(dir: string, mark: Mark | undefined): Promise<FilesReport> {
  for (let look = 1; ; look++) {
    const report = await looked(dir, mark);
    if (report !== undefined && report.faults.length === 0 && report.cuts.length === 0) return report;
    if (look < LOOKS) {
      await pause(BETWEEN_LOOKS_MS);
      continue;
    }
    if (report === undefined || (await isLocked(dir)))
      return { fresh: false, faults: [], cuts: [], tornLog: undefined, read: 0, tables: 0, next: 0 };
    const [first, ...more] = report.faults;
    if (first === undefined) return report;
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
    throw new StoreDamage('file', `${first}${others}`);
  }
}

/** Undefined: a file went while it was to be read. */
async function looked(dir: string, mark: Mark | undefined): Promise<FilesReport | undefined> {
  try {
    return await checkFiles(dir, { bytes: hostLimits.openingTableBytes, from: mark?.nextTable ?? 0 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // A file is in the way, or rights are missing: LevelDB says it when it opens.
    if (code === 'ENOTDIR' || code === 'EACCES' || code === 'EPERM')
      return { fresh: true, faults: [], cuts: [], tornLog: undefined, read: 0, tables: 0, next: 0 };
    throw error;
  }
}

/** Does another process hold the database? Asked with LevelDB's own lock, of the same file under another name. */
export async function isLocked(dir: string): Promise<boolean> {
  let probe: string | undefined;
  try {
    probe = mkdtempSync(join(dir, '.probe-'));
    linkSync(join(dir, 'LOCK'), join(probe, 'LOCK'));
    const db = new Level(probe);
    await db.open();
    await db.close();
    return false;
  } catch (error) {
    let at: unknown = error;
    while (at instanceof Error && at.cause instanceof Error) at = at.cause;
    // A file system without links, or no lock file: then nobody holds it that this machine knows of.
    return (at as NodeJS.ErrnoException).code === 'LEVEL_LOCKED';
  } finally {
    if (probe !== undefined) rmSync(probe, { recursive: true, force: true });
  }
}

/** Takes away what LevelDB must not read; answers a sentence for each. */
export function applyCuts(dir: string, cuts: readonly LogCut[]): string[] {
  return cuts.map(({ file, keep, size }) => {
    truncateSync(join(dir, file), keep);
    return `the write log ${file} is damaged at byte ${keep}: the ${size - keep} bytes from there on are left out`;
  });
}
