import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { makeDirectory } from '../../host/directories.ts';
import { failed, missing, misuse, Problem } from '../../yard/problem.ts';
import { readParams } from '../launcher/create.ts';
import {
  FORMAT,
  MANIFEST,
  MAX_MANIFEST,
  type Manifest,
  otherFormat,
  readManifest,
  type SavedFile,
} from '../launcher/save-format.ts';
import { shown } from '../yard/check.ts';
import { writeYard } from '../yard/file.ts';
import { allKeys } from '../yard/keyring.ts';
import { format1Entries, MAGIC_1, NO_SAVE, type SaveEntry, SaveFault, tarEntries } from './entries.ts';

/**
 * Unpacks a save into a directory of its own, checks every file against its hash, and puts it in place only when all is
 * well: a damaged save leaves nothing behind.
 */

/** Says what is wrong with the file, by its name. */
function refuse(file: string, why: string): Problem {
  return misuse(`${file} cannot be loaded: ${why}`, 'A save is made with: forkyard save FILE');
}

/** The first bytes say whether it is ours, before anything is unpacked. */
function formatOf(file: string): number {
  if (!existsSync(file)) throw missing(`there is no file ${file}`);
  const head = Buffer.alloc(MAGIC_1.length);
  let length = 0;
  try {
    const fd = openSync(file, 'r');
    length = readSync(fd, head);
    closeSync(fd);
  } catch (error) {
    throw refuse(file, (error as Error).message);
  }
  const line = head.subarray(0, length).toString('latin1');
  // What gzip begins with.
  if (line.startsWith('\x1f\x8b')) return FORMAT;
  if (line === MAGIC_1) return 1;
  const other = /^FORKYARD SAVE (\d+)\n/.exec(line);
  throw refuse(file, other === null ? NO_SAVE : otherFormat(other[1]!));
}

async function manifestIn(entry: SaveEntry, format: number): Promise<Manifest> {
  if (entry.name !== MANIFEST || !entry.isFile) throw new SaveFault(NO_SAVE);
  if (entry.bytes > MAX_MANIFEST)
    throw new SaveFault(`its list of files has ${entry.bytes} bytes; ${MAX_MANIFEST} is the most`);
  const pieces: Buffer[] = [];
  for await (const piece of entry.content) pieces.push(piece);
  const manifest = readManifest(Buffer.concat(pieces).toString('utf8'), format);
  if (!manifest.ok) throw new SaveFault(manifest.error);
  return manifest.value;
}

/** Writes one file, which must be what the list says: name, kind and size before a byte of it is written, then the hash. */
async function writeEntry(entry: SaveEntry, file: SavedFile, into: string): Promise<void> {
  const { path } = file;
  if (entry.name !== path) throw new SaveFault(`it holds ${shown(entry.name)} where ${path} belongs`);
  if (!entry.isFile) throw new SaveFault(`${path} in it is a link, a folder or the like, not a file`);
  if (entry.bytes !== file.bytes)
    throw new SaveFault(`${path} in it has ${entry.bytes} bytes, and ${file.bytes} in its list`);
  const at = join(into, ...path.split('/'));
  makeDirectory(dirname(at));
  const hash = createHash('sha256');
  const fd = openSync(at, 'wx', 0o600);
  try {
    for await (const piece of entry.content) {
      hash.update(piece);
      writeSync(fd, piece);
    }
  } finally {
    closeSync(fd);
  }
  if (hash.digest('hex') !== file.sha256)
    throw new SaveFault(`${path} in it is not as it was saved: the file was changed or damaged`);
}

async function writeEntries(
  entries: AsyncIterable<SaveEntry>,
  format: number,
  into: string,
): Promise<Manifest> {
  let manifest: Manifest | undefined;
  let written = 0;
  for await (const entry of entries) {
    if (manifest === undefined) {
      manifest = await manifestIn(entry, format);
      continue;
    }
    const file = manifest.files[written];
    if (file === undefined) throw new SaveFault('there is more in it than its list says');
    await writeEntry(entry, file, into);
    written += 1;
  }
  if (manifest === undefined) throw new SaveFault(NO_SAVE);
  if (written < manifest.files.length) throw new SaveFault('it ends too early');
  return manifest;
}

async function unpackInto(file: string, format: number, into: string): Promise<Manifest> {
  const unzipped = createGunzip();
  // Its failures are those of `unzipped`, which its reader reports.
  pipeline(createReadStream(file, { start: format === 1 ? MAGIC_1.length : 0 }), unzipped, () => undefined);
  const entries = format === 1 ? format1Entries(unzipped) : tarEntries(unzipped);
  try {
    return await writeEntries(entries, format, into);
  } catch (error) {
    if (error instanceof SaveFault) throw refuse(file, error.message);
    const { code, message } = error as NodeJS.ErrnoException;
    // A disk that takes no more.
    if (code !== undefined) throw refuse(file, message);
    throw error;
  }
}

/** A save unpacked and found whole, in a directory beside the one it is for. */
export interface Unpacked {
  readonly manifest: Manifest;
  /** Moves it to its place, where nothing of its names may be. */
  placeIn(dir: string): void;
  discard(): void;
}

export async function unpack(file: string, target: string): Promise<Unpacked> {
  const format = formatOf(file);
  const parent = dirname(target);
  try {
    makeDirectory(parent);
  } catch (error) {
    throw failed(`cannot make ${parent}: ${(error as Error).message}`, 'Choose another place: --data DIR');
  }
  const into = mkdtempSync(join(parent, `.${basename(target)}.loading-`));
  const discard = () => rmSync(into, { recursive: true, force: true });
  try {
    const manifest = await unpackInto(file, format, into);
    checkContent(file, into);
    // Last, because a directory with this file is a yard.
    writeYard(into, manifest.yard);
    return { manifest, placeIn: (dir) => place(into, dir), discard };
  } catch (error) {
    discard();
    throw error;
  }
}

/** What the launcher will read at once must be readable; each node checks its own chain when it opens. */
function checkContent(file: string, into: string): void {
  try {
    allKeys(into, readParams(into));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw refuse(file, error.message.replaceAll(`${into}/`, ''));
  }
}

/** Is there nothing here that a load could overwrite? */
export function isVacant(dir: string): boolean {
  const found = statSync(dir, { throwIfNoEntry: false });
  return found === undefined || (found.isDirectory() && readdirSync(dir).length === 0);
}

/** File by file, because somebody may be standing in the directory. */
function place(from: string, target: string): void {
  makeDirectory(target);
  const names = readdirSync(from).sort((a, b) => Number(a === 'yard.json') - Number(b === 'yard.json'));
  for (const name of names) renameSync(join(from, name), join(target, name));
  rmdirSync(from);
}
