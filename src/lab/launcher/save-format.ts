import { err, ok, type Result } from '../../util/result.ts';
import type { YardFile } from '../yard/check.ts';
import { shown, strangersYard } from '../yard/check.ts';

/**
 * One file that holds a whole yard: a tar, zipped by gzip. All is in one folder, so that `tar xzf` makes one. Its first file
 * is the list of the others, with their hashes; they follow in the order of the list.
 */

export const FORMAT = 2;
export const TOP_FOLDER = 'yard';
export const MANIFEST = 'save.json';
/** More than the longest yard of a course: 64 nodes with a LevelDB each. */
export const MAX_FILES = 20_000;
/** Unpacked, all together. A file of some megabytes could otherwise fill a disk. */
export const MAX_BYTES = 4 * 1024 ** 3;
/** Of the list: paths and hashes of `MAX_FILES` files. */
export const MAX_MANIFEST = 8 << 20;

export interface SavedFile {
  /** Within the yard, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

export interface Manifest {
  /** The format: 2, or 1 in what version 0.1.0 wrote. */
  readonly v: number;
  /** ISO time. */
  readonly savedAt: string;
  readonly yard: YardFile;
  readonly files: readonly SavedFile[];
}

/** What only the running launcher and its nodes need, or what another save holds already. */
const PASSING = new Set([
  'launchers',
  'launcher.lock',
  'control.cookie',
  'yard.json',
  'node.json',
  'LOCK',
  'LOG',
  'LOG.old',
  'snapshots',
]);

/** What a process that was killed while it wrote a file leaves beside it (`writeAtomically`). */
const TEMPORARY = /\.\d+\.[0-9a-f]{6}$/;

/** Does a file or folder of this name belong to the yard's state? A damaged database that was moved away does not. */
export function belongs(name: string): boolean {
  return !PASSING.has(name) && !/^(?:\.|db\.damaged)/.test(name) && !TEMPORARY.test(name);
}

/** Folders and files that may stand at the top of a save, beside one folder a node. */
const TOP = ['genesis.json', 'keys', 'yard.jsonl', 'yard.1.jsonl'];
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const MAX_DEPTH = 4;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

export function otherFormat(format: number | string): string {
  return `it has format ${format}, and this forkyard reads formats 1 and ${FORMAT}`;
}

/** The manifest of a save of this format, or the first thing in it that cannot be: a save comes from somebody else. */
export function readManifest(text: string, format: number): Result<Manifest, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err('its list of files is not JSON');
  }
  const given = json as Partial<Manifest> | null;
  if (typeof given !== 'object' || given === null || !Number.isSafeInteger(given.v))
    return err('its list of files is not one of ours');
  if (given.v !== format) return err(otherFormat(given.v!));
  const { savedAt, files } = given;
  if (typeof savedAt !== 'string' || !ISO_TIME.test(savedAt))
    return err(`its savedAt is ${shown(savedAt)}, not a time`);
  if (!Array.isArray(files)) return err(`its files is ${shown(files)}, not a list`);
  const yard = strangersYard(given.yard);
  if (!yard.ok) return err(`its yard cannot be: ${yard.error}`);
  const fault = filesFault(files, yard.value);
  return fault === undefined ? ok({ v: format, savedAt, yard: yard.value, files }) : err(fault);
}

function filesFault(files: readonly unknown[], yard: YardFile): string | undefined {
  if (files.length > MAX_FILES) return `it holds ${files.length} files; ${MAX_FILES} is the most`;
  const tops = new Set([...TOP, ...yard.nodes.map((n) => n.letter)]);
  const seen = new Set<string>();
  let sum = 0;
  for (const entry of files) {
    const { path, bytes, sha256 } = (entry ?? {}) as Partial<SavedFile>;
    if (typeof path !== 'string' || !isInside(path, tops))
      return `it would write ${shown(path)}, which belongs to no yard`;
    if (seen.has(path)) return `it holds ${path} twice`;
    seen.add(path);
    if (!Number.isSafeInteger(bytes) || bytes! < 0) return `the size of ${path} is ${shown(bytes)}`;
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return `the hash of ${path} is not one`;
    sum += bytes!;
  }
  if (sum > MAX_BYTES) return `it would fill ${sum} bytes; ${MAX_BYTES} is the most`;
  return seen.has('genesis.json') ? undefined : 'it lacks genesis.json';
}

function isInside(path: string, tops: ReadonlySet<string>): boolean {
  const segments = path.split('/');
  return (
    tops.has(segments[0]!) &&
    segments.length <= MAX_DEPTH &&
    segments.every((s) => SEGMENT.test(s) && belongs(s))
  );
}
