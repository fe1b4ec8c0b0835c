import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeMeta, PREFIX } from '../../src/consensus/store/records.ts';
import type { Row } from '../../src/consensus/store/store.ts';
import { checkCoins } from '../../src/host/store/coin-check.ts';
import { RowSealer, unseal } from '../../src/host/store/row-seal.ts';
import { openStore } from '../../src/host/store/store.ts';
import { writeU32LE } from '../../src/util/bytes.ts';
import { LAB } from '../dsl/networks.ts';
import { digestOf, type KnownDatabase, knownDatabase } from './damage-rig.ts';

type Raw = Level<Uint8Array, Uint8Array>;

const PROGRESS = Uint8Array.of(1);
const STORE = Uint8Array.of(0);
let known: KnownDatabase;
/** The known database as format 1 had it: values alone, no sums, no row of the store's own. */
const old: Row[] = [];
let copies = 0;

async function database(dir: string, work: (level: Raw) => Promise<void>): Promise<void> {
  const level: Raw = new Level(dir, { keyEncoding: 'view', valueEncoding: 'view' });
  await level.open();
  await work(level);
  await level.close();
}

beforeAll(async () => {
  known = await knownDatabase();
  const meta = encodeMeta(LAB.genesisHash);
  writeU32LE(meta, 0, 1);
  await database(join(known.dir, 'db'), async (level) => {
    for await (const [key, value] of level.iterator()) {
      if (key[0]! < 2 || key[0] === PREFIX.sum) continue;
      const own = new Uint8Array(value);
      old.push({ key: new Uint8Array(key), value: key[0] === PREFIX.meta ? meta : unseal(key, own).slice() });
    }
  });
});
afterAll(() => known.close());

/** A database of format 1, of which the first `converted` rows have their new form already. */
async function oldDatabase(rows: readonly Row[], converted = 0): Promise<string> {
  const dir = join(known.dir, `old-${copies++}`);
  const sealer = new RowSealer();
  await database(dir, async (level) => {
    const batch = level.batch();
    for (const [i, { key, value }] of rows.entries())
      batch.put(key, i < converted ? sealer.seal(key, value).slice() : value);
    if (converted > 0) batch.put(PROGRESS, sealer.seal(PROGRESS, rows[converted - 1]!.key).slice());
    await batch.write();
  });
  return dir;
}

async function opened(dir: string): Promise<{ state: number | undefined; notes: string[] }> {
  const notes: string[] = [];
  const store = await openStore(dir, { params: LAB, note: (sentence) => notes.push(sentence) });
  try {
    await checkCoins(store);
    return { state: known.states.get(await digestOf(store)), notes };
  } finally {
    await store.close();
  }
}

describe('a database of format 1', () => {
  it('is brought to this format at its first opening, and that is said once', async () => {
    const dir = await oldDatabase(old);
    const last = known.states.size - 1;
    expect(await opened(dir)).toEqual({ state: last, notes: [expect.stringContaining('format 1')] });
    expect(await opened(dir)).toEqual({ state: last, notes: [] });
  });

  it.each([1, 500, 2_000])('goes on where a conversion was killed: after %i rows', async (converted) => {
    expect(old.length).toBeGreaterThan(2_000);
    expect((await opened(await oldDatabase(old, converted))).state).toBe(known.states.size - 1);
  });

  it('is refused where a body is not that of its header: format 1 believed its disk', async () => {
    const rotten = old.map(({ key, value }) =>
      key[0] === PREFIX.body
        ? { key, value: value.map((byte, i) => (i === value.length - 30 ? byte ^ 1 : byte)) }
        : { key, value },
    );
    await expect(opened(await oldDatabase(rotten))).rejects.toMatchObject({ kind: 'body' });
  });
});

describe('the format of a database', () => {
  it('that is newer is refused by its number', async () => {
    const dir = await oldDatabase(old);
    await opened(dir);
    await database(dir, async (level) => {
      const row = unseal(STORE, new Uint8Array((await level.get(STORE))!)).slice();
      writeU32LE(row, 0, 3);
      await level.put(STORE, new RowSealer().seal(STORE, row));
    });
    await expect(openStore(dir)).rejects.toThrow(/has format 3, written by a newer version/);
  });

  it('whose row is gone is damage, not a new database', async () => {
    const dir = await oldDatabase(old);
    await opened(dir);
    await database(dir, (level) => level.del(STORE));
    await expect(openStore(dir)).rejects.toMatchObject({ kind: 'format' });
  });
});
