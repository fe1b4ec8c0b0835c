import { sha256 } from '@noble/hashes/sha2.js';
import * as btc from '@scure/btc-signer';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { muhashDigest, muhashElement, muhashProduct } from '../../src/bitcoin/muhash.ts';
import { satsOf } from '../../src/host/http/client.ts';
import type { JsonObject } from '../../src/host/http/json.ts';
import { fromHex, reversed, toHex } from '../../src/util/bytes.ts';
import { RpcHarness, regtest } from './rpc-harness.ts';

const NET = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };
const secret = sha256(new Uint8Array([7]));
const mine = btc.p2wpkh(pubECDSA(secret, true), NET);
const yours = btc.p2wpkh(pubECDSA(sha256(new Uint8Array([8])), true), NET);
const COIN = 100_000_000;
const NEVER = '11'.repeat(32);

/** Made and signed by an independent library. */
function pay(
  txid: string,
  vout: number,
  amount: number,
  sent: number,
  fee: number,
): { hex: string; id: string } {
  const tx = new btc.Transaction();
  tx.addInput({ txid, index: vout, witnessUtxo: { script: mine.script, amount: BigInt(amount) } });
  tx.addOutputAddress(yours.address!, BigInt(sent), NET);
  if (amount - sent - fee > 0) tx.addOutputAddress(mine.address!, BigInt(amount - sent - fee), NET);
  tx.sign(secret);
  tx.finalize();
  return { hex: tx.hex, id: tx.id };
}

describe('coins and payments', () => {
  let node: RpcHarness;
  let coinbase: string;
  beforeAll(async () => {
    node = new RpcHarness(regtest(), 1_700_000_000);
    const [first] = (await node.call('generatetoaddress', 101, mine.address!)) as string[];
    coinbase = ((await node.object('getblock', first!))['tx'] as string[])[0]!;
  });

  it('scantxoutset finds by address, script and key what gettxout shows', async () => {
    const descriptors = [
      `addr(${mine.address})`,
      `raw(${toHex(mine.script)})`,
      `wpkh(${toHex(pubECDSA(secret, true))})`,
    ];
    for (const descriptor of descriptors) {
      const found = await node.object('scantxoutset', 'start', [descriptor]);
      expect(found).toMatchObject({ success: true, txouts: 101, height: 101, total_amount: 101 * 50 });
      const coin = (found['unspents'] as JsonObject[]).find((each) => each['txid'] === coinbase)!;
      expect(coin).toMatchObject({ vout: 0, amount: 50, coinbase: true, height: 1, confirmations: 101 });
      expect(coin['desc']).toMatch(/#[a-z0-9]{8}$/);
      expect(coin['blockhash']).toBe(await node.call('getblockhash', 1));
    }
    expect(await node.object('gettxout', coinbase, 0)).toMatchObject({
      bestblock: await node.call('getbestblockhash'),
      confirmations: 101,
      value: 50,
      coinbase: true,
      scriptPubKey: {
        type: 'witness_v0_keyhash',
        address: mine.address,
        desc: expect.stringContaining('addr('),
      },
    });
    expect(await node.call('gettxout', coinbase, 1)).toBe(null);
    expect(await node.call('gettxout', NEVER, 0)).toBe(null);
    expect(await node.call('scantxoutset', 'status')).toBe(null);
    expect(await node.call('scantxoutset', 'abort')).toBe(false);
  });

  it('refuses descriptors by what is wrong with them', async () => {
    const refusal = (text: string) => node.refusal('scantxoutset', 'start', [text]);
    expect(await refusal('addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)')).toMatch(/^-5 Invalid address/);
    expect(await refusal(`addr(${mine.address})#aaaaaaaa`)).toContain('does not match');
    expect(await refusal('sh(wpkh(00))')).toContain('sh() is not known here');
    expect(await refusal('raw(0)')).toContain('raw() takes a script in hex');
    expect(await refusal('nonsense')).toContain('a descriptor looks like');
    expect(await node.refusal('scantxoutset', 'begin')).toBe("-8 Invalid action 'begin'");
  });

  it('gettxoutsetinfo sums and hashes as Core does', async () => {
    const info = await node.object('gettxoutsetinfo');
    expect(info).toMatchObject({
      height: 101,
      txouts: 101,
      transactions: 101,
      total_amount: 5050,
      bogosize: 101 * 72,
    });
    // hash_serialized_3 by its definition, from what the other methods say.
    const found = await node.object('scantxoutset', 'start', [`addr(${mine.address})`]);
    const parts = (found['unspents'] as JsonObject[])
      .map((coin) => {
        const out = Buffer.alloc(49);
        out.set(reversed(fromHex(coin['txid'] as string)!), 0);
        out.writeUInt32LE(coin['vout'] as number, 32);
        out.writeUInt32LE((coin['height'] as number) * 2 + (coin['coinbase'] === true ? 1 : 0), 36);
        out.writeBigUInt64LE(BigInt(satsOf(coin['amount'])), 40);
        out.writeUInt8(mine.script.length, 48);
        return Buffer.concat([out, mine.script]);
      })
      .sort(Buffer.compare);
    const expected = toHex(reversed(sha256(sha256(Buffer.concat(parts)))));
    expect(info['hash_serialized_3']).toBe(expected);
    const { hash_serialized_3: _, ...sums } = info;
    expect(await node.object('gettxoutsetinfo', 'none')).toEqual(sums);
    // muhash: the same bytes, each a factor.
    const product = parts.reduce((all, part) => muhashProduct(all, muhashElement(part)), 1n);
    const muhash = toHex(reversed(muhashDigest(product)));
    expect(await node.object('gettxoutsetinfo', 'muhash')).toEqual({ ...sums, muhash });
    expect(await node.refusal('gettxoutsetinfo', 'md5')).toBe("-8 'md5' is not a valid hash_type");
  });

  it('takes a payment from test to confirmation', async () => {
    const tx = pay(coinbase, 0, 50 * COIN, 20 * COIN + 1, 10_000);
    const [judged] = (await node.call('testmempoolaccept', [tx.hex])) as JsonObject[];
    expect(judged).toMatchObject({ txid: tx.id, allowed: true, fees: { base: 0.0001 } });
    expect(await node.call('getrawmempool')).toEqual([]);
    expect(await node.call('sendrawtransaction', tx.hex)).toBe(tx.id);
    expect(await node.call('sendrawtransaction', tx.hex)).toBe(tx.id);
    expect(await node.call('testmempoolaccept', [tx.hex])).toMatchObject([
      { allowed: false, 'reject-reason': 'txn-already-in-mempool' },
    ]);
    expect(await node.call('getrawmempool')).toEqual([tx.id]);
    const entry = await node.object('getmempoolentry', tx.id);
    expect(entry).toMatchObject({
      height: 101,
      ancestorcount: 1,
      depends: [],
      spentby: [],
      fees: { base: 0.0001, ancestor: 0.0001 },
      time: 1_700_000_000,
    });
    expect(await node.object('getrawmempool', true)).toEqual({ [tx.id]: entry });
    expect(await node.object('getmempoolinfo')).toMatchObject({
      size: 1,
      bytes: entry['vsize'],
      total_fee: 0.0001,
    });
    expect(await node.call('gettxout', coinbase, 0)).toBe(null);
    expect(await node.object('gettxout', coinbase, 0, false)).toMatchObject({ value: 50 });
    expect(await node.text('gettxout', [tx.id, 0])).toContain('"value":20.00000001,');
    expect(await node.object('gettxout', tx.id, 0)).toMatchObject({ confirmations: 0, coinbase: false });
    expect(await node.call('gettxspendingprevout', [{ txid: coinbase, vout: 0 }])).toEqual([
      { txid: coinbase, vout: 0, spendingtxid: tx.id },
    ]);
    expect(await node.call('findtx', tx.id.slice(-6))).toEqual([{ txid: tx.id, state: 'pool' }]);

    const template = await node.object('getblocktemplate', { rules: ['segwit'] });
    expect(template['coinbasevalue']).toBe(50 * COIN + 10_000);
    expect(template['transactions']).toMatchObject([{ txid: tx.id, data: tx.hex, fee: 10_000, depends: [] }]);

    const [block] = (await node.call('generatetoaddress', 1, yours.address!)) as [string];
    expect(await node.call('getrawtransaction', tx.id)).toBe(tx.hex);
    const raw = await node.object('getrawtransaction', tx.id, 2);
    expect(raw).toMatchObject({ blockhash: block, confirmations: 1, fee: 0.0001, hex: tx.hex });
    expect(raw).not.toHaveProperty('in_active_chain');
    expect(await node.object('getrawtransaction', tx.id, true, block)).toMatchObject({
      in_active_chain: true,
    });
    const txs = (await node.object('getblock', block, 2))['tx'] as JsonObject[];
    expect(txs.map((each) => each['fee'])).toEqual([undefined, 0.0001]);
    const odd = tx.id.slice(-7);
    expect(await node.call('findtx', odd)).toEqual([
      { txid: tx.id, state: 'block', block: { id: block, height: 102, miner: 'A' }, confirmations: 1 },
    ]);
    expect(await node.refusal('sendrawtransaction', tx.hex)).toBe(
      '-27 Transaction outputs already in utxo set',
    );

    // Off the branch it is back in the mempool, and again in a block after.
    await node.call('invalidateblock', block);
    expect(await node.call('getrawmempool')).toEqual([tx.id]);
    await node.call('reconsiderblock', block);
    expect(await node.call('getrawmempool')).toEqual([]);
  });

  it('refuses payments with Core’s codes', async () => {
    const coin = (
      (await node.object('getblock', (await node.call('getblockhash', 2)) as string))['tx'] as string[]
    )[0]!;
    const young = (
      (await node.object('getblock', (await node.call('getblockhash', 60)) as string))['tx'] as string[]
    )[0]!;
    const send = (hex: string, ...rest: number[]) => node.refusal('sendrawtransaction', hex, ...rest);
    expect(await send(pay(NEVER, 0, COIN, COIN / 2, 1000).hex)).toMatch(
      /^-25 bad-txns-inputs-missingorspent/,
    );
    expect(await send(pay(young, 0, 50 * COIN, COIN, 1000).hex)).toMatch(
      /^-26 bad-txns-premature-spend-of-coinbase/,
    );
    expect(await send(pay(coin, 0, 50 * COIN, 49 * COIN, 1).hex)).toMatch(/^-26 min relay fee not met/);
    expect(await send(pay(coin, 0, 50 * COIN, 49 * COIN, COIN).hex)).toMatch(
      /^-25 Fee exceeds maximum configured/,
    );
    expect(await send(pay(coin, 0, 50 * COIN, 49 * COIN, 10_000).hex, 2)).toMatch(
      /^-8 Fee rates larger than 1BTC/,
    );
    expect(await send('00')).toMatch(/^-22 TX decode failed/);
    expect(await send('xyz')).toMatch(/^-22 TX decode failed/);
    const good = pay(coin, 0, 50 * COIN, 49 * COIN, 10_000);
    const forged = `${good.hex.slice(0, -80)}00${good.hex.slice(-78)}`;
    expect(await send(forged)).toMatch(/^-(26|22) /);
    const [refused] = (await node.call('testmempoolaccept', [
      pay(NEVER, 0, COIN, COIN / 2, 1000).hex,
    ])) as JsonObject[];
    expect(refused).toMatchObject({ allowed: false, 'reject-reason': 'missing-inputs' });
    expect(await node.refusal('testmempoolaccept', [])).toMatch(/^-8 Array must contain between 1 and 25/);
    expect(await node.refusal('getrawtransaction', NEVER)).toMatch(
      /^-5 No such mempool or blockchain transaction/,
    );
    expect(await node.refusal('getmempoolentry', NEVER)).toBe('-5 Transaction not in mempool');
    const genesisTx = '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b';
    expect(await node.refusal('getrawtransaction', genesisTx)).toMatch(
      /^-5 The genesis block coinbase is not/,
    );
  });

  it('findtx tells who took the coin of a payment that cannot be', async () => {
    const coin = (
      (await node.object('getblock', (await node.call('getblockhash', 3)) as string))['tx'] as string[]
    )[0]!;
    const kept = pay(coin, 0, 50 * COIN, 10 * COIN, 10_000);
    const undone = pay(coin, 0, 50 * COIN, 11 * COIN, 10_000);
    await node.call('sendrawtransaction', kept.hex);
    expect(await node.call('findtx', undone.id, undone.hex)).toEqual([
      { txid: undone.id, state: 'conflict', by: kept.id },
    ]);
    const [block] = (await node.call('generatetoaddress', 1, yours.address!)) as [string];
    expect(await node.call('findtx', undone.id.slice(-8), undone.hex)).toEqual([
      { txid: undone.id, state: 'conflict', by: kept.id, byBlock: { id: block, height: 103, miner: 'A' } },
    ]);
    expect(await node.call('findtx', 'ffffffff')).toEqual([]);
    expect(await node.refusal('findtx', 'abc')).toMatch(/^-8 tail must have at least 4 digits/);
    expect(await node.refusal('findtx', 'hello')).toMatch(/^-8 tail must be hexadecimal/);
    expect(await node.call('findblock', block.slice(-6))).toEqual([
      { id: block, height: 103, miner: 'A', active: true, confirmations: 1, status: 'active' },
    ]);
  });

  it('generateblock takes exactly what it is told', async () => {
    const coin = (
      (await node.object('getblock', (await node.call('getblockhash', 4)) as string))['tx'] as string[]
    )[0]!;
    const tx = pay(coin, 0, 50 * COIN, 10 * COIN, 10_000);
    await node.call('sendrawtransaction', tx.hex);
    const empty = await node.object('generateblock', mine.address!, []);
    expect((await node.object('getblock', empty['hash'] as string))['nTx']).toBe(1);
    const full = await node.object('generateblock', mine.address!, [tx.id]);
    expect((await node.object('getblock', full['hash'] as string))['tx']).toContain(tx.id);
    expect(await node.refusal('generateblock', mine.address!, [NEVER])).toMatch(
      /^-5 Transaction 1111.* not in mempool/,
    );
  });

  it('decoderawtransaction takes apart without judging', async () => {
    const tx = pay(NEVER, 3, COIN, COIN / 2, 1000);
    const decoded = await node.object('decoderawtransaction', tx.hex);
    expect(decoded).toMatchObject({
      txid: tx.id,
      version: 2,
      vin: [{ txid: NEVER, vout: 3, scriptSig: { asm: '', hex: '' } }],
    });
    expect(decoded).not.toHaveProperty('hex');
    expect((decoded['vin'] as JsonObject[])[0]!['txinwitness']).toHaveLength(2);
  });
});
