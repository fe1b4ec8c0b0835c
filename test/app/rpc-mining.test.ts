import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';
import { ALICE, BOB, outputOf, payTo, payToTaproot, spend, TAPROOT } from '../dsl/keys.ts';
import { LAB, YARD } from '../dsl/networks.ts';
import { type MakeOptions, makeBlockOf, mineLoop } from '../dsl/outside-miner.ts';
import { World } from '../dsl/world.ts';
import { RpcHarness } from './rpc-harness.ts';

/** What miners outside of the node are told, and what becomes of their blocks (BIP22, BIP23, BIP145). */

const payout = toHex(payTo(BOB));
const SEGWIT = { rules: ['segwit'] };
const toTaproot = (value: number) => ({ value, script: payToTaproot(TAPROOT) });

let world: World;
let node: RpcHarness;
beforeEach(() => {
  world = new World(LAB);
  node = new RpcHarness(LAB, world.wallS);
});

const template = (more: JsonObject = {}) => node.object('getblocktemplate', { ...SEGWIT, ...more });
const send = async (...coins: number[]) => {
  for (const index of coins) {
    const coin = world.genesisCoin(index);
    const tx = spend([coin], [{ value: coin.value - 1_000, script: payTo(BOB) }]);
    await node.call('sendrawtransaction', toHex(tx.bytes), 0);
  }
};
const generate = async (blocks = 1) => {
  for (let i = 0; i < blocks; i++)
    await node.call('submitblock', makeBlockOf(await template(), { payout, extraNonce: i }));
};

describe('getblocktemplate', () => {
  it('counts a signature operation for a P2WPKH input and none for a P2TR one', async () => {
    const funding = spend([world.genesisCoin(0)], [toTaproot(10e8), toTaproot(10e8 - 1_000)]);
    await node.call('sendrawtransaction', toHex(funding.bytes), 0);
    const coins = [outputOf(funding, 0, TAPROOT), outputOf(funding, 1, TAPROOT)];
    const taproot = spend(coins, [{ value: 19e8, script: payTo(ALICE) }]);
    const mixed = spend([outputOf(taproot, 0, ALICE), world.genesisCoin(1)], [toTaproot(30e8)]);
    for (const tx of [taproot, mixed]) await node.call('sendrawtransaction', toHex(tx.bytes), 0);
    const { transactions } = await template();
    expect(transactions).toMatchObject([
      { txid: funding.id, sigops: 1, depends: [] },
      { txid: taproot.id, sigops: 0, depends: [1] },
      { txid: mixed.id, sigops: 2, depends: [2] },
    ]);
  });

  it('is what getmininginfo tells of while our own miner rests', async () => {
    expect(await node.object('getmininginfo')).not.toHaveProperty('currentblocktx');
    await send(0, 1);
    const { transactions } = await template();
    const weight = (transactions as { weight: number }[]).reduce((sum, tx) => sum + tx.weight, 0);
    expect(await node.object('getmininginfo')).toMatchObject({
      currentblocktx: 2,
      currentblockweight: weight,
    });
  });

  it('names the least time, which a target that follows every block binds to the parent', async () => {
    const drawn = new World(YARD).draw('G-1-2-3');
    node = new RpcHarness(YARD, drawn.wallS);
    for (const name of ['1', '2', '3']) await node.call('submitblock', toHex(drawn.bytes(name)));
    const { time } = drawn.get('3').block.header;
    const known = await template();
    expect(known['mintime']).toBe(time);
    const proposed = (curtime: number) =>
      makeBlockOf({ ...known, curtime }, { payout, witness: true, lazy: true });
    const propose = async (data: string) => await node.call('getblocktemplate', { mode: 'proposal', data });
    expect(await propose(proposed(time))).toBeNull();
    expect(await propose(proposed(time - 1))).toBe('time-timewarp-attack');
  });

  it('wants a request and the segwit rule', async () => {
    expect(await node.refusal('getblocktemplate')).toMatch(/^-1 getblocktemplate: missing argument/);
    expect(await node.refusal('getblocktemplate', {})).toMatch(/^-8 .*segwit rule set/);
    expect(await node.refusal('getblocktemplate', { mode: 'frob' })).toBe('-8 Invalid mode');
  });
});

describe('getblocktemplate with longpollid', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A call that waits; `answer` is undefined until it answers. */
  function waiting(longpollid: JsonInput, signal?: AbortSignal) {
    const call: { answer?: JsonObject; error?: unknown } = {};
    const params = [{ ...SEGWIT, longpollid }];
    void node.text('getblocktemplate', params, signal).then(
      (text) => {
        call.answer = JSON.parse(text) as JsonObject;
      },
      (error: unknown) => {
        call.error = error;
      },
    );
    return call;
  }
  const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);
  const idOf = async () => (await template())['longpollid'] as string;

  it('answers a new tip at once', async () => {
    const { longpollid, previousblockhash } = await template();
    expect(longpollid).toMatch(new RegExp(`^${previousblockhash as string}\\d+$`));
    const call = waiting(longpollid!);
    await pass(600);
    expect(call.answer).toBeUndefined();
    await generate();
    await pass(0);
    expect(call.answer).toMatchObject({ height: 2 });
    // The one who comes with it when it is old does not wait at all.
    const late = waiting(longpollid!);
    await pass(0);
    expect(late.answer).toMatchObject({ height: 2 });
  });

  it('answers new transactions after a minute, then at looks every ten seconds', async () => {
    const first = waiting(await idOf());
    await pass(1);
    await send(0);
    await pass(58);
    expect(first.answer).toBeUndefined();
    await pass(1);
    expect(first.answer!['transactions']).toHaveLength(1);

    const second = waiting(first.answer!['longpollid']!);
    await pass(61);
    expect(second.answer).toBeUndefined();
    await send(1);
    await pass(8);
    expect(second.answer).toBeUndefined();
    await pass(1);
    expect(second.answer!['transactions']).toHaveLength(2);
  });

  it('notices a replacement, which leaves as many transactions as there were', async () => {
    await send(0);
    const call = waiting(await idOf());
    const coin = world.genesisCoin(0);
    const dearer = spend([coin], [{ value: coin.value - 9_000, script: payTo(BOB) }]);
    await node.call('sendrawtransaction', toHex(dearer.bytes), 0);
    await pass(60);
    expect(call.answer!['transactions']).toMatchObject([{ txid: dearer.id }]);
  });

  it('ends with the caller, and refuses what is no id', async () => {
    const hangUp = new AbortController();
    const call = waiting(await idOf(), hangUp.signal);
    await pass(5);
    hangUp.abort();
    await pass(0);
    expect(call.error).toMatchObject({ code: -9 });
    expect(vi.getTimerCount()).toBe(0);
    expect(await node.refusal('getblocktemplate', { ...SEGWIT, longpollid: 'abc' })).toBe(
      "-8 longpollid must be of length 64 (not 3, for 'abc')",
    );
  });
});

describe('getblocktemplate in mode proposal', () => {
  const propose = async (data: string) => await node.call('getblocktemplate', { mode: 'proposal', data });
  const made = async (o: Partial<MakeOptions> = {}) =>
    makeBlockOf(await template(), { payout, witness: true, lazy: true, ...o });

  it('judges as if the work were done, and leaves no trace', async () => {
    await send(0, 1, 2);
    const before = { events: node.log.length, disk: await node.text('gettxoutsetinfo', []) };
    expect(await propose(await made())).toBeNull();
    expect(await propose(await made({ greed: 1 }))).toBe('bad-cb-amount');
    expect(await propose(await made({ witness: false }))).toBe('bad-witness-nonce-size');
    expect(await propose(await made({ uncommitted: true, witness: false }))).toBe('unexpected-witness');
    const old = { ...(await template()), curtime: 1 };
    expect(await propose(makeBlockOf(old, { payout, witness: true, lazy: true }))).toBe('time-too-old');
    const version = { ...(await template()), version: 3 };
    expect(await propose(makeBlockOf(version, { payout, witness: true, lazy: true }))).toBe(
      'bad-version(0x00000003)',
    );
    const cut = fromHex(await made())!;
    cut[36] = cut[36]! ^ 1;
    expect(await propose(toHex(cut))).toBe('bad-txnmrklroot');
    expect(node.log.length).toBe(before.events);
    expect(await node.text('gettxoutsetinfo', [])).toBe(before.disk);
    expect(await node.call('getblockcount')).toBe(0);
    expect(await node.call('getrawmempool')).toHaveLength(3);
    // The very block, with its work done, is the next one.
    expect(await node.call('submitblock', await made({ lazy: false }))).toBeNull();
  });

  it('verifies the signatures', async () => {
    const coin = world.genesisCoin(0);
    const forged = spend([coin], [{ value: coin.value, script: payTo(BOB) }], {
      spoil: (inputs) => {
        const [signature, key] = inputs[0]!.witness;
        const other = signature!.slice();
        other[10]! ^= 1;
        inputs[0] = { ...inputs[0]!, witness: [other, key!] };
      },
    });
    const bad = world.draw('G-X', { X: { txs: [forged] } });
    expect(await propose(toHex(bad.bytes('X')))).toBe('block-script-verify-flag-failed');
  });

  it('knows blocks that are here, and judges only what builds on the tip', async () => {
    const stale = await made({ extraNonce: 7 });
    world.draw('G-1-2 / G-1b');
    for (const name of ['1', '2', '1b']) await node.call('submitblock', toHex(world.bytes(name)));
    expect(await propose(stale)).toBe('inconclusive-not-best-prevblk');
    expect(await propose(toHex(world.bytes('2')))).toBe('duplicate');
    expect(await propose(toHex(world.bytes('1b')))).toBe('duplicate-inconclusive');
    await node.call('invalidateblock', world.id('2'));
    expect(await propose(toHex(world.bytes('2')))).toBe('duplicate-invalid');
  });

  it('refuses a request without a block', async () => {
    expect(await node.refusal('getblocktemplate', { mode: 'proposal' })).toBe(
      '-3 Missing data String key for proposal',
    );
    expect(await node.refusal('getblocktemplate', { mode: 'proposal', data: '00' })).toBe(
      '-22 Block decode failed',
    );
  });
});

describe('submitblock of a stock miner', () => {
  it('adds the witness that the coinbase commits to, and nothing where it commits to none', async () => {
    await send(0);
    expect(await node.call('submitblock', makeBlockOf(await template(), { payout }))).toBeNull();
    const [coinbase] = (await node.object('getblock', (await node.call('getbestblockhash')) as string, 2))[
      'tx'
    ] as JsonObject[];
    expect(coinbase!['vin']).toMatchObject([{ txinwitness: ['00'.repeat(32)] }]);
    const empty = makeBlockOf(await template(), { payout, uncommitted: true });
    expect(await node.call('submitblock', empty)).toBeNull();
    const tip = (await node.call('getbestblockhash')) as string;
    expect(await node.call('getblock', tip, 0)).toBe(empty);
  });

  it('answers in BIP22’s words', async () => {
    const known = await template();
    const first = makeBlockOf(known, { payout });
    const lazy = fromHex(makeBlockOf(known, { payout, extraNonce: 2 }))!;
    expect(await node.call('submitblock', first)).toBeNull();
    expect(await node.call('submitblock', first)).toBe('duplicate');
    expect(await node.call('submitblock', makeBlockOf(known, { payout, extraNonce: 1 }))).toBe(
      'inconclusive',
    );
    // Every second nonce would do.
    let refused: JsonInput = null;
    for (let nonce = 0; refused !== 'high-hash' && nonce < 50; nonce++) {
      lazy[76] = nonce;
      refused = await node.call('submitblock', toHex(lazy));
    }
    expect(refused).toBe('high-hash');
    const greedy = makeBlockOf(await template(), { payout, greed: 1 });
    expect(await node.call('submitblock', greedy)).toBe('bad-cb-amount');
    expect(await node.call('submitblock', greedy)).toBe('duplicate-invalid');
    const orphan = { ...(await template()), previousblockhash: '11'.repeat(32) };
    expect(await node.call('submitblock', makeBlockOf(orphan, { payout }))).toBe('prev-blk-not-found');
  });

  it('takes every block of one who waits with longpollid while it works', async () => {
    await send(0, 1);
    const answers = await mineLoop((method, ...params) => node.call(method, ...params), payout, 20);
    expect(answers).toEqual(Array(20).fill(null));
    expect(await node.call('getblockcount')).toBe(20);
    expect(await node.call('getrawmempool')).toEqual([]);
  });
});
