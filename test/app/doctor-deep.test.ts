import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runDeepDoctor } from '../../src/app/doctor/deep.ts';
import { coinKey, decodeCoin, encodeCoin, heightKey, PREFIX } from '../../src/consensus/store/records.ts';
import type { Row, Write } from '../../src/consensus/store/store.ts';
import { openStore } from '../../src/host/store/store.ts';
import { keyOf } from '../../src/util/bytes.ts';
import { LAB } from '../dsl/networks.ts';
import { type KnownDatabase, knownDatabase } from '../host/damage-rig.ts';

let known: KnownDatabase;
beforeAll(async () => {
  known = await knownDatabase();
});
afterAll(() => known.close());

let datadir: string;
let copies = 0;
beforeEach(() => {
  datadir = join(known.dir, `node-${copies++}`);
  cpSync(join(known.dir, 'db'), join(datadir, 'db'), { recursive: true });
});
afterEach(() => rmSync(datadir, { recursive: true, force: true }));

const examine = () => runDeepDoctor({ nodes: [{ name: 'A', datadir }], params: LAB });

/** Rows that are wrong, under checksums that are right. */
async function rewrite(prefix: number, change: (rows: readonly Row[]) => readonly Write[]): Promise<void> {
  const store = await openStore(join(datadir, 'db'));
  await store.commit(change(await store.prefix(Uint8Array.of(prefix), 10_000)), true);
  await store.close();
}

const filesOf = () =>
  readdirSync(join(datadir, 'db'))
    .sort()
    .map((name) => [name, readFileSync(join(datadir, 'db', name)).toString('latin1')]);

const turned = (value: Uint8Array, at: number): Uint8Array =>
  value.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('doctor --deep', () => {
  it('finds a whole database whole, and leaves it as it was', async () => {
    const before = filesOf();
    const { ok, rows } = await examine();
    expect(rows.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'A files ok',
      'A rows ok',
      'A headers ok',
      'A bodies ok',
      'A chain ok',
      'A coins ok',
    ]);
    expect(ok).toBe(true);
    expect(filesOf()).toEqual(before);
    expect(readdirSync(datadir)).toEqual(['db']);
  });

  it.each<[string, RegExp, number, (rows: readonly Row[]) => readonly Write[]]>([
    [
      'headers',
      /the header of block \w+ has another hash/,
      PREFIX.entry,
      ([row]) => [{ key: row!.key, value: turned(row!.value, 60) }],
    ],
    [
      'bodies',
      /the body of block \w+ is missing/,
      PREFIX.body,
      ([row]) => [{ key: row!.key, value: undefined }],
    ],
    [
      'bodies',
      /the body of block \w+ is not its own: bad-/,
      PREFIX.body,
      ([row]) => [{ key: row!.key, value: turned(row!.value, row!.value.length - 30) }],
    ],
    [
      'chain',
      /the row "undo" \w+ is not what the blocks say/,
      PREFIX.undo,
      ([row, ...more]) => [{ key: row!.key, value: more.at(-1)!.value }],
    ],
    [
      'chain',
      /the row "height" 00000005 is not what the blocks say/,
      PREFIX.height,
      (rows) => [{ key: heightKey(5), value: rows[6]!.value }],
    ],
    [
      'chain',
      /the row "transaction index" \w+ is missing/,
      PREFIX.tx,
      ([row]) => [{ key: row!.key, value: undefined }],
    ],
    [
      'coins',
      /the row "coin" \w+ is not what the blocks say/,
      PREFIX.coin,
      ([row]) => [{ key: row!.key, value: encodeCoin({ ...decodeCoin(row!.value)!, value: 1 }) }],
    ],
    [
      'coins',
      /1 rows of kind "coin" are too many/,
      PREFIX.coin,
      ([row]) => [{ key: coinKey(keyOf(turned(row!.key, 35).slice(1))), value: row!.value }],
    ],
    [
      'coins',
      /the row "coin sum" \w+ is another sum/,
      PREFIX.sum,
      ([row]) => [{ key: row!.key, value: turned(row!.value, 0) }],
    ],
  ])('names what is wrong in: %s, %s', async (what, words, prefix, change) => {
    await rewrite(prefix, change);
    const { ok, rows } = await examine();
    expect(ok).toBe(false);
    const bad = rows.filter(({ state }) => state === 'bad');
    expect(bad.map(({ name }) => name)).toEqual([`A ${what}`]);
    expect(bad[0]!.figure).toMatch(words);
    expect(bad[0]!.advice).toContain(`mv ${join(datadir, 'db')} ${join(datadir, 'db.damaged')}`);
  });

  it('names damaged files and goes no further', async () => {
    const table = readdirSync(join(datadir, 'db')).find((name) => name.endsWith('.ldb'))!;
    const bytes = readFileSync(join(datadir, 'db', table));
    writeFileSync(join(datadir, 'db', table), turned(bytes, 700));
    const { rows } = await examine();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ name: 'A files', state: 'bad', figure: expect.stringContaining(table) });
  });

  it('says so where a node has no database yet', async () => {
    rmSync(join(datadir, 'db'), { recursive: true });
    const { ok, rows } = await examine();
    expect([ok, rows[0]?.state]).toEqual([true, 'warn']);
  });
});
