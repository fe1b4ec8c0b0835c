import { isUnspendable } from '../bitcoin/lock.ts';
import type { OutPoint, Tx } from '../bitcoin/tx.ts';
import type { Chain } from '../consensus/chain.ts';
import { checkTx } from '../consensus/check.ts';
import type { Coin, CoinsView } from '../consensus/coins.ts';
import { firstInvalid, judgeInputs, keepChecks, scriptRule, signatureChecks } from '../consensus/connect.ts';
import { isFinal } from '../consensus/locktime.ts';
import { type Checked, refuse } from '../consensus/rules.ts';
import type { Verify } from '../consensus/verify.ts';
import { equal, idOf, keyOf } from '../util/bytes.ts';
import { ok } from '../util/result.ts';
import type { Limits } from './limits.ts';
import type { PoolNode, Sensitive } from './mempool-entry.ts';
import type { PoolGraph } from './mempool-graph.ts';
import { checkFamily, checkReplacement, checkStandard, feeAt } from './mempool-policy.ts';

/** The active tip's coins with the pool's outputs on top, which count as made by the next block (BIP68). */
export class PoolCoins implements CoinsView {
  readonly #graph: PoolGraph;
  readonly #base: CoinsView;
  readonly #height: number;

  constructor(graph: PoolGraph, base: CoinsView, nextHeight: number) {
    this.#graph = graph;
    this.#base = base;
    this.#height = nextHeight;
  }

  get(outpoint: OutPoint): Coin | undefined {
    const parent = this.#graph.get(keyOf(outpoint.txid));
    if (parent === undefined) return this.#base.get(outpoint);
    const output = parent.tx.outputs[outpoint.index];
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
}

/** What admission found out; nothing is changed yet. */
export interface Admitted {
  readonly fee: number;
  readonly ancestors: ReadonlySet<PoolNode>;
  /** The conflicts that it replaces, with their descendants. */
  readonly leaving: ReadonlySet<PoolNode>;
  readonly sensitive: Sensitive | undefined;
}

/**
 * May this transaction be in the pool: would the next block accept it, and does it keep to policy? The order is Core's
 * (MemPoolAccept::PreChecks): what is cheap to find comes first, signatures last.
 */
export function admit(tx: Tx, c: AdmitContext): Checked<Admitted> {
  const sane = checkTx(tx);
  if (!sane.ok) return sane;
  const standard = checkStandard(tx, c.limits);
  if (!standard.ok) return standard;
  const tip = c.chain.tip;
  const nextHeight = tip.height + 1;
  if (!isFinal(tx, nextHeight, tip.medianTime)) {
    return refuse(
      'non-final',
      `lock time ${tx.lockTime} at height ${nextHeight}, median time ${tip.medianTime}`,
    );
  }
  const twin = c.graph.get(keyOf(tx.txid));
  if (twin !== undefined) {
    return equal(twin.tx.wtxid, tx.wtxid)
      ? refuse('txn-already-in-mempool', tx.id)
      : refuse('txn-same-nonwitness-data-in-mempool', tx.id);
  }

  const coins = new PoolCoins(c.graph, c.chain.coinsView(), nextHeight);
  const spent: Coin[] = [];
  const conflicts = new Set<PoolNode>();
  for (const { prevout } of tx.inputs) {
    const conflict = c.graph.spender(prevout);
    if (conflict !== undefined) conflicts.add(conflict);
    const coin = coins.get(prevout);
    if (coin === undefined) return missing(tx, prevout, c.chain);
    spent.push(coin);
  }
  const at = c.chain.spendContext();
  const judged = judgeInputs(tx, spent, at);
  if (!judged.ok) return judged;
  const fee = judged.value;
  const priced = checkPrice(tx, fee, c);
  if (!priced.ok) return priced;

  const ancestors = c.graph.withAncestors(c.graph.parentsOf(tx));
  let leaving: ReadonlySet<PoolNode> = new Set();
  if (conflicts.size > 0) {
    const replacement = checkReplacement(tx, fee, conflicts, ancestors, c.graph, c.limits);
    if (!replacement.ok) return replacement;
    leaving = replacement.value;
  }
  const family = checkFamily(tx, ancestors, leaving, c.graph, c.limits);
  if (!family.ok) return family;

  const checks = signatureChecks(tx, spent);
  if (!checks.ok) return refuse(scriptRule(at.where), checks.error);
  const invalid = firstInvalid(checks.value, c.verify);
  if (invalid !== undefined) return refuse(scriptRule(at.where), invalid);
  keepChecks(tx, checks.value);
  return ok({ fee, ancestors, leaving, sensitive: sensitiveOf(tx, spent, c.chain.params.maturity) });
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
  if (c.maxFeeRate !== undefined && c.maxFeeRate > 0) {
    const most = feeAt(c.maxFeeRate, tx.vsize);
    if (fee > most) return refuse('max-fee-exceeded', `fee ${fee} sat is above the limit of ${most}`);
  }
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
