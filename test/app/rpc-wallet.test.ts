import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Tx } from '../../src/bitcoin/tx.ts';
import type { JsonObject } from '../../src/host/http/json.ts';
import { toHex } from '../../src/util/bytes.ts';
import { ALICE, BOB, outputOf, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';
import { RpcHarness } from './rpc-harness.ts';

/** What wallets follow payments with: over reorgs, and over damage to what they have imported. */

let world: World;
let node: RpcHarness;
beforeEach(() => {
  world = new World(LAB);
  node = new RpcHarness(LAB, world.wallS);
});

const give = async (names: string) => {
  for (const name of names.split(' ')) await node.call('submitblock', toHex(world.bytes(name)));
};
const pay = (index: number, fee = 1_000, to = ALICE) => {
  const coin = world.genesisCoin(index);
  return spend([coin], [{ value: coin.value - fee, script: payTo(to) }]);
};
const onwards = (...parents: Tx[]) =>
  spend(
    parents.map((tx) => outputOf(tx, 0, ALICE)),
    [{ value: parents[0]!.outputs[0]!.value - 1_000, script: payTo(ALICE) }],
  );
const depthOf = async (tx: Tx) => (await node.object('gettransaction', tx.id))['confirmations'];

describe('a payment whose ancestor lost its coin', () => {
  it('is conflicted as its ancestor is, however far away that is', async () => {
    const paid = pay(0);
    const child = onwards(paid);
    const grandchild = onwards(child, pay(1));
    const rival = pay(0, 2_000, BOB);
    world.draw('G-1-2-3 / G-1a-2a-3a-4a', {
      '1': { txs: [paid] },
      '2': { txs: [child, pay(1)] },
      '3': { txs: [grandchild] },
      '2a': { txs: [rival] },
    });
    await give('1 2 3');
    expect(await Promise.all([paid, child, grandchild].map(depthOf))).toEqual([3, 2, 1]);
    await give('1a 2a 3a 4a');
    expect(await node.call('getbestblockhash')).toBe(world.id('4a'));
    expect(await Promise.all([paid, child, grandchild].map(depthOf))).toEqual([-3, -3, -3]);
    expect(await node.object('gettransaction', paid.id)).toMatchObject({
      walletconflicts: [rival.id],
      mempoolconflicts: [],
    });
    // Nobody took a coin of the child itself.
    expect(await node.object('gettransaction', child.id)).toMatchObject({
      walletconflicts: [],
      mempoolconflicts: [],
    });
    expect(await node.object('gettransaction', child.id)).not.toHaveProperty('trusted');
    // The payment beside them came back, and waits.
    expect(await depthOf(pay(1))).toBe(0);
    const { removed } = await node.object('listsinceblock', world.id('3'), 1, true, true, true);
    for (const tx of [paid, child, grandchild]) {
      const entries = (removed as JsonObject[]).filter((entry) => entry['txid'] === tx.id);
      expect(entries.map((entry) => entry['confirmations'])).toEqual([-3, -3]);
    }
  });

  it('waits while the rival waits too', async () => {
    const paid = pay(0);
    const child = onwards(paid);
    const rival = pay(0, 9_000, BOB);
    world.draw('G-1-2 / G-1a-2a-3a', { '1': { txs: [paid] }, '2': { txs: [child] } });
    await give('1 2 1a 2a 3a');
    await node.call('sendrawtransaction', toHex(rival.bytes), 0);
    expect(await node.object('gettransaction', paid.id)).toMatchObject({
      confirmations: 0,
      walletconflicts: [rival.id],
      mempoolconflicts: [rival.id],
    });
    expect(await node.object('gettransaction', child.id)).toMatchObject({
      confirmations: 0,
      trusted: false,
    });
  });
});

describe('importdescriptors', () => {
  let dir: string;
  let file: string;
  const open = () => {
    node = new RpcHarness(LAB, world.wallS, { datadir: dir });
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'forkyard-watch-'));
    file = join(dir, 'watch.json');
    open();
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const raw = (byte: number) => ({ desc: `raw(${byte.toString(16)})`, timestamp: 'now' });
  const kept = () => JSON.parse(readFileSync(file, 'utf8')) as string[];

  it('keeps all that is right, in one write that no kill can cut short', async () => {
    await node.call('importdescriptors', [raw(0x51)]);
    // Another name of the file as it is: what is written into it would show here.
    linkSync(file, join(dir, 'before'));
    const before = readFileSync(file, 'utf8');
    const answers = await node.call('importdescriptors', [raw(0x52), { desc: 'nonsense' }, {}, raw(0x53)]);
    expect(answers).toMatchObject([
      { success: true },
      { success: false, error: { code: -5 } },
      { success: false, error: { code: -8, message: 'Descriptor not found.' } },
      { success: true },
    ]);
    expect(readFileSync(join(dir, 'before'), 'utf8')).toBe(before);
    expect(kept().map((desc) => desc.split('#')[0])).toEqual(['raw(51)', 'raw(52)', 'raw(53)']);
    expect(readdirSync(dir).sort()).toEqual(['before', 'watch.json']);
    open();
    await node.call('importdescriptors', [raw(0x54)]);
    expect(kept()).toHaveLength(4);
  });

  it.each([
    ['nothing', ''],
    ['half a list', '["raw(51)#'],
    ['no list', '{}'],
    ['a list of other things', '[1]'],
    ['what is no descriptor', '["raw(5)"]'],
  ])('a file that holds %s is named, with what to do, by every call that needs it', async (_, text) => {
    writeFileSync(file, text);
    world.draw('G-1');
    await give('1');
    const [coinbase] = (await node.object('getblock', world.id('1')))['tx'] as string[];
    const refusals = [
      await node.refusal('importdescriptors', [raw(0x51)]),
      await node.refusal('listsinceblock'),
      await node.refusal('gettransaction', coinbase!),
    ];
    for (const said of refusals) {
      expect(said).toMatch(new RegExp(`^-4 cannot read ${file}, .*put a copy of it back, or move it away`));
      expect(said).not.toContain('internal error');
    }
    // It is left as it is, and once it is away all goes on without a restart.
    expect(readFileSync(file, 'utf8')).toBe(text);
    rmSync(file);
    expect(await node.call('importdescriptors', [raw(0x51)])).toMatchObject([{ success: true }]);
    expect(await node.object('listsinceblock')).toHaveProperty('lastblock');
  });

  it('says when it cannot be written, and imports nothing then', async () => {
    await node.call('importdescriptors', [raw(0x51)]);
    rmSync(dir, { recursive: true });
    writeFileSync(dir, 'a file where the directory was');
    expect(await node.refusal('importdescriptors', [raw(0x52)])).toMatch(
      new RegExp(`^-4 cannot write ${file} \\(ENOTDIR.*\\): nothing was imported`),
    );
    rmSync(dir);
    mkdirSync(dir);
    await node.call('importdescriptors', [raw(0x53)]);
    expect(kept().map((desc) => desc.split('#')[0])).toEqual(['raw(51)', 'raw(53)']);
  });
});
