import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreDamage } from '../../src/consensus/store/damage.ts';
import { encodeMeta, META_KEY } from '../../src/consensus/store/records.ts';
import type { Row } from '../../src/consensus/store/store.ts';
import { CommitError, openStore, StoreError } from '../../src/host/store/store.ts';
import { reversed } from '../../src/util/bytes.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-store-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const bytes = (...values: number[]) => Uint8Array.from(values);
const put = (key: number[], value: number[]) => ({ key: bytes(...key), value: bytes(...value) });
const del = (...key: number[]) => ({ key: bytes(...key), value: undefined });

async function all(rows: AsyncIterable<Row>): Promise<number[][]> {
  const keys: number[][] = [];
  for await (const row of rows) keys.push([...row.key]);
  return keys;
}

async function refusal(path: string): Promise<StoreError> {
  const error = await thrown(path);
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

async function damage(path: string): Promise<StoreDamage> {
  const error = await thrown(path);
  expect(error).toBeInstanceOf(StoreDamage);
  return error as StoreDamage;
}

async function thrown(path: string): Promise<unknown> {
  try {
    const store = await openStore(path);
    await store.close();
  } catch (error) {
    return error;
  }
  throw new Error('it opened');
}

describe('the store', () => {
  it('reads what was committed, before and after a reopening', async () => {
    let store = await openStore(join(dir, 'db'));
    await store.commit([put([1], [10]), put([2], [20])], true);
    await store.commit([del(1), put([3], [30]), put([2], [21])], false);
    expect(store.stats()).toMatchObject({ commits: 2, writes: 5 });
    for (const reopen of [false, true]) {
      if (reopen) {
        await store.close();
        store = await openStore(join(dir, 'db'));
      }
      expect(store.get(bytes(1))).toBeUndefined();
      expect([...store.get(bytes(2))!]).toEqual([21]);
      expect([...store.get(bytes(3))!]).toEqual([30]);
    }
    await store.close();
  });

  it("opens again after the network's row came in a batch that nobody needed to be durable", async () => {
    const store = await openStore(dir);
    const meta = { key: META_KEY, value: encodeMeta(new Uint8Array(32)) };
    await store.commit([meta, put([99, 1], [1])], false);
    await store.commit([put([99, 2], [2])], true);
    await store.close();
    const again = await openStore(dir);
    expect(again.get(META_KEY)).toEqual(meta.value);
    await again.close();
  });

  it('hands out plain arrays, whose slices are copies', async () => {
    const store = await openStore(dir);
    await store.commit([put([7, 1], [1, 2, 3])], false);
    const value = store.get(bytes(7, 1))!;
    reversed(value);
    expect([...value]).toEqual([1, 2, 3]);
    const [row] = await store.prefix(bytes(7), 10);
    for (const one of [value, row!.key, row!.value])
      expect(Object.getPrototypeOf(one)).toBe(Uint8Array.prototype);
    await store.close();
  });

  it('reads ranges by prefix, in key order, also at the end of all keys', async () => {
    const store = await openStore(dir);
    const keys = [[1, 0], [1, 255], [1, 255, 255], [2], [255, 254], [255, 255], [255, 255, 1]];
    await store.commit(
      keys.map((key) => put(key, [0])),
      false,
    );
    const snapshot = store.snapshot();
    expect(await all(snapshot.rows(bytes(1)))).toEqual(keys.slice(0, 3));
    expect(await all(snapshot.rows(bytes(1, 255)))).toEqual(keys.slice(1, 3));
    expect(await all(snapshot.rows(bytes(255, 255)))).toEqual(keys.slice(5));
    expect(await all(snapshot.rows(bytes(3)))).toEqual([]);
    expect((await store.prefix(bytes(1), 2)).map((row) => [...row.key])).toEqual(keys.slice(0, 2));
    expect((await store.opening([2, 255])).map((row) => row.key[0])).toEqual([2, 255, 255, 255]);
    await snapshot.close();
    await store.close();
  });

  it('keeps a snapshot as it was while batches go on', async () => {
    const store = await openStore(dir);
    const rows = Array.from({ length: 5_000 }, (_, i) => put([9, i >> 8, i & 255], [1]));
    await store.commit(rows, false);
    const snapshot = store.snapshot();
    let seen = 0;
    for await (const row of snapshot.rows(bytes(9))) {
      if (seen === 10)
        await store.commit([...rows.map(({ key }) => ({ key, value: undefined })), put([9], [2])], true);
      expect([...row.value]).toEqual([1]);
      seen++;
    }
    expect(seen).toBe(5_000);
    expect(snapshot.get(bytes(9))).toBeUndefined();
    expect([...snapshot.get(bytes(9, 0, 0))!]).toEqual([1]);
    expect([...store.get(bytes(9))!]).toEqual([2]);
    await snapshot.close();
    await store.close();
  });

  it('lets a reader stop in the middle', async () => {
    const store = await openStore(dir);
    await store.commit(
      Array.from({ length: 3_000 }, (_, i) => put([9, i >> 8, i & 255], [1])),
      false,
    );
    const snapshot = store.snapshot();
    for await (const row of snapshot.rows(bytes(9))) if (row.key[1] === 2) break;
    await snapshot.close();
    await store.close();
  });
});

describe('a refusal to open', () => {
  it('names another process that holds the directory', async () => {
    const path = join(dir, 'db');
    // A process of its own: LevelDB's lock is between processes.
    const level = fileURLToPath(import.meta.resolve('level'));
    const script = `const { Level } = require(${JSON.stringify(level)}); const db = new Level(${JSON.stringify(path)});
      db.open().then(() => console.log('open')); process.stdin.on('data', () => process.exit(0));`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      const error = await refusal(path);
      expect(error.kind).toBe('locked');
      expect(error.message).toContain('in use by another running process');
      expect(error.message).toContain(path);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    // Killed without goodbye: the lock went with it.
    await (await openStore(path)).close();
  });

  it('names damage', async () => {
    const path = join(dir, 'db');
    const store = await openStore(path);
    await store.commit([put([1], [1])], true);
    await store.close();
    const copies: [string, (copy: string) => void][] = [
      ['CURRENT', (copy) => writeFileSync(join(copy, 'CURRENT'), 'rubbish')],
      [
        'MANIFEST',
        (copy) => {
          for (const name of readdirSync(copy)) {
            if (name.startsWith('MANIFEST')) writeFileSync(join(copy, name), new Uint8Array(500).fill(7));
          }
        },
      ],
    ];
    for (const [name, spoil] of copies) {
      const copy = join(dir, name);
      cpSync(path, copy, { recursive: true });
      spoil(copy);
      const error = await damage(copy);
      expect(error.kind).toBe('file');
      expect(error.message).toContain(name);
    }
  });

  it('names a place where nothing can be written', async () => {
    writeFileSync(join(dir, 'file'), 'x');
    const error = await refusal(join(dir, 'file', 'db'));
    expect(error.kind).toBe('unusable');
    expect(error.message).toContain('cannot open the database');
  });
});

describe('a commit', () => {
  it('of a full block lets others have their turns, and nothing of it is there before all is', async () => {
    const store = await openStore(join(dir, 'db'));
    let taken = 0;
    const rows = Array.from({ length: 18_000 }, (_, i) => ({
      get key() {
        taken++;
        return bytes(i >> 8, i & 0xff);
      },
      value: bytes(1),
    }));
    let done = false;
    let between = 0;
    const committed = store.commit(rows, true).then(() => {
      done = true;
    });
    for (; !done; await new Promise((next) => setImmediate(next))) {
      if (taken < rows.length) between++;
      if (store.get(bytes(0, 0)) !== undefined)
        expect(store.get(bytes(17_999 >> 8, 17_999 & 0xff))).toBeDefined();
    }
    await committed;
    expect(between).toBeGreaterThan(3);
    expect(store.get(bytes(17_999 >> 8, 17_999 & 0xff))).toEqual(bytes(1));
    await store.close();
  });

  it('that fails says so, and leaves nothing of itself', async () => {
    const store = await openStore(dir);
    await store.commit([put([1], [1])], true);
    await store.close();
    await expect(store.commit([put([2], [2])], true)).rejects.toBeInstanceOf(CommitError);
    const again = await openStore(dir);
    expect([...again.get(bytes(1))!]).toEqual([1]);
    expect(again.get(bytes(2))).toBeUndefined();
    await again.close();
  });

  it.runIf(existsSync('/dev/full'))(
    'says that the disk is full, and the store opens again where it was',
    async () => {
      const path = join(dir, 'db');
      const store = await openStore(path);
      await store.commit([put([1], [1])], true);
      // LevelDB begins a new log when its buffer is full. Whatever number that gets, it leads to a device without space.
      const traps = Array.from({ length: 40 }, (_, i) => join(path, `${String(i + 4).padStart(6, '0')}.log`));
      for (const trap of traps) if (!existsSync(trap)) symlinkSync('/dev/full', trap);
      let kept = 0;
      const fill = async () => {
        for (let i = 0; i < 64; i++) {
          await store.commit([{ key: bytes(2, i), value: new Uint8Array(1_000_000).fill(i) }], true);
          kept = i + 1;
        }
      };
      await expect(fill()).rejects.toThrow(/the disk is full.*opens again where it was/);
      await expect(store.commit([put([3], [3])], true)).rejects.toBeInstanceOf(CommitError);
      await store.close();
      for (const trap of traps)
        if (lstatSync(trap, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(trap);
      const again = await openStore(path);
      expect([...again.get(bytes(1))!]).toEqual([1]);
      expect(kept).toBeGreaterThan(0);
      for (let i = 0; i < kept; i++) expect(again.get(bytes(2, i))?.[0]).toBe(i);
      expect(again.get(bytes(2, kept))).toBeUndefined();
      expect(again.get(bytes(3))).toBeUndefined();
      await again.close();
    },
  );

  it('is whole or not there after a kill at any moment', async () => {
    const path = join(dir, 'db');
    const level = fileURLToPath(import.meta.resolve('level'));
    // Batches of 50 records that all carry the batch's number.
    const script = `const { Level } = require(${JSON.stringify(level)}), { crc32 } = require('node:zlib');
      const db = new Level(${JSON.stringify(path)}, { keyEncoding: 'view', valueEncoding: 'view' });
      const sealed = (key, value) => {
        const row = Buffer.from([...value, 0, 0, 0, 0]);
        row.writeUInt32LE(crc32(value, crc32(key)), value.length);
        return row;
      };
      (async () => { await db.open(); for (let n = 0; ; n++) {
        const batch = db.batch();
        for (let i = 0; i < 50; i++) {
          const key = Uint8Array.of(1, i), value = Uint8Array.of(n & 255, n >> 8);
          batch.put(key, sealed(key, value));
        }
        await batch.write({ sync: n % 2 === 0 }); if (n % 20 === 0) console.log(n);
      } })();`;
    await (await openStore(path)).close();
    for (let round = 0; round < 3; round++) {
      const writer = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(writer.stdout, 'data');
      if (round > 0) await once(writer.stdout, 'data');
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const store = await openStore(path);
      const rows = await store.prefix(bytes(1), 100);
      expect(rows.length).toBe(50);
      expect(new Set(rows.map((row) => row.value.join())).size).toBe(1);
      await store.close();
    }
  });
});
