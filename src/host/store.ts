import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ChainedBatch, type GetOptions, type IteratorOptions, Level } from 'level';
import type { Row, Store, Write } from '../consensus/store.ts';
import { hostLimits } from './limits.ts';

/** The database cannot be opened or read: the sentence is for the user, `kind` for tests. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: 'locked' | 'corrupt' | 'unusable';

  constructor(kind: StoreError['kind'], sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.kind = kind;
  }
}

/** A batch did not reach the disk. Nothing of its step may be heard: the process ends, and the disk is the truth. */
export class CommitError extends Error {
  override readonly name = 'CommitError';

  constructor(sentence: string, cause?: unknown) {
    super(sentence, { cause });
  }
}

/** What is on disk at one instant. Must be closed: LevelDB keeps every record that it can still see. */
export interface StoreSnapshot extends Store {
  /** All records whose key starts with `prefix`, in key order, read in bounded batches off the main thread. */
  rows(prefix: Uint8Array): AsyncIterable<Row>;
  close(): Promise<void>;
}

export interface StoreStats {
  readonly commits: number;
  readonly writes: number;
  readonly longestCommitMs: number;
}

type Db = Level<Uint8Array, Uint8Array>;
type Snapshot = ReturnType<Db['snapshot']>;
type Get = (key: Uint8Array, options?: GetOptions<Uint8Array, Uint8Array>) => Uint8Array | undefined;

const ENCODING = { keyEncoding: 'view', valueEncoding: 'view' } as const;

/**
 * Opens (or makes) the database in `dir`. LevelDB locks the directory: one process each.
 * @throws StoreError with a sentence for the user.
 */
export async function openStore(dir: string): Promise<DiskStore> {
  const db: Db = new Level<Uint8Array, Uint8Array>(dir, {
    ...ENCODING,
    cacheSize: hostLimits.storeCacheBytes,
    writeBufferSize: hostLimits.storeWriteBufferBytes,
  });
  try {
    await db.open();
  } catch (error) {
    throw openingError(dir, error);
  }
  return new DiskStore(dir, db);
}

/** The node's store on disk: LevelDB, read synchronously, written in atomic batches. */
export class DiskStore implements Store {
  readonly dir: string;
  readonly #db: Db;
  #commits = 0;
  #writes = 0;
  #longest = 0;

  /** Use {@link openStore}. */
  constructor(dir: string, db: Db) {
    this.dir = dir;
    this.#db = db;
  }

  /** @throws StoreError when the record is damaged. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#read(key, undefined);
  }

  /**
   * All or nothing; with `durable` on the disk itself when the promise settles, otherwise with the operating system
   * (which survives the end of the process, not that of the machine).
   * @throws CommitError
   */
  async commit(writes: readonly Write[], durable: boolean): Promise<void> {
    if (writes.length === 0) return;
    const started = performance.now();
    try {
      // A chained batch hands each record over at once; an array batch costs five times as much for a full block.
      const batch = this.#db.batch() as unknown as ChainedBatch<Db, Uint8Array, Uint8Array>;
      for (let i = 0; i < writes.length; i++) {
        const { key, value } = writes[i]!;
        if (value === undefined) batch.del(key);
        else batch.put(key, value);
        // A full block is 18,000 rows: tens of milliseconds in which no socket would be read.
        if (i % hostLimits.storeWriteRows === hostLimits.storeWriteRows - 1) await nextTurn();
      }
      await batch.write({ sync: durable });
    } catch (error) {
      throw commitError(this.dir, error);
    }
    this.#commits++;
    this.#writes += writes.length;
    this.#longest = Math.max(this.#longest, performance.now() - started);
  }

  /** Everything under these one-byte prefixes, in memory: what a node wants at opening (consensus/records.ts). */
  async opening(prefixes: readonly number[]): Promise<Row[]> {
    const found: Row[] = [];
    for (const prefix of prefixes) {
      for await (const row of this.#range(Uint8Array.of(prefix), undefined)) found.push(row);
    }
    return found;
  }

  /** The first records under a prefix, at most `limit`, in key order. */
  async prefix(prefix: Uint8Array, limit: number): Promise<Row[]> {
    const found: Row[] = [];
    for await (const row of this.#range(prefix, undefined, limit)) found.push(row);
    return found;
  }

  snapshot(): StoreSnapshot {
    const snapshot = this.#db.snapshot();
    return {
      get: (key) => this.#read(key, snapshot),
      rows: (prefix) => this.#range(prefix, snapshot),
      close: () => snapshot.close(),
    };
  }

  stats(): StoreStats {
    return { commits: this.#commits, writes: this.#writes, longestCommitMs: this.#longest };
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  #read(key: Uint8Array, snapshot: Snapshot | undefined): Uint8Array | undefined {
    const getSync = this.#db.getSync.bind(this.#db) as Get;
    try {
      const value = snapshot === undefined ? getSync(key) : getSync(key, { ...ENCODING, snapshot });
      return value === undefined ? undefined : plain(value);
    } catch (error) {
      throw readingError(this.dir, error);
    }
  }

  async *#range(prefix: Uint8Array, snapshot: Snapshot | undefined, limit = -1): AsyncGenerator<Row> {
    const end = afterPrefix(prefix);
    const options: IteratorOptions<Uint8Array, Uint8Array> = {
      ...ENCODING,
      gte: prefix,
      ...(end === undefined ? {} : { lt: end }),
      ...(snapshot === undefined ? {} : { snapshot }),
      limit,
      highWaterMarkBytes: hostLimits.storeReadBytes,
    };
    const iterator = this.#db.iterator(options);
    try {
      for (;;) {
        const batch = await iterator.nextv(hostLimits.storeReadRows);
        if (batch.length === 0) return;
        for (const [key, value] of batch) yield { key: plain(key), value: plain(value) };
      }
    } catch (error) {
      throw readingError(this.dir, error);
    } finally {
      await iterator.close();
    }
  }
}

/**
 * LevelDB hands out Buffers, whose `slice` shares memory where that of a Uint8Array copies: pure code that reverses
 * a slice would change the original.
 */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The first key after all that start with `prefix`; undefined: there is none. */
function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  const last = prefix.findLastIndex((byte) => byte < 255);
  if (last < 0) return undefined;
  const end = prefix.slice(0, last + 1);
  end[last]!++;
  return end;
}

/** LevelDB's own words and code: abstract-level wraps them as the cause of "Database failed to open". */
function rootOf(error: unknown): { code: string; text: string } {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  const code = at instanceof Error && 'code' in at ? String(at.code) : '';
  return { code, text: at instanceof Error ? at.message : String(at) };
}

function openingError(dir: string, error: unknown): StoreError {
  const { code, text } = rootOf(error);
  if (code === 'LEVEL_LOCKED') {
    return new StoreError(
      'locked',
      `${dir} is in use by another running process: one node each directory`,
      error,
    );
  }
  if (code === 'LEVEL_CORRUPTION') return corrupt(dir, text, error);
  return new StoreError('unusable', `cannot open the database in ${dir}: ${text}`, error);
}

function readingError(dir: string, error: unknown): StoreError {
  const { code, text } = rootOf(error);
  if (code === 'LEVEL_CORRUPTION') return corrupt(dir, text, error);
  return new StoreError('unusable', `cannot read the database in ${dir}: ${text}`, error);
}

function corrupt(dir: string, text: string, error: unknown): StoreError {
  const advice = 'move the directory away and start again; the node then syncs from its peers';
  return new StoreError('corrupt', `the database in ${dir} is damaged (${text}): ${advice}`, error);
}

function commitError(dir: string, error: unknown): CommitError {
  const { text } = rootOf(error);
  const why = /no space left|ENOSPC|disk quota/i.test(text)
    ? 'the disk is full'
    : `the disk refused (${text})`;
  return new CommitError(
    `cannot write to ${dir}: ${why}. The node ends here; nothing that it told is lost, and it opens again where it was`,
    error,
  );
}
