import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bodyKey, META_KEY, PREFIX, TIP_KEY } from '../../src/consensus/store/records.ts';
import { checkCoins } from '../../src/host/store/coin-check.ts';
import { checkFiles } from '../../src/host/store/leveldb-files.ts';
import { MARK_FILE, readMark } from '../../src/host/store/mark.ts';
import { openStore } from '../../src/host/store/store.ts';
import { LAB } from '../dsl/networks.ts';
import { digestOf, type KnownDatabase, knownDatabase, manyDamages } from './damage-rig.ts';

let known: KnownDatabase;
beforeAll(async () => {
  known = await knownDatabase();
});
afterAll(() => known.close());

let db: string;
let copies = 0;
beforeEach(() => {
  db = join(known.dir, `one-${copies++}`);
  cpSync(join(known.dir, 'db'), db, { recursive: true });
});
afterEach(() => rmSync(db, { recursive: true, force: true }));

const files = (pattern: RegExp): string[] =>
  readdirSync(db)
    .filter((name) => pattern.test(name))
    .sort();

function change(name: string, how: (bytes: Buffer) => void): void {
  const bytes = readFileSync(join(db, name));
  how(bytes);
  writeFileSync(join(db, name), bytes);
}

/** Below the store, without its checksums. */
async function raw(work: (level: Level<Uint8Array, Uint8Array>) => Promise<void>): Promise<void> {
  const level = new Level<Uint8Array, Uint8Array>(db, { keyEncoding: 'view', valueEncoding: 'view' });
  await level.open();
  await work(level);
  await level.close();
}

async function firstKey(level: Level<Uint8Array, Uint8Array>, prefix: number, skip = 0): Promise<Uint8Array> {
  return (await level.keys({ gte: Uint8Array.of(prefix), limit: skip + 1 }).all())[skip]!;
}

/** Opens and reads as a node does. */
async function read(): Promise<number | undefined> {
  const store = await openStore(db, { params: LAB });
  try {
    await checkCoins(store);
    return known.states.get(await digestOf(store));
  } finally {
    await store.close();
  }
}

it('drawn damage: a database opens as it was, or older and says so, or is refused with a sentence', async () => {
  const { count, wrong } = await manyDamages(known, 1, 40);
  expect(wrong).toEqual([]);
  expect(count.refused).toBeGreaterThan(8);
  expect(count.whole).toBeGreaterThan(0);
  expect(count['older, and it cannot know']).toBe(0);
});

describe('the files of a database', () => {
  it('are whole, tables and all, when nothing is wrong', async () => {
    const report = await checkFiles(db, { bytes: 64_000_000, from: 0 });
    expect(report).toMatchObject({ fresh: false, faults: [], cuts: [], tornLog: undefined });
    expect(report.tables).toBe(report.read);
    expect(files(/\.ldb$/).reduce((sum, name) => sum + statSync(join(db, name)).size, 0)).toBe(report.tables);
    expect(await read()).toBe(known.states.size - 1);
  });

  it('are read in turns when there are more than an opening may read', async () => {
    const numbers = files(/\.ldb$/).map((name) => Number.parseInt(name, 10));
    expect(numbers.length).toBeGreaterThan(2);
    const seen: number[] = [];
    let from = 0;
    for (let i = 0; i < numbers.length; i++) {
      seen.push(from === 0 ? numbers[0]! : from);
      from = (await checkFiles(db, { bytes: 1, from })).next;
    }
    expect(seen).toEqual(numbers);
    // Bytes of a table that this look leaves out are not read; its size and its index are.
    change(files(/\.ldb$/)[1]!, (bytes) => bytes.writeUInt8(bytes[100]! ^ 1, 100));
    expect((await checkFiles(db, { bytes: 1, from: 0 })).faults).toEqual([]);
    expect((await checkFiles(db, { bytes: 1, from: numbers[1]! })).faults).toHaveLength(1);
  });

  it('are not made anew over an old database whose CURRENT is gone, and none of them is deleted', async () => {
    rmSync(join(db, 'CURRENT'));
    const before = files(/./);
    await expect(openStore(db)).rejects.toThrow(/CURRENT is missing/);
    expect(files(/./)).toEqual(before);
    // Nor when all that is left of it is its log.
    for (const name of files(/\.ldb$|^MANIFEST|^MARK/)) rmSync(join(db, name));
    await expect(openStore(db)).rejects.toThrow(/CURRENT is missing/);
  });

  it('of a first start that was killed half way are no database yet', async () => {
    for (const name of files(/./)) if (!/^LO/.test(name)) rmSync(join(db, name));
    writeFileSync(join(db, 'MANIFEST-000001'), 'half');
    const store = await openStore(db);
    expect(store.get(META_KEY)).toBeUndefined();
    await store.close();
  });

  it.each([
    ['a table', /\.ldb$/],
    ['the write log', /\.log$/],
    ['the manifest', /^MANIFEST/],
  ])('without %s are refused by its name', async (_, pattern) => {
    const [name] = files(pattern);
    rmSync(join(db, name!));
    await expect(openStore(db)).rejects.toThrow(new RegExp(`${name}.*missing`));
  });
});

describe('the end of the write log', () => {
  const log = () => files(/\.log$/).at(-1)!;

  it('that is gone is told by the mark', async () => {
    const size = statSync(join(db, log())).size;
    const { commits, tip } = readMark(db)!;
    change(log(), (bytes) => bytes.fill(0xaa, size - 3_000));
    const store = await openStore(db);
    expect(store.loss).toMatchObject({ tip });
    expect(store.loss!.batches).toBeGreaterThan(0);
    expect(known.states.get(await digestOf(store))).toBeLessThan(known.durable);
    await store.close();
    // Once: the mark is that of the database as it is now.
    expect(readMark(db)!.commits).toBe(commits - store.loss!.batches);
    const again = await openStore(db);
    expect(again.loss).toBeUndefined();
    await again.close();
  });

  it('behind damage in its middle is left out: what is read is a state that was', async () => {
    expect(statSync(join(db, log())).size).toBeGreaterThan(4 * 32_768);
    change(log(), (bytes) => bytes.fill(0, 40_000, 40_512));
    const notes: string[] = [];
    const store = await openStore(db, { note: (sentence) => notes.push(sentence) });
    const state = known.states.get(await digestOf(store));
    expect(state).toBeLessThan(known.durable);
    expect(store.loss!.batches).toBeGreaterThan(1);
    expect(notes.join()).toMatch(/write log \d+\.log is damaged at byte/);
    await store.close();
  });

  it('is not missed where a mark cannot be read: it only helps', async () => {
    change(MARK_FILE, (bytes) => bytes.write('9', 12));
    expect(await read()).toBe(known.states.size - 1);
    expect(readMark(db)).toBeDefined();
  });
});

describe('a row', () => {
  it('that is changed below the store is refused by its kind, wherever it is read', async () => {
    let hash = new Uint8Array();
    await raw(async (level) => {
      const key = await firstKey(level, PREFIX.body);
      hash = key.slice(1);
      const value = (await level.get(key))!.slice();
      value[90]! ^= 1;
      await level.put(key, value);
      // And one that is whole, under another row's key.
      await level.put(
        await firstKey(level, PREFIX.undo, 1),
        (await level.get(await firstKey(level, PREFIX.undo)))!,
      );
    });
    const store = await openStore(db);
    expect(() => store.get(bodyKey(hash))).toThrow(/"body" [0-9a-f]{64} fails its checksum/);
    await expect(store.opening([PREFIX.body])).rejects.toMatchObject({ kind: 'body' });
    await expect(store.opening([PREFIX.undo])).rejects.toMatchObject({ kind: 'undo' });
    const snapshot = store.snapshot();
    expect(() => snapshot.get(bodyKey(hash))).toThrow(/fails its checksum/);
    await snapshot.close();
    expect(store.get(TIP_KEY)).toHaveLength(32);
    await store.close();
  });

  it('of the network is checked too, although programs of format 1 can read it', async () => {
    await raw(async (level) => {
      const meta = (await level.get(META_KEY))!.slice();
      expect([...meta.slice(0, 4)]).toEqual([2, 0, 0, 0]);
      expect(meta).toHaveLength(36);
      meta[20]! ^= 1;
      await level.put(META_KEY, meta);
    });
    await expect(openStore(db)).rejects.toMatchObject({ kind: 'format' });
  });

  it.each([
    ['missing', async (level: Level<Uint8Array, Uint8Array>, key: Uint8Array) => level.del(key)],
    [
      'back after it was spent',
      async (level: Level<Uint8Array, Uint8Array>, key: Uint8Array) => {
        const { crc32 } = await import('node:zlib');
        const value = (await level.get(key))!.slice(0, -4);
        const other = key.slice();
        other[33]! ^= 200;
        const sum = Buffer.alloc(4);
        sum.writeUInt32LE(crc32(value, crc32(other)));
        await level.put(other, Buffer.concat([value, sum]));
      },
    ],
  ])('of a coin that is %s is found by the sums', async (_, spoil) => {
    await raw(async (level) => spoil(level, await firstKey(level, PREFIX.coin, 300)));
    const store = await openStore(db);
    await expect(checkCoins(store)).rejects.toMatchObject({ kind: 'coin' });
    // Where an opening reads a part alone, one of the openings reads this part.
    let openings = 0;
    const few = async () => {
      for (; openings < 256; openings++) await checkCoins(store, 100);
    };
    await expect(few()).rejects.toMatchObject({ kind: 'coin' });
    expect(openings).toBeGreaterThan(0);
    await store.close();
  });
});
