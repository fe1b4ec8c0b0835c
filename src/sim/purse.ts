import { secretOfText } from '../bitcoin/secp.ts';
import { outpointKey } from '../bitcoin/tx.ts';
import { WELL_KNOWN, type WellKnown } from '../consensus/params/genesis.ts';
import { decodeCoin, outpointOfCoinKey, PREFIX } from '../consensus/store/records.ts';
import { assert } from '../util/assert.ts';
import { equal } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';
import { Key, wellKnownKey } from '../wallet/keys.ts';
import type { Funds } from '../wallet/payment.ts';
import type { Spendable } from '../wallet/select.ts';
import type { SimNode } from './world/sim-node.ts';

/** Who has what in a simulated yard: the ten well-known people, and its miners. */

/** The name of the key that a node's coinbases pay, as in a live yard. */
const MINER = /^miner-([a-z]+)$/;

/** A miner's key is made of its letter: the same in every run, and worth as little as alice's. */
export function simMinerKey(letter: string): Key {
  return new Key(secretOfText(`forkyard simulated miner: ${letter}`));
}

export function simKey(name: string, letters: readonly string[]): Result<Key, string> {
  const word = name.toLowerCase();
  if ((WELL_KNOWN as readonly string[]).includes(word)) return ok(wellKnownKey(word as WellKnown));
  const letter = MINER.exec(word)?.[1]?.toUpperCase();
  if (letter !== undefined && letters.includes(letter)) return ok(simMinerKey(letter));
  return err(`no key '${name}' in a simulated yard: there are ${WELL_KNOWN.join(', ')}, and miner-a …`);
}

/** What a node thinks that this key has: the coins of its tip, its mempool on top. */
export function fundsOf(node: SimNode, key: Key): Funds & { readonly immature: number } {
  const { chain, mempool, params } = node.view;
  const scripts = [key.script('p2wpkh'), key.script('p2tr')];
  const owned = (script: Uint8Array) => scripts.some((own) => equal(own, script));
  const coins: Spendable[] = [];
  let immature = 0;
  for (const row of node.disk.rows(PREFIX.coin)) {
    const coin = decodeCoin(row.value);
    assert(coin !== undefined, 'a coin on disk can be read');
    if (!owned(coin.script)) continue;
    const outpoint = outpointOfCoinKey(row.key);
    if (mempool.spender(outpoint) !== undefined) continue;
    // Spendable in the next block: that is what the mempool asks.
    if (coin.coinbase && chain.tip.height + 1 - coin.height < params.maturity) immature += coin.value;
    else coins.push({ outpoint, value: coin.value, script: coin.script });
  }
  const waiting: Spendable[] = [];
  for (const { tx } of mempool.entries()) {
    for (const [index, { value, script }] of tx.outputs.entries()) {
      const outpoint = { txid: tx.txid, index };
      if (owned(script) && mempool.spender(outpoint) === undefined) waiting.push({ outpoint, value, script });
    }
  }
  return { coins, waiting, immature };
}

/** Coins that both nodes hold for confirmed and unspent. */
export function sharedCoins(a: SimNode, b: SimNode, key: Key): Spendable[] {
  const there = new Set(fundsOf(b, key).coins.map((coin) => outpointKey(coin.outpoint)));
  return fundsOf(a, key).coins.filter((coin) => there.has(outpointKey(coin.outpoint)));
}
