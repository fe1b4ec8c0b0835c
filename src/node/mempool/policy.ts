import { isUnspendable } from '../../bitcoin/lock.ts';
import { isCoinbase, type Tx, type TxOut } from '../../bitcoin/tx.ts';
import { type Checked, refuse } from '../../consensus/params/rules.ts';
import { ok } from '../../util/result.ts';
import type { Limits } from '../limits.ts';
import type { PoolNode } from './entry.ts';
import type { PoolGraph } from './graph.ts';

/** Core: TX_MIN_STANDARD_VERSION, TX_MAX_STANDARD_VERSION. Blocks may hold any version. */
const MIN_VERSION = 1;
const MAX_VERSION = 3;
/** Core: MAX_STANDARD_TX_WEIGHT. A tenth of a block. */
const MAX_TX_WEIGHT = 400_000;
/** Core: MIN_STANDARD_TX_NONWITNESS_SIZE. As small as an inner node of a merkle tree, it could be shown for one. */
const MIN_STRIPPED_SIZE = 65;

/**
 * Virtual bytes of the input that would spend a P2WPKH or P2TR output: 32 + 4 + 1 + 107/4 + 4 (Core: GetDustThreshold).
 * With an output of 31 or 43 bytes and 3 sat/vB, dust is what is below 294 or 330 satoshis.
 */
const SPENDING_VSIZE = 67;

/** Fee of `vsize` bytes at `rate` satoshis per 1,000, rounded up (Core: CFeeRate::GetFee). */
export function feeAt(rate: number, vsize: number): number {
  return Math.ceil((rate * vsize) / 1_000);
}

function dustThreshold(output: TxOut, limits: Limits): number {
  if (isUnspendable(output.script)) return 0;
  // Value, script length (one byte below 253), script.
  return feeAt(limits.dustRelayFeeRate, 8 + 1 + output.script.length + SPENDING_VSIZE);
}

/** What we relay is less than what a block may hold: no coinbase, nothing huge, no output that costs more than it brings. */
export function checkStandard(tx: Tx, limits: Limits): Checked<void> {
  if (isCoinbase(tx)) return refuse('coinbase', 'a coinbase cannot travel alone');
  if (tx.version < MIN_VERSION || tx.version > MAX_VERSION) {
    return refuse('version', `version ${tx.version} is not in ${MIN_VERSION}..${MAX_VERSION}`);
  }
  if (tx.weight > MAX_TX_WEIGHT) {
    return refuse('tx-size', `weight ${tx.weight} is above ${MAX_TX_WEIGHT}`);
  }
  for (let i = 0; i < tx.outputs.length; i++) {
    const output = tx.outputs[i]!;
    const least = dustThreshold(output, limits);
    if (output.value < least) {
      return refuse(
        'dust',
        `output ${i} holds ${output.value} sat, spending it would cost more: at least ${least}`,
      );
    }
  }
  if (tx.strippedSize < MIN_STRIPPED_SIZE) {
    return refuse('tx-size-small', `${tx.strippedSize} bytes without witness, at least ${MIN_STRIPPED_SIZE}`);
  }
  return ok(undefined);
}

/**
 * Ancestors and descendants stay within their limits, so that every family, and so the cost of a change, is bounded
 * (Core: CalculateMemPoolAncestors). `leaving` are those that the transaction would replace: they no longer count.
 */
export function checkFamily(
  tx: Tx,
  ancestors: ReadonlySet<PoolNode>,
  leaving: ReadonlySet<PoolNode>,
  graph: PoolGraph,
  limits: Limits,
): Checked<void> {
  let vsize = tx.vsize;
  for (const ancestor of ancestors) vsize += ancestor.tx.vsize;
  if (ancestors.size + 1 > limits.mempoolAncestors) {
    return refuse(
      'too-long-mempool-chain',
      `${ancestors.size + 1} with ancestors, limit ${limits.mempoolAncestors}`,
    );
  }
  if (vsize > limits.mempoolAncestorVbytes) {
    return refuse(
      'too-long-mempool-chain',
      `${vsize} vB with ancestors, limit ${limits.mempoolAncestorVbytes}`,
    );
  }
  const freed = new Map<PoolNode, { count: number; vsize: number }>();
  for (const node of leaving) {
    for (const above of graph.withAncestors(node.parents)) {
      const sum = freed.get(above) ?? { count: 0, vsize: 0 };
      sum.count++;
      sum.vsize += node.tx.vsize;
      freed.set(above, sum);
    }
  }
  for (const ancestor of ancestors) {
    const free = freed.get(ancestor);
    const count = ancestor.descendantCount - (free?.count ?? 0) + 1;
    const size = ancestor.descendantVsize - (free?.vsize ?? 0) + tx.vsize;
    if (count > limits.mempoolDescendants) {
      return refuse(
        'too-long-mempool-chain',
        `${count} descendants of ${ancestor.tx.id}, limit ${limits.mempoolDescendants}`,
      );
    }
    if (size > limits.mempoolDescendantVbytes) {
      return refuse(
        'too-long-mempool-chain',
        `${size} vB of descendants of ${ancestor.tx.id}, limit ${limits.mempoolDescendantVbytes}`,
      );
    }
  }
  return ok(undefined);
}

/**
 * Replacement by fee (BIP125 rules 3 to 5, without asking whether the replaced one signalled). Answers all that would
 * go: the conflicts with their descendants.
 */
export function checkReplacement(
  tx: Tx,
  fee: number,
  conflicts: ReadonlySet<PoolNode>,
  ancestors: ReadonlySet<PoolNode>,
  graph: PoolGraph,
  limits: Limits,
): Checked<Set<PoolNode>> {
  // Counted before they are collected: families are bounded, so this too bounds the work.
  let count = 0;
  for (const conflict of conflicts) count += conflict.descendantCount;
  if (count > limits.mempoolReplacements) {
    return refuse(
      'too many potential replacements',
      `would replace ${count}, limit ${limits.mempoolReplacements}`,
    );
  }
  const leaving = graph.withDescendants(conflicts);
  for (const ancestor of ancestors) {
    if (leaving.has(ancestor)) {
      return refuse(
        'bad-txns-spends-conflicting-tx',
        `it spends from ${ancestor.tx.id}, which it would replace`,
      );
    }
  }
  for (const conflict of conflicts) {
    if (fee / tx.vsize <= conflict.fee / conflict.tx.vsize) {
      return refuse(
        'insufficient fee',
        `rate ${fee}/${tx.vsize} sat/vB is not above ${conflict.fee}/${conflict.tx.vsize} of ${conflict.tx.id}`,
      );
    }
  }
  let fees = 0;
  for (const node of leaving) fees += node.fee;
  const least = fees + feeAt(limits.incrementalFeeRate, tx.vsize);
  if (fee < least) {
    return refuse('insufficient fee', `${fee} sat; replacing ${leaving.size} needs at least ${least}`);
  }
  return ok(leaving);
}
