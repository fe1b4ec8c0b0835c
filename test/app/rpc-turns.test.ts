import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { toHex } from '../../src/util/bytes.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';
import { RpcHarness } from './rpc-harness.ts';

/** Calls that let others have their turn, and blocks that come in such a turn. */

/** `from-…-to`, as World draws. */
const path = (from: number, to: number, suffix = '') =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}${suffix}`).join('-');

let world: World;
let node: RpcHarness;
const pay = (index: number) => {
  const coin = world.genesisCoin(index);
  return spend([coin], [{ value: coin.value - 1_000, script: payTo(BOB) }]);
};
const give = (...names: string[]) => {
  for (const name of names)
    node.step({ kind: 'command', ticket: 0, command: { kind: 'submit-block', bytes: world.bytes(name) } });
};
const chainOf = (from: number, to: number, suffix = '') => path(from, to, suffix).split('-');
/** A call, to where it lets others have their turn. What it answers comes under `answer`: an await would wait for it. */
async function midway(method: string, ...params: JsonInput[]): Promise<{ answer: Promise<JsonObject> }> {
  const ours = nextTurn();
  const answer = node.object(method, ...params);
  await ours;
  return { answer };
}
const told = (answer: JsonObject, list: 'transactions' | 'removed', txid: string) =>
  (answer[list] as JsonObject[]).filter((entry) => entry['txid'] === txid);

beforeEach(() => {
  world = new World(LAB);
  node = new RpcHarness(LAB, world.wallS);
});

describe('listsinceblock, while the chain goes on', () => {
  it('leaves a block that comes meanwhile, and what it confirms, to the next call', async () => {
    const waited = pay(0);
    const unheard = pay(1);
    world.draw(`G-${path(1, 21)}`, { '21': { txs: [waited, unheard] } });
    give(...chainOf(1, 20));
    await node.call('sendrawtransaction', toHex(waited.bytes), 0);
    const first = await midway('listsinceblock', world.id('1'));
    give('21');
    expect(await node.call('getbestblockhash')).toBe(world.id('21'));
    const before = await first.answer;
    expect(before['lastblock']).toBe(world.id('20'));
    expect(told(before, 'transactions', waited.id)).not.toEqual([]);
    const next = await node.object('listsinceblock', before['lastblock']!);
    expect(next['lastblock']).toBe(world.id('21'));
    for (const tx of [waited, unheard])
      expect(told(next, 'transactions', tx.id)).toMatchObject(Array(2).fill({ confirmations: 1 }));
  });

  it('leaves a reorg that comes meanwhile to the next call', async () => {
    const paid = pay(0);
    const other = pay(1);
    world.draw(`G-${path(1, 20)} / 17-${path(18, 21, 'a')}`, {
      '19': { txs: [paid] },
      '18a': { txs: [other] },
    });
    give(...chainOf(1, 20));
    const first = await midway('listsinceblock', world.id('1'));
    give('18a', '19a', '20a', '21a');
    const before = await first.answer;
    expect(before['lastblock']).toBe(world.id('20'));
    expect(told(before, 'transactions', paid.id)).not.toEqual([]);
    const next = await node.object('listsinceblock', before['lastblock']!);
    expect(told(next, 'transactions', other.id)).toMatchObject(Array(2).fill({ confirmations: 4 }));
    expect(told(next, 'removed', paid.id)).toMatchObject(Array(2).fill({ confirmations: 0 }));
    // Back in the mempool.
    expect(told(next, 'transactions', paid.id)).toMatchObject(Array(2).fill({ confirmations: 0 }));
  });

  it('goes on after a turn only when memory and disk agree', async () => {
    const waited = pay(0);
    world.draw(`G-${path(1, 21)}`, { '21': { txs: [waited] } });
    give(...chainOf(1, 20));
    await node.call('sendrawtransaction', toHex(waited.bytes), 0);
    const call = await midway('listsinceblock', world.id('1'));
    node.hold();
    give('21');
    const writes = node.held;
    await nextTurn();
    expect(node.held).toBe(writes + 1);
    node.release();
    // The block took it out of the mempool, and its place was not on disk: it would be told as its own rival.
    expect(told(await call.answer, 'transactions', waited.id)).toMatchObject(
      Array(2).fill({ confirmations: 1, walletconflicts: [] }),
    );
  });
});

describe('getblock, while the chain goes on', () => {
  it('shows nothing of a block that is not on disk yet', async () => {
    const coin = world.genesisCoin(0);
    const outputs = Array.from({ length: 600 }, () => ({ value: 1e5, script: payTo(BOB) }));
    world.draw('G-1-2', { '1': { txs: [spend([coin], outputs)] } });
    give('1');
    const call = await midway('getblock', world.id('1'), 2);
    node.hold();
    give('2');
    const block = await call.answer;
    expect(block).toMatchObject({ confirmations: 1, tx: [{}, { vout: { length: 600 } }] });
    expect(block).not.toHaveProperty('nextblockhash');
  });
});

describe('findtx, while the chain goes on', () => {
  it('tells where a payment is, not where it was when the reading of the index began', async () => {
    const tx = pay(0);
    world.draw('G-1 / G-1a-2a', { '1': { txs: [tx] } });
    give('1');
    const call = node.call('findtx', tx.id.slice(-8));
    give('1a', '2a');
    expect(await call).toEqual([{ txid: tx.id, state: 'pool' }]);
    world.draw('2a-3a', { '3a': { txs: [tx] } });
    const later = node.call('findtx', tx.id.slice(-8));
    give('3a');
    expect(await later).toMatchObject([{ state: 'block', confirmations: 1, block: { id: world.id('3a') } }]);
  });
});

describe('findtx, while a payment is between a block and the mempool', () => {
  it('tells where it comes to rest, however long that takes', async () => {
    const tx = pay(0);
    world.draw('G-1 / G-1a-2a', { '1': { txs: [tx] } });
    give('1', '1a');
    const bytes = world.bytes('2a');
    const isThere = () => node.node.view.chain.tip.id === world.id('2a');
    node.step({ kind: 'command', ticket: 0, command: { kind: 'submit-block', bytes } }, isThere);
    expect(node.node.view.mempool.size).toBe(0);
    expect([...node.node.view.mempool.returning()].map(({ id }) => id)).toEqual([tx.id]);
    expect(await node.call('findtx', tx.id.slice(-8))).toEqual([{ txid: tx.id, state: 'pool' }]);
    node.step({ kind: 'timer' });
    expect(await node.call('findtx', tx.id.slice(-8))).toEqual([{ txid: tx.id, state: 'pool' }]);
  });
});

describe('waiting for a tip', () => {
  it('ends with one that is on disk', async () => {
    world.draw('G-1');
    const hangUp = new AbortController();
    const call = node.text('waitforblockheight', [5], hangUp.signal);
    let answered = false;
    void call.then(() => {
      answered = true;
    });
    node.hold();
    give('1');
    hangUp.abort();
    await new Promise((resolve) => process.nextTick(resolve));
    expect(answered).toBe(false);
    node.release();
    expect(JSON.parse(await call)).toEqual({ hash: world.id('1'), height: 1 });
  });
});

describe('gettransaction, while the chain goes on', () => {
  it('tells a payment and the last block that it knows of as of one moment', async () => {
    const coin = world.genesisCoin(0);
    const paid = pay(0);
    const rival = spend([coin], [{ value: coin.value - 2_000, script: payTo(BOB) }]);
    world.draw(`G-1 / G-${path(1, 20, 'a')} / G-${path(1, 21, 'b')}`, {
      '1': { txs: [paid] },
      '1a': { txs: [rival] },
    });
    give('1', ...chainOf(1, 20, 'a'), ...chainOf(1, 20, 'b'));
    const call = await midway('gettransaction', paid.id);
    give('21b');
    expect(await node.call('getblockcount')).toBe(21);
    // On the branch that stands by now nobody took its coin.
    expect(await call.answer).toMatchObject({
      confirmations: -20,
      walletconflicts: [rival.id],
      lastprocessedblock: { hash: world.id('20a'), height: 20 },
    });
  });
});

describe('gettxoutsetinfo with muhash, while the chain goes on', () => {
  it('lets others have their turn, and answers for the tip at which it began', async () => {
    world.draw(`G-${path(1, 60)}`);
    give(...chainOf(1, 59));
    const before = await node.object('gettxoutsetinfo', 'muhash');
    const first = await midway('gettxoutsetinfo', 'muhash');
    let answered = false;
    void first.answer.then(() => {
      answered = true;
    });
    await new Promise((resolve) => process.nextTick(resolve));
    expect(answered).toBe(false);
    give('60');
    expect(await node.call('getbestblockhash')).toBe(world.id('60'));
    expect(await first.answer).toEqual(before);
    expect((await node.object('gettxoutsetinfo', 'muhash'))['muhash']).not.toBe(before['muhash']);
  });
});
