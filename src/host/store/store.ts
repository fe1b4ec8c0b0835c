import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ChainedBatch, type GetOptions, type IteratorOptions, Level } from 'level';
import type { Params } from '../../consensus/params/params.ts';
import { StoreDamage } from '../../consensus/store/damage.ts';
import { META_KEY, TIP_KEY } from '../../consensus/store/records.ts';
import type { Row, Store, Write } from '../../consensus/store/store.ts';
import { equal } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import { hostLimits } from '../limits.ts';
import { applyCuts, filesOf } from './files.ts';
import { type Db, encodeStoreRow, LAST_OWN_KEY, openFormat, STORE_KEY } from './format.ts';
import { type Mark, MarkFile, readMark } from './mark.ts';
import { isWhole, plainCrc, RowSealer, unseal } from './row-seal.ts';

/** The database cannot be opened or read: the sentence is for the user, `kind` for tests. Damage is a `StoreDamage`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: 'locked' | 'unusable';

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

type Snapshot = ReturnType<Db['snapshot']>;
type Get = (key: Uint8Array, options?: GetOptions<Uint8Array, Uint8Array>) => Uint8Array | undefined;

const ENCODING = { keyEncoding: 'view', valueEncoding: 'view' } as const;

/** What a database held for certain, and does not hold any more. */
export interface Loss {
  /** Durable batches that are gone. */
  readonly batches: number;
  /** The tip that they had led to. */
  readonly tip: Uint8Array | undefined;
}

export interface StoreOptions {
  /** Of the network: a database of format 1 has its bodies compared with their headers when it is converted. */
  readonly params?: Params;
  /** Hears what is done to the database at opening. */
  readonly note?: (sentence: string) => void;
}

/**
 * Opens (or makes) the database in `dir`, after a look at its files. LevelDB locks the directory: one process each.
 * @throws StoreError with a sentence for the user; StoreDamage; StoreMismatch for a newer format.
 */
export async function openStore(dir: string, o: StoreOptions = {}): Promise<DiskStore> {
  const note = o.note ?? (() => undefined);
  const mark = readMark(dir);
  const files = await filesOf(dir, mark);
  for (const sentence of applyCuts(dir, files.cuts)) note(sentence);
  const db: Db = new Level<Uint8Array, Uint8Array>(dir, {
    ...ENCODING,
    // Over what is left of a database LevelDB would make a new one, and delete its tables.
    createIfMissing: files.fresh,
    cacheSize: hostLimits.storeCacheBytes,
    writeBufferSize: hostLimits.storeWriteBufferBytes,
  });
  try {
    await db.open();
  } catch (error) {
    throw openingError(dir, error);
  }
  try {
    const commits = await openFormat(db, { params: o.params, note });
    return new DiskStore(dir, db, { commits, mark, nextTable: files.next });
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** The node's store on disk: LevelDB, read synchronously, written in atomic batches. */
export class DiskStore implements Store {
  readonly dir: string;
  readonly #db: Db;
  #commits = 0;
  #writes = 0;
  #longest = 0;
  /** What the database has lost since its mark was written; undefined: nothing that is known. */
  readonly loss: Loss | undefined;
  readonly #sealer = new RowSealer();
  readonly #markFile: MarkFile;
  #mark: Mark;
  #metaCrc: number;

  /** Use {@link openStore}. */
  constructor(dir: string, db: Db, o: { commits: number; mark: Mark | undefined; nextTable: number }) {
    const { commits, mark } = o;
    this.dir = dir;
    this.#db = db;
    this.#metaCrc = plainCrc(this.#read(META_KEY, undefined));
    if (mark !== undefined && mark.commits > commits)
      this.loss = { batches: mark.commits - commits, tip: mark.tip };
    const tip = this.#read(TIP_KEY, undefined);
    this.#mark = { commits, tip, nextTable: o.nextTable, nextShard: mark?.nextShard ?? 0 };
    this.#markFile = new MarkFile(dir);
    this.#markFile.write(this.#mark);
  }

  /** The shard of coins at which the next opening begins to read them. */
  get nextShard(): number {
    return this.#mark.nextShard;
  }

  set nextShard(shard: number) {
    this.#mark = { ...this.#mark, nextShard: shard };
    this.#markFile.write(this.#mark);
  }

  /** @throws StoreError when the record is damaged. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#read(key, undefined);
  }

  /**
   * All or nothing; with `wantsDurable` on the disk itself when the promise settles, otherwise with the operating system
   * (which survives the end of the process, not that of the machine).
   * @throws CommitError
   */
  async commit(writes: readonly Write[], wantsDurable: boolean): Promise<void> {
    if (writes.length === 0) return;
    // The store's own row has the checksum of the network's row, so the two are written together.
    const durable = wantsDurable || writes.some(({ key }) => equal(key, META_KEY));
    const started = performance.now();
    try {
      // A chained batch hands each record over at once; an array batch costs five times as much for a full block.
      const batch = this.#db.batch() as unknown as ChainedBatch<Db, Uint8Array, Uint8Array>;
      for (let i = 0; i < writes.length; i++) {
        const { key, value } = writes[i]!;
        if (value === undefined) batch.del(key);
        else batch.put(key, this.#sealer.seal(key, value));
        // A full block is 18,000 rows: tens of milliseconds in which no socket would be read.
        if (i % hostLimits.storeWriteRows === hostLimits.storeWriteRows - 1) await nextTurn();
      }
      const marked = durable ? this.#next(writes) : undefined;
      if (marked !== undefined) {
        const row = encodeStoreRow(marked.commits, this.#metaCrc);
        batch.put(STORE_KEY, this.#sealer.seal(STORE_KEY, row));
      }
      await batch.write({ sync: durable });
      if (marked !== undefined) {
        this.#mark = marked;
        this.#markFile.write(marked);
      }
    } catch (error) {
      throw commitError(this.dir, error);
    }
    this.#commits++;
    this.#writes += writes.length;
    this.#longest = Math.max(this.#longest, performance.now() - started);
  }

  /** The mark after these durable writes. */
  #next(writes: readonly Write[]): Mark {
    let { tip } = this.#mark;
    for (const { key, value } of writes) {
      if (key.length !== 1) continue;
      if (equal(key, TIP_KEY)) tip = value;
      if (equal(key, META_KEY)) this.#metaCrc = plainCrc(value);
    }
    return { ...this.#mark, tip, commits: this.#mark.commits + 1 };
  }

  /** Everything under these one-byte prefixes, in memory: what a node wants at opening (consensus/store/records.ts). */
  async opening(prefixes: readonly number[]): Promise<Row[]> {
    const found: Row[] = [];
    for (const prefix of prefixes) {
      for await (const row of this.#range(Uint8Array.of(prefix), undefined)) found.push(row);
    }
    return found;
  }

  /** Every record of the node in key order, without a value where its checksum fails: for those who list damage. */
  async *scan(): AsyncGenerator<{ readonly key: Uint8Array; readonly value: Uint8Array | undefined }> {
    for await (const [key, value] of this.#db.iterator({ gt: LAST_OWN_KEY })) {
      const own = plain(key);
      yield { key: own, value: isWhole(own, plain(value)) ? unseal(own, plain(value)) : undefined };
    }
  }

  /** All records from one key to before another as they are now, in key order, in bounded batches. */
  between(from: Uint8Array, end: Uint8Array): AsyncIterable<Row> {
    return this.#rows({ gte: from, lt: end });
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

  async close(): Promise<void> {
    await this.#db.close();
    this.#markFile.close();
  }

  #read(key: Uint8Array, snapshot: Snapshot | undefined): Uint8Array | undefined {
    const getSync = this.#db.getSync.bind(this.#db) as Get;
    let value: Uint8Array | undefined;
    try {
      value = snapshot === undefined ? getSync(key) : getSync(key, { ...ENCODING, snapshot });
    } catch (error) {
      throw readingError(this.dir, error);
    }
    return value === undefined ? undefined : unseal(key, plain(value));
  }

  #range(prefix: Uint8Array, snapshot: Snapshot | undefined, limit = -1): AsyncIterable<Row> {
    const end = afterPrefix(prefix);
    return this.#rows({
      gte: prefix,
      ...defined({ lt: end, snapshot }),
      limit,
    });
  }

  async *#rows(range: IteratorOptions<Uint8Array, Uint8Array>): AsyncGenerator<Row> {
    const options = { ...ENCODING, highWaterMarkBytes: hostLimits.storeReadBytes, ...range };
    const iterator = this.#db.iterator(options);
    try {
      for (;;) {
        const batch = await iterator.nextv(hostLimits.storeReadRows);
        if (batch.length === 0) return;
        for (const [key, value] of batch) {
          const own = plain(key);
          yield { key: own, value: unseal(own, plain(value)) };
        }
      }
    } catch (error) {
      throw error instanceof StoreDamage ? error : readingError(this.dir, error);
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

function openingError(dir: string, error: unknown): Error {
  const { code, text } = rootOf(error);
  if (code === 'LEVEL_LOCKED') {
    return new StoreError(
      'locked',
      `${dir} is in use by another running process: one node each directory`,
      error,
    );
  }
  if (code === 'LEVEL_CORRUPTION') return new StoreDamage('file', text, error);
  return new StoreError('unusable', `cannot open the database in ${dir}: ${text}`, error);
}

function readingError(dir: string, error: unknown): Error {
  const { code, text } = rootOf(error);
  if (code === 'LEVEL_CORRUPTION') return new StoreDamage('file', text, error);
  return new StoreError('unusable', `cannot read the database in ${dir}: ${text}`, error);
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
