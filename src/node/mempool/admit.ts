import { isUnspendable } from '../../bitcoin/lock.ts';
import type { OutPoint, Tx } from '../../bitcoin/tx.ts';
import type { Chain } from '../../consensus/chain/chain.ts';
import { type Checked, refuse } from '../../consensus/params/rules.ts';
import type { Coin, CoinsView } from '../../consensus/store/coin.ts';
import { checkTx } from '../../consensus/validate/check.ts';
import { isFinal } from '../../consensus/validate/locktime.ts';
import {
  firstInvalid,
  judgeInputs,
  keepChecks,
  scriptRule,
  signatureChecks,
} from '../../consensus/validate/spend.ts';
import type { Verify } from '../../consensus/validate/verify.ts';
import { equal, idOf, keyOf } from '../../util/bytes.ts';
import { ok } from '../../util/result.ts';
import type { Limits } from '../limits.ts';
import type { PoolNode, Sensitive } from './entry.ts';
import type { PoolGraph } from './graph.ts';
import { checkFamily, checkReplacement, checkStandard, feeAt } from './policy.ts';
import { checkTruc } from './truc.ts';

/** The active tip's coins with the pool's outputs on top, which count as made by the next block (BIP68). */
class PoolCoins implements CoinsView {
  readonly #graph: PoolGraph;
  readonly #base: CoinsView;
  readonly #height: number;
  readonly #packaged: ReadonlyMap<string, Tx> | undefined;

  /** `packaged`: further transactions whose outputs are there, by `keyOf` their txid. */
  constructor(graph: PoolGraph, base: CoinsView, nextHeight: number, packaged?: ReadonlyMap<string, Tx>) {
    this.#graph = graph;
    this.#base = base;
    this.#height = nextHeight;
    this.#packaged = packaged;
  }

  get(outpoint: OutPoint): Coin | undefined {
    const key = keyOf(outpoint.txid);
    const parent = this.#graph.get(key)?.tx ?? this.#packaged?.get(key);
    if (parent === undefined) return this.#base.get(outpoint);
    const output = parent.outputs[outpoint.index];
    // An OP_RETURN output is never a coin; consensus leaves it out of the chain's, so it is left out here too.
    if (output === undefined || isUnspendable(output.script)) return undefined;
    return { value: output.value, script: output.script, height: this.#height, coinbase: false };
  }
}

export interface AdmitContext {
  readonly chain: Chain;
  readonly graph: PoolGraph;
  readonly verify: Verify;
  readonly limits: Limits;
  /** Satoshis per 1,000 vbytes; 0 for those that come back from a block: they have been paid for. */
  readonly floor: number;
  /** Satoshis per 1,000 vbytes that the caller will not exceed; undefined or 0: no limit. */
  readonly maxFeeRate: number | undefined;
  /** Earlier transactions of the same package, by `keyOf` their txid: their outputs may be spent, and nothing is replaced. */
  readonly packaged?: ReadonlyMap<string, Tx>;
}

/** What admission found out; nothing is changed yet. */
export interface Admitted {
  readonly fee: number;
  readonly ancestors: ReadonlySet<PoolNode>;
  /** The conflicts that it replaces, with their descendants. */
  readonly leaving: ReadonlySet<PoolNode>;
  readonly sensitive: Sensitive | undefined;
}

/** All but the signatures. */
export interface PreChecked {
  readonly fee: number;
  readonly spent: readonly Coin[];
  readonly parents: ReadonlySet<PoolNode>;
  readonly ancestors: ReadonlySet<PoolNode>;
  readonly leaving: ReadonlySet<PoolNode>;
}

/**
 * May this transaction be in the pool: would the next block accept it, and does it keep to policy? The order is Core's:
 * what is cheap to find comes first, then signatures, and the caller's own limit last.
 */
export function admit(tx: Tx, c: AdmitContext): Checked<Admitted> {
  const judged = preCheck(tx, c);
  if (!judged.ok) return judged;
  const { fee, spent, ancestors, leaving } = judged.value;
  const signed = checkSignatures(tx, spent, c);
  if (!signed.ok) return signed;
  if (c.maxFeeRate !== undefined && c.maxFeeRate > 0) {
    const most = feeAt(c.maxFeeRate, tx.vsize);
    if (fee > most) return refuse('max-fee-exceeded', `fee ${fee} sat is above the limit of ${most}`);
  }
  return ok({ fee, ancestors, leaving, sensitive: sensitiveOf(tx, spent, c.chain.params.maturity) });
}

/** Core: MemPoolAccept::PreChecks. */
export function preCheck(tx: Tx, c: AdmitContext): Checked<PreChecked> {
  const fit = checkFitness(tx, c);
  if (!fit.ok) return fit;
  const found = findCoins(tx, c);
  if (!found.ok) return found;
  const { spent, conflicts } = found.value;
  const judged = judgeInputs(tx, spent, c.chain.spendContext());
  if (!judged.ok) return judged;
  const fee = judged.value;
  const priced = checkPrice(tx, fee, c);
  if (!priced.ok) return priced;

  const parents = c.graph.parentsOf(tx);
  // What comes back from a block has been confirmed once: a reorg may bring together what policy keeps apart.
  if (c.floor > 0) {
    const truc = checkTruc(tx, parents, conflicts);
    if (!truc.ok) return truc;
    if (truc.value !== undefined) {
      if (c.packaged !== undefined)
        return refuse('TRUC-violation', `${truc.value.tx.id} is a child of the same parent`);
      conflicts.add(truc.value);
    }
  }
  const ancestors = c.graph.withAncestors(parents);
  let leaving: ReadonlySet<PoolNode> = new Set();
  if (conflicts.size > 0) {
    const replacement = checkReplacement(tx, fee, conflicts, ancestors, c.graph, c.limits);
    if (!replacement.ok) return replacement;
    leaving = replacement.value;
  }
  const family = checkFamily(tx, ancestors, leaving, c.graph, c.limits);
  return family.ok ? ok({ fee, spent, parents, ancestors, leaving }) : family;
}

/** What the transaction, the tip and the pool's ids tell, before any coin is looked up. */
function checkFitness(tx: Tx, c: AdmitContext): Checked<void> {
  const sane = checkTx(tx);
  if (!sane.ok) return sane;
  const standard = checkStandard(tx, c.limits);
  if (!standard.ok) return standard;
  const { height, medianTime } = c.chain.tip;
  if (!isFinal(tx, height + 1, medianTime)) {
    return refuse('non-final', `lock time ${tx.lockTime} at height ${height + 1}, median time ${medianTime}`);
  }
  const twin = c.graph.get(keyOf(tx.txid));
  if (twin === undefined) return ok(undefined);
  return equal(twin.tx.wtxid, tx.wtxid)
    ? refuse('txn-already-in-mempool', tx.id)
    : refuse('txn-same-nonwitness-data-in-mempool', tx.id);
}

/** The coins that it spends, and the members that spend one of them too. */
function findCoins(tx: Tx, c: AdmitContext): Checked<{ spent: Coin[]; conflicts: Set<PoolNode> }> {
  const coins = new PoolCoins(c.graph, c.chain.coinsView(), c.chain.tip.height + 1, c.packaged);
  const spent: Coin[] = [];
  const conflicts = new Set<PoolNode>();
  for (const { prevout } of tx.inputs) {
    const conflict = c.graph.spender(prevout);
    if (conflict !== undefined) {
      if (c.packaged !== undefined) return refuse('bip125-replacement-disallowed', conflict.tx.id);
      conflicts.add(conflict);
    }
    const coin = coins.get(prevout);
    if (coin === undefined) return missing(tx, prevout, c.chain);
    spent.push(coin);
  }
  return ok({ spent, conflicts });
}

export function checkSignatures(tx: Tx, spent: readonly Coin[], c: AdmitContext): Checked<void> {
  const checks = signatureChecks(tx, spent);
  if (!checks.ok) return refuse(scriptRule('mempool'), checks.error);
  const invalid = firstInvalid(checks.value, c.verify);
  if (invalid !== undefined) return refuse(scriptRule('mempool'), invalid);
  keepChecks(tx, checks.value);
  return ok(undefined);
}

/** Would a member still fit the block after the tip? Relative locks are not looked at: see {@link Sensitive}. */
export function stillFits(node: PoolNode, height: number, medianTime: number): boolean {
  if (!isFinal(node.tx, height, medianTime)) return false;
  return node.sensitive === undefined || (!node.sensitive.relative && node.sensitive.matureAt <= height);
}

function missing(tx: Tx, prevout: OutPoint, chain: Chain): Checked<never> {
  if (chain.txPlace(tx.txid) !== undefined) return refuse('txn-already-known', tx.id);
  return refuse('missing-inputs', `${tx.id} spends ${idOf(prevout.txid)}:${prevout.index}, which is unknown`);
}

function checkPrice(tx: Tx, fee: number, c: AdmitContext): Checked<void> {
  if (c.floor === 0) return ok(undefined);
  const relay = feeAt(c.limits.minRelayFeeRate, tx.vsize);
  if (fee < relay) return refuse('min relay fee not met', `${fee} < ${relay}`);
  const least = feeAt(c.floor, tx.vsize);
  if (fee < least) return refuse('mempool min fee not met', `${fee} < ${least}`);
  return ok(undefined);
}

/** BIP68 speaks only of version 2 and above, and not of an input whose sequence has its highest bit set. */
function sensitiveOf(tx: Tx, spent: readonly Coin[], maturity: number): Sensitive | undefined {
  let matureAt = 0;
  for (const coin of spent) if (coin.coinbase) matureAt = Math.max(matureAt, coin.height + maturity);
  const relative = tx.version >>> 0 >= 2 && tx.inputs.some((input) => input.sequence < 0x8000_0000);
  return matureAt > 0 || relative || tx.lockTime !== 0 ? { matureAt, relative } : undefined;
}
