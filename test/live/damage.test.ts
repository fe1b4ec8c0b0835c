import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outpointKey } from '../../src/bitcoin/tx.ts';
import { bodyKey, coinKey, PREFIX } from '../../src/consensus/store/records.ts';
import { RpcFailure } from '../../src/host/http/client.ts';
import type { JsonInput } from '../../src/host/http/json.ts';
import { openStore } from '../../src/host/store/store.ts';
import { equal, toHex } from '../../src/util/bytes.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';
import { agreed, aliceOn, eventsOf, genesisFile, ofKind } from './lab.ts';
import { type LiveNode, LiveRig } from './node-rig.ts';

const rig = new LiveRig();
let options: string[];
afterAll(() => rig.close());

beforeAll(async () => {
  options = ['--genesis', genesisFile(rig, LAB)];
  const node = await rig.start('whole', ...options);
  const world = new World(LAB);
  const pay = (coin: number) => spend([world.genesisCoin(coin)], [{ value: 19e8, script: payTo(BOB) }]);
  for (let coin = 0; coin < 3; coin++) {
    await node.call('sendrawtransaction', toHex(pay(coin).bytes), 0);
    if (coin < 2) await node.call('generatetoaddress', 2, aliceOn(LAB));
  }
  await node.stop();
});

interface Case {
  readonly kind: keyof typeof PREFIX;
  /** Which record of the kind; any, if it makes no difference. */
  readonly key?: Uint8Array;
  readonly damage: (value: Uint8Array) => Uint8Array | undefined;
  /** Where it shows: when the node opens, when the row is needed, or nowhere. Then the node ends, with a sentence. */
  readonly shows: 'opening' | 'end' | 'nowhere';
  readonly words: RegExp;
}

const CASES: readonly Case[] = [
  { kind: 'tip', damage: () => undefined, shows: 'opening', words: /does not say which block is the tip/ },
  {
    kind: 'entry',
    damage: (value) => middleTurned(value),
    shows: 'opening',
    words: /header of block \w+ has another hash/,
  },
  {
    kind: 'body',
    key: bodyKey(LAB.genesisHash),
    damage: () => new Uint8Array(0),
    shows: 'end',
    words: /\(body\): the body stored for block \w+ is that of another block/,
  },
  {
    kind: 'coin',
    key: coinKey(outpointKey({ txid: LAB.genesis.txs[0]!.txid, index: 20 })),
    damage: () => new Uint8Array(0),
    shows: 'opening',
    words: /\(coin\): the row of a coin does not decode/,
  },
  {
    kind: 'undo',
    damage: () => undefined,
    shows: 'end',
    words: /\(undo\): the undo record of block \w+ is missing/,
  },
  // What waits in the mempool passes admission again at every opening.
  { kind: 'mempool', damage: (value) => value.slice(0, -1), shows: 'nowhere', words: /^$/ },
];

function middleTurned(value: Uint8Array, bits = 255): Uint8Array {
  return value.map((byte, i) => (i === value.length >> 1 ? byte ^ bits : byte));
}

/** What a user may ask, as far as the node gets; gives the refusals. Everything on the disk is read and rewound. */
async function use(node: LiveNode): Promise<string> {
  const refusals: string[] = [];
  const ask = async (method: string, ...params: JsonInput[]) => {
    try {
      return await node.call(method, ...params);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      // The node may have ended by then.
      refusals.push(error.message);
      return undefined;
    }
  };
  for (let height = 0; height <= 4; height++) {
    const id = await ask('getblockhash', height);
    if (typeof id === 'string') await ask('getblock', id, 2);
  }
  await ask('gettxoutsetinfo');
  await ask('getrawmempool', true);
  const first = await ask('getblockhash', 1);
  if (typeof first === 'string') await ask('invalidateblock', first);
  await ask('generatetoaddress', 5, aliceOn(LAB));
  await ask('gettxoutsetinfo');
  return refusals.join('\n');
}

describe('a database with one damaged record', () => {
  it.each(CASES)('of kind $kind shows in: $shows', async ({ kind, key: wanted, damage, shows, words }) => {
    cpSync(join(rig.dir, 'whole'), join(rig.dir, kind), { recursive: true });
    const store = await openStore(join(rig.dir, kind, 'db'));
    const rows = await store.prefix(Uint8Array.of(PREFIX[kind]), 1_000);
    const { key, value } = rows.find((row) => wanted === undefined || equal(row.key, wanted))!;
    await store.commit([{ key, value: damage(value) }], true);
    await store.close();

    const node = rig.launch(kind, ...options);
    let refusals = '';
    if (shows !== 'opening') {
      await node.ready();
      refusals = await use(node);
      if (shows !== 'end') await node.stop();
    }
    const { code, signal } = await node.exited;
    expect([code, signal]).toEqual([shows === 'opening' || shows === 'end' ? 1 : 0, null]);
    expect(node.stderr.trim()).toMatch(words);
    if (shows !== 'nowhere')
      expect(node.stderr).toMatch(/is damaged .* fetches the chain from its peers: mv \S+ \S+$/m);
    if (shows === 'nowhere') expect(refusals).toBe('');
    expect(node.stderr).not.toMatch(/^\s+at |undefined|is not a function|Cannot read/m);
    expect(node.stderr.trim().split('\n').length).toBeLessThanOrEqual(1);
  });
});

/** Turns one bit of each row of this kind, below the store and its checksums. */
async function rot(datadir: string, prefix: number): Promise<void> {
  const level = new Level<Uint8Array, Uint8Array>(join(datadir, 'db'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  await level.open();
  for (const [key, value] of await level
    .iterator({ gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) })
    .all())
    await level.put(key, middleTurned(value, 1));
  await level.close();
}

describe('a body that rots on the disk', () => {
  it('reaches no peer and bans nobody, and what the node says to do makes it well', async () => {
    const honest = await rig.start('honest', ...options);
    await honest.call('generatetoaddress', 12, aliceOn(LAB));
    await honest.stop();
    cpSync(join(rig.dir, 'honest'), join(rig.dir, 'rotten'), { recursive: true });
    rmSync(join(rig.dir, 'rotten', 'identity'));
    await rot(join(rig.dir, 'rotten'), PREFIX.body);

    const rotten = await rig.start('rotten', ...options);
    const { peerId } = rotten;
    const newcomer = await rig.start('newcomer', ...options, '--connect', rotten.address);
    const { code } = await rotten.exited;
    expect([code, rotten.stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(rotten.stderr).toMatch(/\(body\): the row "body" [0-9a-f]{64} fails its checksum/);
    expect(ofKind(await eventsOf(newcomer), 'fault')).toEqual([]);

    const [, command] = /peers: (mv .*)$/m.exec(rotten.stderr)!;
    execFileSync('sh', ['-c', command!]);
    const whole = await rig.start('honest', ...options);
    const well = await rig.start('rotten', ...options, '--connect', whole.address);
    expect(well.peerId).toBe(peerId);
    // A banned peer would be turned away at the door.
    await well.call('addnode', newcomer.address, 'add');
    await agreed([whole, well, newcomer]);
    expect(await well.call('getblockcount')).toBe(12);
  });

  it('ends the node when its owner asks for it, and the asker gets an answer', async () => {
    cpSync(join(rig.dir, 'honest'), join(rig.dir, 'asked'), { recursive: true });
    await rot(join(rig.dir, 'asked'), PREFIX.body);
    const node = await rig.start('asked', ...options);
    const refusals = await use(node);
    expect(refusals).toMatch(/the database is damaged: the row "body"/);
    expect((await node.exited).code).toBe(1);
    expect(node.stderr).toMatch(/\(body\)/);
  });
});

it('a write log that lost its end is told: in the words of the node, and in its events', async () => {
  cpSync(join(rig.dir, 'whole'), join(rig.dir, 'cut'), { recursive: true });
  const db = join(rig.dir, 'cut', 'db');
  const log = readdirSync(db).find((name) => name.endsWith('.log'))!;
  truncateSync(join(db, log), statSync(join(db, log)).size - 400);
  const node = await rig.start('cut', ...options);
  const said =
    /the database has lost its last .* its tip was [0-9a-f]{64}\. The node starts from height \d+, tip/;
  expect(node.stderr).toMatch(said);
  expect(ofKind(await eventsOf(node), 'note').some(({ text }) => said.test(text))).toBe(true);
  await node.stop();
  const again = await rig.start('cut', ...options);
  expect(again.stderr).toBe('');
});
