import { decodeBlock } from '../../bitcoin/block.ts';
import { isUnspendable } from '../../bitcoin/lock.ts';
import { merkleRoot } from '../../bitcoin/merkle.ts';
import { isCoinbase, outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { genesisCoins, type Params, scheduleUpTo, subsidyAt } from '../../consensus/params/params.ts';
import type { Coin } from '../../consensus/store/coin.ts';
import { coinKey, encodeCoin } from '../../consensus/store/records.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { checkBlock } from '../../consensus/validate/check.ts';
import type { ChainView } from '../../node/view.ts';
import { equal, keyOf } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';

/** The coins after one block, as a replay finds them that knows nothing of overlays, undo records and reorgs. */
export interface Ledger {
  /** By outpoint key. */
  readonly coins: ReadonlyMap<string, Coin>;
  /** The same as the rows of a disk: key → value, both one character a byte. */
  readonly rows: ReadonlyMap<string, string>;
  readonly height: number;
  /** Satoshi: of genesis, claimed by coinbases, burned in outputs that nobody can spend or never claimed at all. */
  readonly claimed: number;
  readonly burned: number;
}

/**
 * Replays chains block by block from the genesis, each block once however many nodes have it: a second opinion on what
 * a chain is worth. Signatures are left to the nodes.
 */
export class Replay {
  readonly #params: Params;
  readonly #ledgers = new Map<string, Result<Ledger, string>>();

  constructor(params: Params) {
    this.#params = params;
    const coins = new Map<string, Coin>();
    const [coinbase] = params.genesis.txs;
    if (params.genesisSpendable) addOutputs(coins, coinbase!, 0, false);
    this.#ledgers.set(params.genesisId, ok(ledgerOf(coins, 0, 0, 0)));
  }

  /** The ledger at this entry, whose block and ancestors the chain has. */
  at(chain: ChainView, entry: BlockEntry): Result<Ledger, string> {
    const path: BlockEntry[] = [];
    for (let walk = entry; !this.#ledgers.has(walk.id); walk = walk.parent!) path.push(walk);
    for (const next of path.reverse()) {
      const before = this.#ledgers.get(next.parent!.id)!;
      this.#ledgers.set(next.id, before.ok ? this.#apply(before.value, chain, next) : before);
    }
    return this.#ledgers.get(entry.id)!;
  }

  #apply(before: Ledger, chain: ChainView, entry: BlockEntry): Result<Ledger, string> {
    const params = this.#params;
    const { height } = entry;
    const no = (why: string) => err(`block ${height} …${entry.id.slice(-6)}: ${why}`);
    const stored = chain.block(entry);
    if (stored === undefined) return no('its body is not on the disk');
    const block = decodeBlock(stored.bytes);
    if (!block.ok) return no('its stored body cannot be read');
    if (block.value.id !== entry.id) return no('another block is stored under its id');
    const { root, mutated } = merkleRoot(block.value.txs.map((tx) => tx.txid));
    if (mutated || !equal(root, entry.header.merkleRoot)) return no('its header commits to another body');
    const sane = checkBlock(stored.bytes, params);
    if (!sane.ok) return no(`${sane.error.rule}: ${sane.error.detail}`);
    const coins = new Map(before.coins);
    let fees = 0;
    let unspendable = 0;
    const [coinbase, ...rest] = block.value.txs;
    for (const tx of rest) {
      const paid = spendInputs(coins, tx, height, params);
      if (!paid.ok) return no(paid.error);
      fees += paid.value;
      unspendable += addOutputs(coins, tx, height, false);
    }
    const claimed = sum(coinbase!);
    const most = subsidyAt(height, params) + fees;
    if (claimed > most) return no(`its coinbase claims ${claimed} of ${most} satoshi`);
    unspendable += addOutputs(coins, coinbase!, height, true);
    // A coinbase gives back fees out of existing coins: only what it takes beyond them is new.
    const minted = before.claimed + claimed - fees;
    const after = ledgerOf(coins, height, minted, before.burned + unspendable);
    const wrong = moneyFault(after, params);
    return wrong === undefined ? ok(after) : no(wrong);
  }
}

/** Invariant 3: coins = genesis + claimed − burned, and claimed ≤ the schedule. */
function moneyFault(ledger: Ledger, params: Params): string | undefined {
  let existing = 0;
  for (const { value } of ledger.coins.values()) existing += value;
  const should = genesisCoins(params) + ledger.claimed - ledger.burned;
  if (existing !== should) return `${existing} satoshi exist, ${should} should`;
  const most = scheduleUpTo(ledger.height, params);
  return ledger.claimed > most ? `${ledger.claimed} satoshi claimed, ${most} by the schedule` : undefined;
}

function ledgerOf(coins: ReadonlyMap<string, Coin>, height: number, claimed: number, burned: number): Ledger {
  const rows = new Map<string, string>();
  for (const [key, coin] of coins) rows.set(keyOf(coinKey(key)), keyOf(encodeCoin(coin)));
  return { coins, rows, height, claimed, burned };
}

/** Takes its inputs out of the coins; answers the fee. */
function spendInputs(
  coins: Map<string, Coin>,
  tx: Tx,
  height: number,
  params: Params,
): Result<number, string> {
  if (isCoinbase(tx)) return err(`${tx.id} is a second coinbase`);
  let value = 0;
  for (const { prevout } of tx.inputs) {
    const key = outpointKey(prevout);
    const coin = coins.get(key);
    if (coin === undefined) return err(`${tx.id} spends a coin that is not there`);
    if (coin.coinbase && height - coin.height < params.maturity)
      return err(`${tx.id} spends the coinbase of ${coin.height}, which is not mature`);
    coins.delete(key);
    value += coin.value;
  }
  const fee = value - sum(tx);
  return fee < 0 ? err(`${tx.id} pays out ${-fee} satoshi more than it takes in`) : ok(fee);
}

/** Adds its outputs to the coins; answers what went into unspendable ones. */
function addOutputs(coins: Map<string, Coin>, tx: Tx, height: number, coinbase: boolean): number {
  let burned = 0;
  for (const [index, { value, script }] of tx.outputs.entries()) {
    if (isUnspendable(script)) burned += value;
    else coins.set(outpointKey({ txid: tx.txid, index }), { value, script, height, coinbase });
  }
  return burned;
}

function sum(tx: Tx): number {
  let total = 0;
  for (const { value } of tx.outputs) total += value;
  return total;
}
