import { decodeTx, outpointKey } from '../../bitcoin/tx.ts';
import type { Params } from '../../consensus/params/params.ts';
import { satsOf } from '../../host/http/client.ts';
import type { JsonInput } from '../../host/http/json.ts';
import { fromHex, hashOfId, keyOf, toHex } from '../../util/bytes.ts';
import type { Spendable } from '../../wallet/select.ts';
import type { Holdings, YardKey } from '../../yard/port.ts';
import { failed } from '../../yard/problem.ts';
import type { YardClient } from '../client/client.ts';
import { readParams } from '../launcher/create.ts';
import { allKeys, findKey } from '../yard/keyring.ts';

/** What one node counts as a key's: `scantxoutset` for the chain, the mempool on top. */

interface Unspent {
  readonly txid: string;
  readonly vout: number;
  readonly scriptPubKey: string;
  readonly amount: JsonInput;
  readonly coinbase: boolean;
  readonly height: number;
}

/** Payments in the mempool that are looked through for coins; the newest ones beyond that. */
const MAX_POOL = 500;

function scriptsOf(key: YardKey): Uint8Array[] {
  return [key.key.script('p2wpkh'), key.key.script('p2tr')];
}

/** Holdings of several keys, by name, in one pass over the node's coins. */
export async function holdings(
  client: YardClient,
  letter: string,
  keys: readonly YardKey[],
  params: Params,
): Promise<Map<string, Holdings>> {
  const owner = new Map<string, string>();
  for (const key of keys) for (const script of scriptsOf(key)) owner.set(keyOf(script), key.name);
  const descriptors = keys.flatMap((key) => scriptsOf(key).map((s) => `raw(${toHex(s)})`));
  const scan = await client.call<{ unspents: Unspent[]; height: number }>(letter, 'scantxoutset', [
    'start',
    descriptors,
  ]);
  const found = scan.unspents.map((u) => ({ coin: toSpendable(u), unspent: u }));
  const spent = await spentInPool(client, letter, scan.unspents);
  const result = new Map(
    keys.map((k) => [k.name, { coins: [] as Spendable[], waiting: [] as Spendable[], immature: 0 }]),
  );
  for (const { coin, unspent } of found) {
    const mine = result.get(owner.get(keyOf(coin.script)) ?? '');
    if (mine === undefined || spent.has(`${unspent.txid}:${unspent.vout}`)) continue;
    // Spendable in the next block: that is what the mempool asks. Genesis coins are no coinbase here.
    const age = scan.height + 1 - unspent.height;
    if (unspent.coinbase && age < params.maturity) mine.immature += coin.value;
    else mine.coins.push(coin);
  }
  for (const coin of await waitingIn(client, letter, owner)) {
    result.get(owner.get(keyOf(coin.script)) ?? '')?.waiting.push(coin);
  }
  return result;
}

function toSpendable(u: Unspent): Spendable {
  const txid = hashOfId(u.txid);
  const script = fromHex(u.scriptPubKey);
  if (txid === undefined || script === undefined)
    throw failed('scantxoutset answered with a coin that makes no sense');
  return { outpoint: { txid, index: u.vout }, value: satsOf(u.amount), script };
}

/** Which of these coins a payment in the node's mempool spends: `txid:vout`. */
async function spentInPool(
  client: YardClient,
  letter: string,
  coins: readonly Unspent[],
): Promise<Set<string>> {
  if (coins.length === 0) return new Set();
  const outputs = coins.map((c) => ({ txid: c.txid, vout: c.vout }));
  const answer = await client.call<{ txid: string; vout: number; spendingtxid?: string }[]>(
    letter,
    'gettxspendingprevout',
    [outputs],
  );
  return new Set(answer.filter((a) => a.spendingtxid !== undefined).map((a) => `${a.txid}:${a.vout}`));
}

/** Outputs to these scripts of payments that wait in the node's mempool and are not spent there. */
async function waitingIn(
  client: YardClient,
  letter: string,
  owner: ReadonlyMap<string, string>,
): Promise<Spendable[]> {
  const ids = (await client.call<string[]>(letter, 'getrawmempool')).slice(-MAX_POOL);
  const txs = await Promise.all(
    // A payment may be mined between the two calls; then it is in the chain's coins at the next look.
    ids.map((id) => client.call<string>(letter, 'getrawtransaction', [id]).catch(() => '')),
  );
  const made: Spendable[] = [];
  const spent = new Set<string>();
  for (const hex of txs) {
    const bytes = fromHex(hex);
    const tx = bytes === undefined || bytes.length === 0 ? undefined : decodeTx(bytes);
    if (tx === undefined || !tx.ok) continue;
    for (const input of tx.value.inputs) spent.add(outpointKey(input.prevout));
    for (const [index, output] of tx.value.outputs.entries()) {
      if (!owner.has(keyOf(output.script))) continue;
      made.push({ outpoint: { txid: tx.value.txid, index }, value: output.value, script: output.script });
    }
  }
  return made.filter((coin) => !spent.has(outpointKey(coin.outpoint)));
}

function total(coins: readonly Spendable[]): number {
  return coins.reduce((sum, coin) => sum + coin.value, 0);
}

export interface Balance {
  readonly name: string;
  readonly address: string;
  /** Satoshis, by node. */
  readonly byNode: ReadonlyMap<
    string,
    { readonly spendable: number; readonly waiting: number; readonly immature: number }
  >;
}

/** What each key has, on each node that is up. */
export async function balances(
  client: YardClient,
  names: readonly string[],
  on: string | undefined,
): Promise<Balance[]> {
  const params = readParams(client.dir);
  const keys =
    names.length === 0 ? allKeys(client.dir, params) : names.map((n) => findKey(client.dir, n, params));
  const letters = on === undefined ? await client.up() : [client.node(on).letter];
  const views = await Promise.all(letters.map((l) => holdings(client, l, keys, params)));
  return keys.map((key) => ({
    name: key.name,
    address: key.address,
    byNode: new Map(
      letters.map((letter, i) => {
        const held = views[i]!.get(key.name)!;
        return [
          letter,
          { spendable: total(held.coins), waiting: total(held.waiting), immature: held.immature },
        ];
      }),
    ),
  }));
}
