import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readU32LE } from '../../util/bytes.ts';
import { type LogRead, readLog } from './leveldb-log.ts';
import { readManifest, Unreadable, type Version } from './leveldb-manifest.ts';
import { checkTable } from './leveldb-table.ts';
import { MARK_FILE } from './mark.ts';

/**
 * A look at LevelDB's files before LevelDB opens them. It reads tables without their checksums, skips damage in the middle
 * of its log, makes a new database over an old one whose CURRENT is missing, and ends the process by an assertion where a
 * block is not as it expects. None of that may happen to a chain.
 */

/** From here on a log must not be read: what follows contradicts what is before. */
export interface LogCut {
  readonly file: string;
  /** Bytes that stay. */
  readonly keep: number;
  readonly size: number;
}

export interface FilesReport {
  /** No database is here, nor what is left of one: a new one may be made. */
  readonly fresh: boolean;
  /** What cannot be, each with the file's name. */
  readonly faults: readonly string[];
  readonly cuts: readonly LogCut[];
  /** The end of this log was never whole: what a crash leaves, and what damage there looks like. */
  readonly tornLog: string | undefined;
  /** How many bytes of tables were read, and of how many. */
  readonly read: number;
  readonly tables: number;
  /** Where the next look shall begin if this one had to leave tables out. */
  readonly next: number;
}

/** `bytes` of tables are read whole, beginning with number `from`; of the others the ends alone. */
export interface FilesBudget {
  readonly bytes: number;
  readonly from: number;
}

const NOTHING = { cuts: [], tornLog: undefined, read: 0, tables: 0, next: 0 } as const;

export async function checkFiles(dir: string, budget: FilesBudget): Promise<FilesReport> {
  const names = await namesIn(dir);
  if (!names.includes('CURRENT')) {
    const rest = await leftOver(dir, names);
    if (rest === undefined) return { ...NOTHING, fresh: true, faults: [] };
    return { ...NOTHING, fresh: false, faults: [`CURRENT is missing, and ${rest} is there`] };
  }
  const found = await versionIn(dir, names);
  if (typeof found === 'string') return { ...NOTHING, fresh: false, faults: [found] };
  const faults: string[] = [];
  const tables = await checkTables(dir, names, found, budget, faults);
  const logs = await checkLogs(dir, names, found, faults);
  return { fresh: false, faults, ...tables, ...logs };
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return (await readdir(dir)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A file that only a database has which once was whole. The first start, killed half way, leaves but a first manifest. */
async function leftOver(dir: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    if (/\.(?:ldb|sst)$/.test(name) || name === MARK_FILE) return name;
    if (/^MANIFEST-/.test(name) && name !== 'MANIFEST-000001') return name;
    if (/^\d+\.log$/.test(name) && (await stat(join(dir, name))).size > 0) return name;
  }
  return undefined;
}

/** What the manifest says, or what is wrong with it. */
async function versionIn(dir: string, names: readonly string[]): Promise<Version | string> {
  const current = (await readFile(join(dir, 'CURRENT'))).toString('latin1');
  if (!/^MANIFEST-\d{6,}\n$/.test(current)) return 'CURRENT does not name a manifest';
  const manifest = current.trim();
  if (!names.includes(manifest)) return `${manifest} is missing`;
  try {
    return readManifest(await readFile(join(dir, manifest)));
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return `${manifest}: ${error.message}`;
  }
}

type TablesReport = Pick<FilesReport, 'read' | 'tables' | 'next'>;

async function checkTables(
  dir: string,
  names: readonly string[],
  version: Version,
  budget: FilesBudget,
  faults: string[],
): Promise<TablesReport> {
  const sorted = [...version.tables].sort(([a], [b]) => a - b);
  const first = Math.max(
    0,
    sorted.findIndex(([number]) => number >= budget.from),
  );
  let read = 0;
  let tables = 0;
  let next = 0;
  for (const [number, size] of [...sorted.slice(first), ...sorted.slice(0, first)]) {
    const data = read + size <= budget.bytes || read === 0;
    if (data) read += size;
    else if (next === 0) next = number;
    tables += size;
    const padded = String(number).padStart(6, '0');
    const name = [`${padded}.ldb`, `${padded}.sst`].find((one) => names.includes(one));
    const fault = name === undefined ? 'it is missing' : await tableFault(join(dir, name), size, data);
    if (fault !== undefined) faults.push(`${name ?? `${padded}.ldb`}: ${fault}`);
  }
  return { read, tables, next };
}

async function tableFault(file: string, size: number, data: boolean): Promise<string | undefined> {
  const handle = await open(file, 'r');
  try {
    const there = (await handle.stat()).size;
    if (there !== size) return `it has ${there} bytes instead of ${size}`;
    if (data) {
      const whole = await handle.readFile();
      await checkTable(size, async (offset, length) => whole.subarray(offset, offset + length), true);
    } else {
      const part = async (offset: number, length: number) =>
        (await handle.read(new Uint8Array(length), 0, length, offset)).buffer;
      await checkTable(size, part, false);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  } finally {
    await handle.close();
  }
}

type LogsReport = Pick<FilesReport, 'cuts' | 'tornLog'>;

/**
 * Every write has a number, and none is left out. So a gap shows what a hole in a log, a lost log or an older manifest have
 * taken, and what is behind the first gap is cut off.
 */
async function checkLogs(
  dir: string,
  names: readonly string[],
  version: Version,
  faults: string[],
): Promise<LogsReport> {
  const logs = names
    .filter((name) => /^\d+\.log$/.test(name) && Number.parseInt(name, 10) >= version.log)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  if (version.log > 0 && Number.parseInt(logs[0] ?? '0', 10) !== version.log)
    faults.push(`${String(version.log).padStart(6, '0')}.log is missing`);
  const cuts: LogCut[] = [];
  let tornLog: string | undefined;
  let next: number | undefined;
  let broken = false;
  for (const file of logs) {
    const bytes = await readFile(join(dir, file));
    const read = readLog(bytes);
    let keep = broken ? 0 : undefined;
    for (const record of broken ? [] : read.records) {
      const batch = batchIn(record.data);
      if (next === undefined && batch.first > version.lastSequence + 1) {
        faults.push(`the manifest is older than ${file}`);
        return { cuts: [], tornLog: undefined };
      }
      if (next !== undefined && batch.first !== next) {
        keep = record.at;
        break;
      }
      next = batch.first + batch.count;
    }
    keep ??= read.hole ? endOf(read) : undefined;
    if (keep !== undefined) {
      broken = true;
      if (keep < bytes.length) cuts.push({ file, keep, size: bytes.length });
    } else if (read.damagedAt !== undefined) tornLog = file;
  }
  return { cuts, tornLog };
}

function endOf({ records }: LogRead): number {
  return records.at(-1)?.end ?? 0;
}

/** LevelDB: WriteBatch: sequence u64 ‖ count u32 ‖ the changes. */
function batchIn(data: Uint8Array): { readonly first: number; readonly count: number } {
  if (data.length < 12) throw new Unreadable('a record of the log is too short');
  const first = readU32LE(data, 0) + readU32LE(data, 4) * 0x1_0000_0000;
  return { first, count: readU32LE(data, 8) };
}
