import type { Block } from '../../bitcoin/block.ts';
import { isCoinbase, type OutPoint, type Tx, type TxOut } from '../../bitcoin/tx.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { Json } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import { equal, hashOfId, idOf } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';
import { confirmations } from './context.ts';
import { type Spender, spendersOf, wantedBy } from './find.ts';
import { blockSpends, confirmedIn } from './lookup.ts';
import { signalsReplacement } from './mempool.ts';
import type { JsonMembers } from './render.ts';
import { scriptAddress } from './script.ts';
import type { WatchList } from './watch.ts';

/** One transaction as Core's wallet tells it. Core: wallet/rpc/transactions.cpp, WalletTxToJSON and ListTransactions. */

export interface WalletTx {
  readonly tx: Tx;
  /** What its inputs spend; undefined where nobody here knows it any more. */
  readonly spent: readonly (TxOut | undefined)[];
}

/** What became of it on the active chain. */
interface Standing {
  readonly confirmations: number;
  readonly entry?: BlockEntry;
  /** Who took a coin of its own; of one that an ancestor lost nobody did. */
  readonly conflict?: string;
  /** ... and that one is in the mempool. */
  readonly pooled?: boolean;
}

/** Unconfirmed ancestors that are looked through for one that lost its coin. */
const MOST_ANCESTORS = 100;

/**
 * Core counts the confirmations of whatever took a coin of this one, or of an ancestor of it, as a negative number
 * (MarkConflicted). Of several the deepest counts.
 */
async function standingOf(context: NodeContext, tx: Tx, undone: UndoneTxs): Promise<Standing> {
  const { view } = context;
  const { tip } = view.chain;
  if (view.mempool.get(tx.txid) !== undefined) return { confirmations: 0 };
  const entry = confirmedIn(context, tx.txid);
  if (entry !== undefined) return { confirmations: confirmations(view, entry), entry };
  const ancestors = new Map<string, Tx>();
  const add = (child: Tx) => {
    for (const { txid } of wantedBy(child)) {
      const parent = lostParent(context, txid, undone);
      if (parent !== undefined && ancestors.size < MOST_ANCESTORS) ancestors.set(parent.id, parent);
    }
  };
  add(tx);
  // A map's iteration reaches what is added meanwhile.
  for (const ancestor of ancestors.values()) add(ancestor);
  const theirs = [...ancestors.values()].flatMap((ancestor) => ownCoins(context, ancestor, undone));
  const [own, inherited] = await spendersOf(context, [ownCoins(context, tx, undone), theirs]);
  const depth = 0 - Math.max(depthOf(own, tip), depthOf(inherited, tip));
  if (own === undefined) return { confirmations: depth };
  return { confirmations: depth, conflict: own.by, pooled: own.byBlock === undefined };
}

/** Blocks since it took the coin; 0 while it waits itself. */
function depthOf(spender: Spender | undefined, tip: BlockEntry): number {
  return spender?.byBlock === undefined ? 0 : tip.height - spender.byBlock.height + 1;
}

/** The coins that it wants, but for those that a lost parent would have made: nobody can have taken them. */
function ownCoins(context: NodeContext, tx: Tx, undone: UndoneTxs): OutPoint[] {
  return wantedBy(tx).filter(({ txid }) => lostParent(context, txid, undone) === undefined);
}

/** A parent that is neither confirmed nor waiting, if a block that was undone held it. */
function lostParent(context: NodeContext, txid: Uint8Array, undone: UndoneTxs): Tx | undefined {
  if (context.view.mempool.get(txid) !== undefined) return undefined;
  return confirmedIn(context, txid) === undefined ? undone.find(txid) : undefined;
}

/** Transactions of blocks that were connected and are off the branch now, as far back as the event log in memory goes. */
export class UndoneTxs {
  readonly #context: NodeContext;
  /** By id: those that were handed over or looked up. */
  readonly #known: Map<string, Tx | undefined>;
  /** Txid → the latest such block. Made when it is first asked for. */
  #places: Map<string, BlockEntry> | undefined;

  /** `known`: some of them, for those who have them already. */
  constructor(context: NodeContext, known: readonly Tx[] = []) {
    this.#context = context;
    this.#known = new Map(known.map((tx) => [tx.id, tx]));
  }

  find(txid: Uint8Array): Tx | undefined {
    const id = idOf(txid);
    if (this.#known.has(id)) return this.#known.get(id);
    this.#places ??= this.#read();
    const tx = txIn(this.#context, this.#places.get(id), txid);
    this.#known.set(id, tx);
    return tx;
  }

  #read(): Map<string, BlockEntry> {
    const { chain } = this.#context.view;
    const places = new Map<string, BlockEntry>();
    for (const event of this.#context.log.since(0)) {
      if (event.kind !== 'connected') continue;
      const entry = chain.entry(hashOfId(event.id) ?? new Uint8Array(32));
      if (entry === undefined || chain.isActive(entry)) continue;
      for (const id of event.txids) places.set(id, entry);
    }
    return places;
  }
}

/** The output that an input spends, wherever this node still has it: coins, pool, chain, or one of `more`. */
function outputOf(
  context: NodeContext,
  prevout: { readonly txid: Uint8Array; readonly index: number },
  more: readonly Tx[],
): TxOut | undefined {
  const { chain, mempool } = context.view;
  const coin = chain.coin(prevout);
  if (coin !== undefined) return coin;
  const source =
    more.find((tx) => equal(tx.txid, prevout.txid)) ??
    mempool.get(prevout.txid)?.tx ??
    txIn(context, confirmedIn(context, prevout.txid), prevout.txid);
  return source?.outputs[prevout.index];
}

function txIn(context: NodeContext, entry: BlockEntry | undefined, txid: Uint8Array): Tx | undefined {
  const block = entry === undefined ? undefined : context.view.chain.block(entry);
  return block?.txs.find((tx) => equal(tx.txid, txid));
}

/** `more`: transactions that stand nowhere any more, such as those of undone blocks. */
export function looseTx(context: NodeContext, tx: Tx, more: readonly Tx[] = []): WalletTx {
  const spent = isCoinbase(tx) ? [] : tx.inputs.map(({ prevout }) => outputOf(context, prevout, more));
  return { tx, spent };
}

/** All of a block of the active chain, their inputs from its undo record. */
export function blockTxs(context: NodeContext, entry: BlockEntry, block: Block): WalletTx[] {
  const spends = blockSpends(context, entry, block);
  return block.txs.map((tx, i) =>
    spends === undefined ? looseTx(context, tx, block.txs) : { tx, spent: spends[i]! },
  );
}

/** By id, in the pool, the chain, or a block that was undone. */
export function findWalletTx(
  context: NodeContext,
  txid: Uint8Array,
  undone: UndoneTxs,
): WalletTx | undefined {
  const pooled = context.view.mempool.get(txid)?.tx;
  if (pooled !== undefined) return looseTx(context, pooled);
  const entry = confirmedIn(context, txid);
  const block = entry === undefined ? undefined : context.view.chain.block(entry);
  if (entry !== undefined && block !== undefined)
    return blockTxs(context, entry, block).find(({ tx }) => equal(tx.txid, txid));
  const tx = undone.find(txid);
  return tx === undefined ? undefined : looseTx(context, tx);
}

/** Does it pay or spend what is watched? */
export function concerns(watch: WatchList, { tx, spent }: WalletTx): boolean {
  const mine = (output: TxOut | undefined) =>
    output !== undefined && watch.addressOf(output.script) !== undefined;
  return tx.outputs.some(mine) || spent.some(mine);
}

export interface ToldTx {
  readonly confirmations: number;
  readonly entry: BlockEntry | undefined;
  /** Net of what is watched, in satoshis, without the fee. */
  readonly net: number;
  readonly fee: number | undefined;
  /** One a payment: send, receive, generate, immature, orphan. */
  readonly details: readonly JsonMembers[];
  /** What every entry repeats. */
  readonly common: JsonMembers;
}

export async function tellTx(
  context: NodeContext,
  watch: WatchList,
  { tx, spent }: WalletTx,
  { undone, change }: { readonly undone: UndoneTxs; readonly change: boolean },
): Promise<ToldTx> {
  const standing = await standingOf(context, tx, undone);
  const mine = spent.filter((o) => o !== undefined && watch.addressOf(o.script) !== undefined) as TxOut[];
  const debit = sum(mine);
  const known = spent.every((output) => output !== undefined) && !isCoinbase(tx);
  const fee = debit > 0 && known ? sum(spent as TxOut[]) - sum(tx.outputs) : undefined;
  const sources = new Set(mine.map((o) => watch.addressOf(o.script)));
  const details: JsonMembers[] = [];
  let credit = 0;
  for (const [vout, output] of tx.outputs.entries()) {
    const address = watch.addressOf(output.script);
    if (address !== undefined) credit += output.value;
    // Back to where it came from is change, which Core leaves out unless it is asked for.
    if (!change && debit > 0 && address !== undefined && sources.has(address)) continue;
    const place = {
      address: address ?? scriptAddress(output.script, context.view.params.hrp),
      vout,
      abandoned: debit > 0 ? false : undefined,
    };
    if (debit > 0 && output.value > 0)
      details.push({ ...place, category: 'send', amount: coins(-output.value), fee: feeJson(fee) });
    if (address === undefined) continue;
    const category = isCoinbase(tx) ? coinbaseCategory(context, standing) : 'receive';
    details.push({ ...place, abandoned: undefined, category, amount: coins(output.value) });
  }
  const net = credit - debit + (fee ?? 0);
  return { ...standing, entry: standing.entry, net, fee, details, common: commonJson(context, tx, standing) };
}

const sum = (outputs: readonly TxOut[]): number => outputs.reduce((total, o) => total + o.value, 0);

export const feeJson = (fee: number | undefined): Json | undefined =>
  fee === undefined ? undefined : coins(-fee);

function coinbaseCategory(context: NodeContext, { confirmations: depth }: Standing): string {
  if (depth < 1) return 'orphan';
  return depth <= context.view.params.maturity ? 'immature' : 'generate';
}

function commonJson(
  context: NodeContext,
  tx: Tx,
  { confirmations: depth, entry, conflict, pooled }: Standing,
): JsonMembers {
  const waiting = context.view.mempool.get(tx.txid);
  const time = entry?.header.time ?? waiting?.wallS;
  const block = entry === undefined ? undefined : context.view.chain.block(entry);
  return {
    confirmations: depth,
    generated: isCoinbase(tx) ? true : undefined,
    trusted: depth === 0 ? false : undefined,
    blockhash: entry?.id,
    blockheight: entry?.height,
    blockindex: block?.txs.findIndex((other) => equal(other.txid, tx.txid)),
    blocktime: entry?.header.time,
    txid: tx.id,
    wtxid: tx.wid,
    walletconflicts: conflict === undefined ? [] : [conflict],
    mempoolconflicts: conflict !== undefined && pooled === true ? [conflict] : [],
    time,
    timereceived: time,
    'bip125-replaceable': waiting !== undefined && signalsReplacement(waiting) ? 'yes' : 'no',
  };
}
