import { beforeEach, describe, expect, it } from 'vitest';
import type { Tx } from '../../src/bitcoin/tx.ts';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { toHex } from '../../src/util/bytes.ts';
import { ALICE, BOB, data, outputOf, payTo, type SpendOptions, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';
import { RpcHarness } from './rpc-harness.ts';

/** Payments in and out, in Bitcoin Core's words. */

let world: World;
let node: RpcHarness;
beforeEach(() => {
  world = new World(LAB);
  node = new RpcHarness(LAB, world.wallS);
});

const hex = (tx: Tx) => toHex(tx.bytes);
const give = (name: string) => node.call('submitblock', toHex(world.bytes(name)));
const send = (tx: Tx) => node.refusal('sendrawtransaction', hex(tx), 0);
const test = async (...txs: Tx[]) =>
  (await node.call('testmempoolaccept', txs.map(hex), 0)) as unknown as JsonObject[];
/** A genesis coin of Alice's, all but the fee to one person. */
const pay = (index: number, fee = 1_000, to = ALICE, o: SpendOptions = {}) => {
  const coin = world.genesisCoin(index);
  return spend([coin], [{ value: coin.value - fee, script: payTo(to) }], o);
};
/** Output 0 of one of Alice's, on to herself. */
const onwards = (tx: Tx, fee = 1_000, o: SpendOptions = {}) =>
  spend([outputOf(tx, 0, ALICE)], [{ value: tx.outputs[0]!.value - fee, script: payTo(ALICE) }], o);

describe('getblock 3 and getrawtransaction 2', () => {
  it('show the coin behind each input, with the fee', async () => {
    const first = pay(0, 1_500);
    const second = onwards(first, 2_500);
    world.draw('G-1-2', { '1': { txs: [first] }, '2': { txs: [second] } });
    for (const name of ['1', '2']) await give(name);
    const prevout = {
      generated: false,
      height: 1,
      value: 19.999985,
      scriptPubKey: { type: 'witness_v0_keyhash', hex: toHex(payTo(ALICE)), address: expect.any(String) },
    };
    const [coinbase, whole] = (await node.object('getblock', world.id('2'), 3))['tx'] as JsonObject[];
    expect(coinbase).not.toHaveProperty('fee');
    expect(coinbase!['vin']).not.toMatchObject([{ prevout: expect.anything() }]);
    expect(whole).toMatchObject({ txid: second.id, fee: 0.000025, vin: [{ prevout }] });
    // In the order of Core's answer, for those who compare texts.
    expect(Object.keys((whole!['vin'] as JsonObject[])[0]!)).toEqual([
      'txid',
      'vout',
      'scriptSig',
      'txinwitness',
      'prevout',
      'sequence',
    ]);
    const [, plain] = (await node.object('getblock', world.id('2'), 2))['tx'] as JsonObject[];
    expect(plain).toMatchObject({ fee: 0.000025 });
    expect((plain!['vin'] as JsonObject[])[0]).not.toHaveProperty('prevout');
    expect(await node.object('getrawtransaction', second.id, 2)).toMatchObject({
      fee: 0.000025,
      vin: [{ prevout }],
    });
    const verbose = await node.object('getrawtransaction', second.id, 1);
    expect(verbose).not.toHaveProperty('fee');
    // Of what is not in a block of the branch there is no undo record.
    const third = onwards(second);
    await node.call('sendrawtransaction', hex(third), 0);
    const pooled = await node.object('getrawtransaction', third.id, 2);
    expect(pooled).not.toHaveProperty('fee');
    expect((pooled['vin'] as JsonObject[])[0]).not.toHaveProperty('prevout');
  });
});

describe('sendrawtransaction of a payment in the chain', () => {
  it('says -27 while an output is unspent, and -25 after', async () => {
    const paid = pay(0);
    const next = onwards(paid);
    world.draw('G-1-2', { '1': { txs: [paid] }, '2': { txs: [next] } });
    await give('1');
    expect(await send(paid)).toBe('-27 Transaction outputs already in utxo set');
    expect(await test(paid)).toMatchObject([{ allowed: false, 'reject-reason': 'txn-already-known' }]);
    await give('2');
    expect(await send(paid)).toMatch(/^-25 bad-txns-inputs-missingorspent/);
    expect(await test(paid)).toEqual([
      { txid: paid.id, wtxid: paid.wid, allowed: false, 'reject-reason': 'missing-inputs' },
    ]);
    expect(await test(paid, pay(1))).toMatchObject([{ 'reject-reason': 'missing-inputs' }, {}]);
    expect(await send(next)).toBe('-27 Transaction outputs already in utxo set');
  });

  it('names the first thing that is wrong before the fee', async () => {
    const forged = pay(0, 19e8, BOB, {
      spoil: (inputs) => {
        inputs[0] = { ...inputs[0]!, witness: [new Uint8Array(71), inputs[0]!.witness[1]!] };
      },
    });
    expect(await node.refusal('sendrawtransaction', hex(forged))).toMatch(/^-26 mempool-script-verify-flag/);
    expect(await node.refusal('sendrawtransaction', hex(pay(0, 19e8)))).toMatch(/^-25 Fee exceeds maximum/);
  });
});

describe('testmempoolaccept', () => {
  it('gives the effective fee rate rounded down', async () => {
    const tx = pay(0, 1_234);
    const rate = Math.floor((1_234 * 1_000) / tx.vsize) / 1e8;
    expect((1_234 * 1_000) % tx.vsize).not.toBe(0);
    expect(await test(tx)).toEqual([
      {
        txid: tx.id,
        wtxid: tx.wid,
        allowed: true,
        vsize: tx.vsize,
        fees: { base: 0.00001234, 'effective-feerate': rate, 'effective-includes': [tx.wid] },
      },
    ]);
  });

  it('takes a package together: a child may spend what its parent makes', async () => {
    const parent = pay(0);
    const child = onwards(parent);
    expect(await test(child)).toMatchObject([{ allowed: false, 'reject-reason': 'missing-inputs' }]);
    expect(await test(parent, child, onwards(child))).toMatchObject(Array(3).fill({ allowed: true }));
    expect(await node.call('getrawmempool')).toEqual([]);
    await node.call('sendrawtransaction', hex(parent), 0);
    expect(await test(child, onwards(child))).toMatchObject(Array(2).fill({ allowed: true }));
  });

  it('refuses a package that is none', async () => {
    const parent = pay(0);
    const child = onwards(parent);
    const ids = (tx: Tx) => ({ txid: tx.id, wtxid: tx.wid });
    const error = async (...txs: Tx[]) => {
      const answers = await test(...txs);
      expect(answers).toEqual(txs.map((tx) => ({ ...ids(tx), 'package-error': expect.any(String) })));
      return (answers[0]!['package-error'] as string).split(',')[0];
    };
    expect(await error(child, parent)).toBe('package-not-sorted');
    expect(await error(parent, parent)).toBe('package-contains-duplicates');
    expect(await error(parent, pay(0, 2_000))).toBe('conflict-in-package');
    expect(await error(parent, onwards(parent, 1_000, { version: 3 }))).toBe('TRUC-violation');
    const wide = [1, 2, 3].map((index) => {
      const coin = world.genesisCoin(index);
      const outputs = Array.from({ length: 1_200 }, () => ({ value: 1_000, script: payTo(BOB) }));
      return spend([coin], outputs);
    });
    expect(await error(...wide)).toBe('package-too-large');
  });

  it('ends at the first that fails, and replaces nothing', async () => {
    const parent = pay(0);
    const poor = onwards(parent, 1);
    const last = onwards(poor);
    const unread = (tx: Tx) => ({ txid: tx.id, wtxid: tx.wid });
    expect(await test(parent, poor, last)).toEqual([
      unread(parent),
      expect.objectContaining({ allowed: false, 'reject-reason': 'min relay fee not met' }),
      unread(last),
    ]);
    // Signatures are verified last, one after the other: those before the failure are told.
    const forged = onwards(parent, 1_000, {
      spoil: (inputs) => {
        inputs[0] = { ...inputs[0]!, witness: [new Uint8Array(71), inputs[0]!.witness[1]!] };
      },
    });
    expect(await test(parent, forged, pay(2))).toMatchObject([
      { allowed: true },
      { allowed: false, 'reject-reason': 'mempool-script-verify-flag-failed' },
      unread(pay(2)),
    ]);
    await node.call('sendrawtransaction', hex(pay(1)), 0);
    const dearer = pay(1, 90_000);
    expect(await test(dearer)).toMatchObject([{ allowed: true }]);
    expect(await test(dearer, pay(2))).toMatchObject([
      { allowed: false, 'reject-reason': 'bip125-replacement-disallowed' },
      unread(pay(2)),
    ]);
  });

  it('counts a package and its relatives in the mempool together', async () => {
    let tip = pay(0);
    await node.call('sendrawtransaction', hex(tip), 0);
    for (let i = 0; i < 22; i++) {
      tip = onwards(tip);
      await node.call('sendrawtransaction', hex(tip), 0);
    }
    const [one, two, three] = [onwards(tip), onwards(onwards(tip)), onwards(onwards(onwards(tip)))];
    expect(await test(one!, two!)).toMatchObject([{ allowed: true }, { allowed: true }]);
    expect((await test(one!, two!, three!))[0]!['package-error']).toMatch(/^package-mempool-limits/);
  });

  it('says nothing of what comes behind one that is too dear', async () => {
    const parent = pay(0, 10e8);
    const child = onwards(parent);
    const answers = (await node.call('testmempoolaccept', [hex(parent), hex(child)])) as JsonInput[];
    expect(answers).toEqual([
      { txid: parent.id, wtxid: parent.wid, allowed: false, 'reject-reason': 'max-fee-exceeded' },
      { txid: child.id, wtxid: child.wid },
    ]);
  });
});

describe('getmempoolentry', () => {
  it('tells whether a payment, or an ancestor in the mempool, signals replacement (BIP125)', async () => {
    const silent = pay(0);
    const child = onwards(silent);
    const signalling = pay(1, 1_000, ALICE, { sequence: 0xffff_fffd });
    const heir = onwards(signalling);
    for (const tx of [silent, child, signalling, heir]) await node.call('sendrawtransaction', hex(tx), 0);
    const signals = async (tx: Tx) => (await node.object('getmempoolentry', tx.id))['bip125-replaceable'];
    expect(await Promise.all([silent, child, signalling, heir].map(signals))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('arguments as Core takes them', () => {
  it('burns nothing that the caller does not name', async () => {
    const coin = world.genesisCoin(0);
    const burning = spend(
      [coin],
      [
        { value: 5_000, script: data(7) },
        { value: 19e8, script: payTo(ALICE) },
      ],
    );
    expect(await send(burning)).toMatch(/^-25 Unspendable output exceeds maximum configured by user/);
    expect(await node.refusal('sendrawtransaction', hex(burning), 0, 0.00004999)).toMatch(/^-25 Unspendable/);
    expect(await node.call('sendrawtransaction', hex(burning), 0, '0.00005')).toBe(burning.id);
  });

  it('takes verbose for verbosity, and refuses numbers that are none by -1', async () => {
    const { hash } = LAB.genesis;
    const id = toHex(hash.slice().reverse());
    const named = async (method: string, params: JsonObject) =>
      JSON.parse(await node.text(method, params)) as JsonInput;
    expect(await named('getblock', { blockhash: id, verbose: false })).toBe(toHex(LAB.genesis.bytes));
    expect(await node.refusal('getblockhash', 1.5)).toMatch(/^-1 JSON integer out of range/);
    expect(await node.refusal('getblockhash', 1e20)).toMatch(/^-1 JSON integer out of range/);
    expect(await node.refusal('gettxout', id, -1)).toMatch(/^-1 JSON integer out of range/);
    expect(await node.refusal('gettxout', id, 2 ** 32)).toMatch(/^-1 JSON integer out of range/);
    expect(await node.refusal('addnode', '/ip4/127.0.0.1/tcp/1', 'frob')).toMatch(/^-1 command must be add/);
  });

  it('prints the hash rate of the network with 16 digits', async () => {
    const { time } = world.get('G').block.header;
    const at = (seconds: number) => ({ time: time + seconds });
    world.draw('G-1-2-3-4', { '1': at(1), '2': at(2), '3': at(3), '4': at(21) });
    for (const name of ['1', '2', '3', '4']) await give(name);
    // Eight hashes in 21 seconds: 0.38095238095238093 as JavaScript prints it.
    expect(await node.text('getnetworkhashps', [])).toBe('0.3809523809523809');
  });
});
