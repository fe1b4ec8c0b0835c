import { readFileSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';
import type { Manifest } from '../../src/lab/launcher/save-format.ts';

/** Saves as a stranger makes them: any list, any entries, in any order. */
export interface TarEntry {
  readonly header: Partial<Header> & Pick<Header, 'name'>;
  readonly content: Buffer;
}

export async function readTar(bytes: Buffer): Promise<TarEntry[]> {
  const archive = extract();
  archive.end(gunzipSync(bytes));
  const entries: TarEntry[] = [];
  for await (const entry of archive)
    entries.push({ header: entry.header, content: await buffer(entry as AsyncIterable<Buffer>) });
  return entries;
}

export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { header, content } of entries) archive.entry({ ...header, size: content.length }, content);
  archive.finalize();
  return buffer(archive as AsyncIterable<Buffer>);
}

/** The save with its list changed by `change`, and its files by `files`. */
export async function forgeSave(
  file: string,
  change: (manifest: Manifest) => unknown,
  files: (entries: readonly TarEntry[]) => readonly TarEntry[] = (entries) => entries,
): Promise<void> {
  const [list, ...rest] = await readTar(readFileSync(file));
  const manifest = JSON.parse(list!.content.toString()) as Manifest;
  const text = Buffer.from(`${JSON.stringify(change(manifest))}\n`);
  writeFileSync(file, gzipSync(await tarOf([{ ...list!, content: text }, ...files(rest)])));
}

/** The save in the format of version 0.1.0. */
export function format1Of(manifest: unknown, contents: readonly Buffer[]): Buffer {
  const inside = Buffer.concat([Buffer.from(`${JSON.stringify(manifest)}\n`), ...contents]);
  return Buffer.concat([Buffer.from('FORKYARD SAVE 1\n'), gzipSync(inside)]);
}
