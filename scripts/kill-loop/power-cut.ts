import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/util/random.ts';

/**
 * A power cut without cutting power. kill -9 keeps the page cache, so everything that was written survives it. A preloaded
 * library records how far each file was flushed (flush-journal.c); after the kill, a drawn part of what lies behind that is
 * torn away: cut off, or replaced by zeros as file systems do that grew the file before they wrote its blocks.
 */
export interface PowerCut {
  /** What a node's process needs in its environment; each node has a journal of its own. */
  environment(node: string): Readonly<Record<string, string>>;
  /** Tears files below `dir`, whose process has ended. Answers how many bytes were lost. */
  tear(node: string, dir: string, random: Random): number;
}

/**
 * Builds the library with the C compiler of this machine; answers why not in a sentence, where that fails.
 * `lying`: the disk acknowledges flushes of LevelDB's write-ahead logs without performing them, so their ends are lost.
 */
export function createPowerCut(dir: string, source: string, lying: boolean): PowerCut | string {
  if (process.platform !== 'linux') return 'no power cuts: they need LD_PRELOAD, which only Linux has';
  const library = join(dir, 'flush-journal.so');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { stdio: 'pipe' });
  } catch (error) {
    return `no power cuts: cc did not build ${source} (${(error as Error).message.split('\n')[0]})`;
  }
  const journalOf = (node: string) => join(dir, `${node}.flushes`);
  return {
    environment: (node) => ({ LD_PRELOAD: library, FLUSH_JOURNAL: journalOf(node) }),
    tear: (node, at, random) => {
      const journal = journalOf(node);
      const flushed = readJournal(journal);
      let lost = 0;
      for (const file of filesBelow(at)) {
        const { ino, size } = statSync(file);
        const safe = lying && file.endsWith('.log') ? 0 : Math.min(size, flushed.get(ino) ?? 0);
        lost += tearFile(file, size, safe, random);
      }
      // What survived is on the disk. Inodes are used again, so old entries must not vouch for new files.
      rmSync(journal, { force: true });
      for (const file of filesBelow(at)) {
        const { ino, size } = statSync(file);
        appendFileSync(journal, `${ino} ${size}\n`);
      }
      return lost;
    },
  };
}

/** Flushed bytes by inode: the last entry of each. */
function readJournal(path: string): Map<number, number> {
  const flushed = new Map<number, number>();
  if (!existsSync(path)) return flushed;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [ino, size] = line.split(' ').map(Number);
    if (size !== undefined) flushed.set(ino!, size);
  }
  return flushed;
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1));
}

function tearFile(file: string, size: number, safe: number, random: Random): number {
  const kept = safe + random.below(size - safe + 1);
  if (kept === size) return 0;
  const fd = openSync(file, 'r+');
  try {
    ftruncateSync(fd, kept);
    // Growing it again fills the rest with zeros.
    if (random.below(3) === 0) ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
  return size - kept;
}
