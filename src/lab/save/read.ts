import { createHash, type Hash } from 'node:crypto';
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
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { makeDirectory } from '../../host/directories.ts';
import { failed, missing, misuse, Problem } from '../../yard/problem.ts';
import { readParams } from '../launcher/create.ts';
import { MAGIC, MAX_MANIFEST, type Manifest, readManifest, type SavedFile } from '../launcher/save-format.ts';
import { writeYard } from '../yard/file.ts';
import { allKeys } from '../yard/keyring.ts';

/**
 * Unpacks a save into a directory of its own, checks every file against its hash, and puts it in place only when all is
 * well: a damaged save leaves nothing behind.
 */

/** Says what is wrong with the file, by its name. */
function refuse(file: string, why: string): Problem {
  return misuse(`${file} cannot be loaded: ${why}`, 'A save is made with: forkyard save FILE');
}

/** The first line says whether it is ours, before anything is unpacked. */
function checkMagic(file: string): void {
  if (!existsSync(file)) throw missing(`there is no file ${file}`);
  const head = Buffer.alloc(MAGIC.length);
  let length = 0;
  try {
    const fd = openSync(file, 'r');
    length = readSync(fd, head);
    closeSync(fd);
  } catch (error) {
    throw refuse(file, (error as Error).message);
  }
  const line = head.subarray(0, length).toString('latin1');
  if (line === MAGIC) return;
  const other = /^FORKYARD SAVE (\d+)\n/.exec(line);
  throw refuse(
    file,
    other === null
      ? 'it is not a save of forkyard'
      : `it has format ${other[1]}, and this forkyard reads format 1`,
  );
}

/** Takes the unpacked bytes apart: the manifest's line, then one file after the other. */
class Unpacker {
  readonly #file: string;
  readonly #into: string;
  #head: Buffer[] = [];
  #headBytes = 0;
  #left: SavedFile[] = [];
  #open: { fd: number; file: SavedFile; missing: number; hash: Hash } | undefined;
  manifest: Manifest | undefined;

  constructor(file: string, into: string) {
    this.#file = file;
    this.#into = into;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.manifest === undefined) {
      const end = rest.indexOf(0x0a);
      this.#head.push(end < 0 ? rest : rest.subarray(0, end));
      this.#headBytes += rest.length;
      if (end < 0 && this.#headBytes > MAX_MANIFEST) throw refuse(this.#file, 'its list of files has no end');
      if (end < 0) return;
      this.#begin(Buffer.concat(this.#head).toString('utf8'));
      rest = rest.subarray(end + 1);
    }
    while (rest.length > 0) {
      const open = this.#open;
      if (open === undefined) throw refuse(this.#file, 'there is more in it than its list says');
      const piece = rest.subarray(0, open.missing);
      writeSync(open.fd, piece);
      open.hash.update(piece);
      open.missing -= piece.length;
      rest = rest.subarray(piece.length);
      if (open.missing === 0) this.#finish();
    }
  }

  #begin(text: string): void {
    const manifest = readManifest(text);
    if (!manifest.ok) throw refuse(this.#file, manifest.error);
    this.manifest = manifest.value;
    this.#left = [...manifest.value.files];
    this.#next();
  }

  /** Opens the next file; those without a byte are done at once. */
  #next(): void {
    for (let file = this.#left.shift(); file !== undefined; file = this.#left.shift()) {
      const at = join(this.#into, ...file.path.split('/'));
      makeDirectory(dirname(at));
      this.#open = { fd: openSync(at, 'wx', 0o600), file, missing: file.bytes, hash: createHash('sha256') };
      if (file.bytes > 0) return;
      this.#close();
    }
  }

  #close(): void {
    const { fd, file, hash } = this.#open!;
    closeSync(fd);
    this.#open = undefined;
    if (hash.digest('hex') !== file.sha256)
      throw refuse(this.#file, `${file.path} in it is not as it was saved: the file was changed or damaged`);
  }

  #finish(): void {
    this.#close();
    this.#next();
  }

  end(): Manifest {
    if (this.manifest === undefined || this.#open !== undefined)
      throw refuse(this.#file, 'it ends too early');
    return this.manifest;
  }

  /** After a failure: lets go of the file that is being written. */
  abandon(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
  }
}

async function unpackInto(file: string, into: string): Promise<Manifest> {
  const unpacker = new Unpacker(file, into);
  // A pipeline that its own end breaks off may report the abortion instead of the reason.
  let reason: unknown;
  try {
    await pipeline(createReadStream(file, { start: MAGIC.length }), createGunzip(), async (chunks) => {
      try {
        for await (const chunk of chunks as AsyncIterable<Buffer>) unpacker.push(chunk);
      } catch (error) {
        reason = error;
        throw error;
      }
    });
    return unpacker.end();
  } catch (error) {
    unpacker.abandon();
    for (const why of [reason, error]) if (why instanceof Problem) throw why;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR')
      throw refuse(file, 'it ends too early: it was cut off, perhaps while it was copied');
    throw refuse(file, code?.startsWith('Z_') === true ? `it is damaged (${message})` : message);
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
  checkMagic(file);
  const parent = dirname(target);
  try {
    makeDirectory(parent);
  } catch (error) {
    throw failed(`cannot make ${parent}: ${(error as Error).message}`, 'Choose another place: --data DIR');
  }
  const into = mkdtempSync(join(parent, `.${basename(target)}.loading-`));
  const discard = () => rmSync(into, { recursive: true, force: true });
  try {
    const manifest = await unpackInto(file, into);
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
