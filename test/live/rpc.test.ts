import { afterAll, describe, expect, it } from 'vitest';
import { satsOf } from '../../src/host/http/client.ts';
import type { JsonObject } from '../../src/host/http/json.ts';
import { hashOfId, toHex } from '../../src/util/bytes.ts';
import { buildTx } from '../../src/wallet/build.ts';
import { KeyRing, wellKnownKey } from '../../src/wallet/keys.ts';
import type { Spendable } from '../../src/wallet/select.ts';
import { signTx } from '../../src/wallet/sign.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';

const COIN = 100_000_000;
const rig = new LiveRig();
afterAll(() => rig.close());

const alice = wellKnownKey('alice');
const bob = wellKnownKey('bob');
const addressOf = (key: typeof alice) => key.address('p2wpkh', 'bcrt');

/** A payment from the coins that scantxoutset finds, as a wallet makes it. */
async function pay(node: LiveNode, amount: number, feeRate = 2_000): Promise<{ hex: string; id: string }> {
  const { unspents, height } = await node.call<{ unspents: JsonObject[]; height: number }>(
    'scantxoutset',
    'start',
    [`addr(${addressOf(alice)})`],
  );
  const coins: Spendable[] = unspents
    .filter((coin) => coin['coinbase'] !== true || height - (coin['height'] as number) >= 99)
    .map((coin) => ({
      outpoint: { txid: hashOfId(coin['txid'] as string)!, index: coin['vout'] as number },
      value: satsOf(coin['amount']),
      script: alice.script('p2wpkh'),
    }));
  const built = buildTx({
    recipients: [{ value: amount, script: bob.script('p2wpkh') }],
    coins,
    changeScript: alice.script('p2wpkh'),
    feeRate,
  });
  if (!built.ok) throw new Error(built.error.kind);
  const signed = signTx(
    built.value.tx,
    built.value.inputs.map(({ value, script }) => ({ value, script })),
    new KeyRing([alice]),
  );
  if (!signed.ok) throw new Error(signed.error);
  return { hex: toHex(signed.value.bytes), id: signed.value.id };
}

describe('a payment between real nodes', () => {
  it('is relayed, survives kill -9, is confirmed, returned by a reorg and mined again', async () => {
    const a = await rig.start('A');
    await a.call('generatetoaddress', 110, addressOf(alice));
    let b = await rig.start('B', '--connect', a.address);
    await until('B has caught up', async () => (await b.call('getblockcount')) === 110);

    const tx = await pay(a, 12.5 * COIN);
    expect(await a.call('sendrawtransaction', tx.hex)).toBe(tx.id);
    await until('B has the payment', async () => (await b.call<string[]>('getrawmempool')).includes(tx.id));
    const refused = await b.call<JsonObject[]>('testmempoolaccept', [tx.hex]);
    expect(refused).toMatchObject([{ allowed: false, 'reject-reason': 'txn-already-in-mempool' }]);

    await b.stop('SIGKILL');
    b = await rig.start('B', '--connect', a.address);
    await until('B still has it', async () => (await b.call<string[]>('getrawmempool')).includes(tx.id));

    await a.call('setlinks', { refuse: [b.peerId] });
    await until('the link is cut', async () => (await b.call('getconnectioncount')) === 0);
    const [confirmed] = await b.call<string[]>('generatetoaddress', 1, addressOf(bob));
    expect(await b.call('findtx', tx.id.slice(-6))).toMatchObject([
      { state: 'block', block: { id: confirmed } },
    ]);
    // The other branch has more work and not this payment.
    for (let i = 0; i < 2; i++) await a.call('generateblock', addressOf(alice), []);
    await a.call('setlinks', { refuse: [] });
    const tip = await a.call<string>('getbestblockhash');
    await until('B has reorganised', async () => (await b.call('getbestblockhash')) === tip);
    expect(await b.call('findtx', tx.id.slice(-6))).toEqual([{ txid: tx.id, state: 'pool' }]);
    // It counts as pooled while it waits to be admitted again; the event follows.
    await until('B tells that it has returned', async () => {
      const { events } = await b.call<{ events: JsonObject[] }>('getevents', 0, 10_000);
      return events.some((event) => event['kind'] === 'tx-returned' && event['txid'] === tx.id);
    });
    const [again] = await b.call<string[]>('generatetoaddress', 1, addressOf(bob));
    await until('A has it confirmed', async () => {
      const [found] = await a.call<JsonObject[]>('findtx', tx.id);
      return found?.['state'] === 'block' && (found['block'] as JsonObject)['id'] === again;
    });
    const raw = await a.call<JsonObject>('getrawtransaction', tx.id, 1);
    expect(raw).toMatchObject({ blockhash: again, confirmations: 1 });
    expect((raw['vout'] as JsonObject[]).map((out) => satsOf(out['value']))).toContain(12.5 * COIN);
    await Promise.all([a.stop(), b.stop()]);
  });

  it('undone by a double spend on the other side: lost, with the one that took the coin', async () => {
    const c = await rig.start('C');
    await c.call('generatetoaddress', 101, addressOf(alice));
    const d = await rig.start('D', '--connect', c.address);
    await until('D has caught up', async () => (await d.call('getblockcount')) === 101);
    await c.call('setlinks', { refuse: [d.peerId] });
    await until('the link is cut', async () => (await d.call('getconnectioncount')) === 0);
    const kept = await pay(c, 20 * COIN);
    const undone = await pay(c, 21 * COIN);
    await c.call('sendrawtransaction', kept.hex);
    await d.call('sendrawtransaction', undone.hex);
    const [, winner] = await c.call<string[]>('generatetoaddress', 2, addressOf(bob));
    await d.call('generatetoaddress', 1, addressOf(bob));
    expect(await d.call('findtx', undone.id)).toMatchObject([{ state: 'block', confirmations: 1 }]);
    await c.call('setlinks', { refuse: [] });
    await until('D has reorganised', async () => (await d.call('getbestblockhash')) === winner);
    expect(await d.call('findtx', undone.id.slice(-8))).toMatchObject([
      { txid: undone.id, state: 'conflict', by: kept.id, byBlock: { height: 102 } },
    ]);
    expect(await c.call('findtx', undone.id, undone.hex)).toMatchObject([{ state: 'conflict', by: kept.id }]);
    const { events } = await d.call<{ events: JsonObject[] }>('getevents', 0, 10_000);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'tx-lost', txid: undone.id, by: kept.id }));
    await Promise.all([c.stop(), d.stop()]);
  });
});
