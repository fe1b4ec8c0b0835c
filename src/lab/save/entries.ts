import { pipeline, type Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { MANIFEST, MAX_MANIFEST, readManifest, TOP_FOLDER } from '../launcher/save-format.ts';

/** The files of a save one after the other, the list of files first: out of a tar, or out of the format before it. */

export interface SaveEntry {
  /** Within the yard. */
  readonly name: string;
  readonly isFile: boolean;
  readonly bytes: number;
  readonly content: AsyncIterable<Buffer>;
}

/** The file is no save, or no whole one; the message says which, for a person. */
export class SaveFault extends Error {}

export const NO_SAVE = 'it is not a save of forkyard';
const CUT_OFF = 'it ends too early';

/** How many bytes a tar may spend on the headers of one entry (its own, and one for a long path), and beside all of them. */
const HEADERS_BYTES = 2048;
const SPARE_BYTES = 64 << 10;
const BLOCK = 512;

/** What is wrong with the file, out of the error of who reads it: zlib, tar-stream or the file system. */
function faultOf(error: unknown, isSave: boolean): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return new SaveFault(`${CUT_OFF}: it was cut off, perhaps while it was copied`);
  if (code?.startsWith('Z_') === true) return new SaveFault(`it is damaged (${message})`);
  if (code !== undefined) return new SaveFault(message);
  // tar-stream throws plain errors. Those of other classes are bugs.
  if ((error as Error).constructor !== Error) return error;
  return new SaveFault(isSave ? `it is damaged (${message})` : NO_SAVE);
}

async function* explained<T>(items: AsyncIterable<T>, isSave = () => true): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw faultOf(error, isSave());
  }
}

function nameIn({ name }: Header): string {
  const top = `${TOP_FOLDER}/`;
  return name.startsWith(top) ? name.slice(top.length) : `/${name}`;
}

/**
 * The entries of a tar. A file of some kilobytes can unpack to millions of headers (of long names and the like) that make
 * no entry and cost time, so whatever is no content of an entry has a budget.
 */
export async function* tarEntries(unzipped: Readable): AsyncGenerator<SaveEntry> {
  let budget = SPARE_BYTES;
  async function* bounded(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      budget -= chunk.length;
      if (budget < 0) throw new SaveFault('there is more in it than its files');
      yield chunk;
    }
  }
  const archive = extract();
  // Its failures are those of `archive`, which the loop reports.
  pipeline(unzipped, bounded, archive, () => undefined);
  let isSave = false;
  for await (const entry of explained(archive, () => isSave)) {
    isSave = true;
    const { header } = entry;
    const bytes = header.size;
    budget += HEADERS_BYTES + Math.ceil(bytes / BLOCK) * BLOCK;
    yield {
      name: nameIn(header),
      isFile: header.type === 'file',
      bytes,
      content: explained(entry as AsyncIterable<Buffer>),
    };
  }
}

/** The first line of the format before tar, which version 0.1.0 wrote; gzip follows. */
export const MAGIC_1 = 'FORKYARD SAVE 1\n';

/** Of format 1: a line of JSON, the list of files, then their bytes, one after the other, nothing between. */
export async function* format1Entries(unzipped: Readable): AsyncGenerator<SaveEntry> {
  const chunks = explained<Buffer>(unzipped);
  let rest: Buffer = Buffer.alloc(0);
  const isOver = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return true;
      rest = next.value;
    }
    return false;
  };
  async function* take(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      if (await isOver()) throw new SaveFault(CUT_OFF);
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
  const line: Buffer[] = [];
  for (let end = -1, length = 0; end < 0; ) {
    if (await isOver()) throw new SaveFault(CUT_OFF);
    end = rest.indexOf(0x0a);
    line.push(end < 0 ? rest : rest.subarray(0, end));
    length += rest.length;
    rest = rest.subarray(end < 0 ? rest.length : end + 1);
    if (end < 0 && length > MAX_MANIFEST) throw new SaveFault('its list of files has no end');
  }
  const text = Buffer.concat(line);
  const content = async function* () {
    yield text;
  };
  yield { name: MANIFEST, isFile: true, bytes: text.length, content: content() };
  const manifest = readManifest(text.toString('utf8'), 1);
  if (!manifest.ok) throw new SaveFault(manifest.error);
  for (const { path, bytes } of manifest.value.files)
    yield { name: path, isFile: true, bytes, content: take(bytes) };
  if (!(await isOver())) throw new SaveFault('there is more in it than its list says');
}
