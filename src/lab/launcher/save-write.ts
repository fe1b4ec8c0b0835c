import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { makeDirectory } from '../../host/directories.ts';
import { failed, missing } from '../../yard/problem.ts';
import type { YardFile } from '../yard/check.ts';
import {
  belongs,
  FORMAT,
  MANIFEST,
  MAX_BYTES,
  MAX_FILES,
  type Manifest,
  type SavedFile,
  TOP_FOLDER,
} from './save-format.ts';

/** Packs a yard's directory, whose processes stand still or are stopped, into one file. */

export interface Saved {
  readonly file: string;
  readonly files: number;
  /** Of the yard, and of the file that holds it. */
  readonly bytes: number;
  readonly packed: number;
}

/** Where a yard is copied to; `belongs` leaves it out. */
const STAGE = '.saving';

/** Copies what belongs to the yard: fast, so that a yard that runs stands still for a moment only. */
export function stage(dir: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  makeDirectory(to);
  for (const name of readdirSync(dir).filter(belongs))
    cpSync(join(dir, name), join(to, name), {
      recursive: true,
      filter: (from) => from === dir || belongs(basename(from)),
    });
}

/** Regular files below `dir`, by path, in a fixed order. */
function listFiles(dir: string, below = ''): string[] {
  return readdirSync(join(dir, below), { withFileTypes: true })
    .filter((entry) => belongs(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) return listFiles(dir, path);
      return entry.isFile() ? [path] : [];
    });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Who would be replaced by mistake is told before any work. */
export function mayWrite(target: string, force: boolean): void {
  if (existsSync(target) && !force)
    throw failed(`${target} is there already`, 'Choose another name, or replace it with --force');
  if (!existsSync(dirname(resolve(target)))) throw missing(`there is no folder ${dirname(resolve(target))}`);
}

/** Copies by `copy`, then packs the copy. */
export async function packStaged(
  dir: string,
  target: string,
  copy: (to: string) => Promise<YardFile> | YardFile,
): Promise<Saved> {
  const staged = join(dir, STAGE);
  try {
    return await packYard(staged, await copy(staged), target);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** The list and the files that it names. The same list and files give the same bytes: no time, owner or mode of this disk. */
async function addFiles(archive: Pack, dir: string, manifest: Manifest): Promise<void> {
  const add = (name: string, size: number) =>
    archive.entry({
      name: `${TOP_FOLDER}/${name}`,
      size,
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtime: new Date(manifest.savedAt),
      type: 'file',
    });
  const list = Buffer.from(`${JSON.stringify(manifest)}\n`);
  await pipeline([list], add(MANIFEST, list.length));
  for (const { path, bytes } of manifest.files)
    await pipeline(createReadStream(join(dir, path)), add(path, bytes));
  archive.finalize();
}

/** Writes beside the target and renames over it: there is a whole save or none. Mode 0600: secret keys are inside. */
async function packYard(dir: string, yard: YardFile, target: string): Promise<Saved> {
  const paths = listFiles(dir);
  const files: SavedFile[] = [];
  for (const path of paths) {
    const at = join(dir, path);
    files.push({ path, bytes: statSync(at).size, sha256: await hashOf(at) });
  }
  const bytes = files.reduce((sum, f) => sum + f.bytes, 0);
  if (files.length > MAX_FILES || bytes > MAX_BYTES)
    throw failed(`this yard has ${files.length} files of ${bytes} bytes together: more than a save may hold`);
  const manifest: Manifest = { v: FORMAT, savedAt: new Date().toISOString(), yard, files };
  const part = `${target}.part`;
  try {
    const archive = pack();
    const zipped = pipeline(archive, createGzip(), createWriteStream(part, { mode: 0o600 }));
    const added = addFiles(archive, dir, manifest).catch((error: Error) => archive.destroy(error));
    // A failure of either ends both, and the reason reaches `zipped`.
    await Promise.allSettled([zipped, added]);
    await zipped;
    const fd = openSync(part, 'r');
    fsyncSync(fd);
    closeSync(fd);
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw failed(`cannot write ${target}: ${(error as Error).message}`);
  }
  return { file: target, files: files.length, bytes, packed: statSync(target).size };
}
