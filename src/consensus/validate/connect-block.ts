import type { Block } from '../../bitcoin/block.ts';
import { isUnspendable } from '../../bitcoin/lock.ts';
import { outpointKey, type Tx } from '../../bitcoin/tx.ts';
import type { Result } from '../../util/result.ts';
import { type Params, subsidyAt } from '../params/params.ts';
import type { Refusal } from '../params/rules.ts';
import type { Coin } from '../store/coin.ts';
import type { CoinsOverlay } from '../store/coins.ts';
import { ancestorAt, type BlockEntry } from '../tree/tree.ts';
import { firstInvalid, judgeInputs, type SpendContext, scriptRule } from './spend.ts';
import type { SigCheck, Verify } from './verify.ts';

/** Third rung for a whole block: its transactions against an overlay of coins, in pieces. Core: ConnectBlock. */

/** What one signature counts of its transaction's weight, so that a transaction of thousands of inputs can pause too. */
const SIGNATURE_WEIGHT = 200;

/** A block under way, up to its transaction `next`. */
export interface BlockProgress {
  readonly block: Block;
  readonly context: SpendContext;
  next: number;
  /** Satoshis paid so far. */
  fees: number;
  /** Coins spent so far, in order. */
  readonly undo: Coin[];
  /** Transaction `next` has its coins, and these signatures are verified up to `verified`. */
  open: Opened | undefined;
}

interface Opened {
  readonly keys: readonly string[];
  readonly coins: readonly Coin[];
  readonly fee: number;
  readonly checks: readonly SigCheck[];
  verified: number;
}

export interface ConnectMeans {
  readonly overlay: CoinsOverlay;
  readonly params: Params;
  readonly verify: Verify;
  /** The signatures that must verify for these coins to be spent; see `signatureChecks`. */
  checks(tx: Tx, coins: readonly Coin[]): Result<readonly SigCheck[], string>;
}

export function beginBlock(block: Block, parent: BlockEntry, params: Params): BlockProgress {
  const context: SpendContext = {
    height: parent.height + 1,
    medianTime: parent.medianTime,
    medianTimeAt: (height) => ancestorAt(parent, height).medianTime,
    where: 'block',
    maturity: params.maturity,
  };
  return { block, context, next: 0, fees: 0, undo: [], open: undefined };
}

/** Every transaction is connected, and the coinbase claims what it may. */
export function isWhole({ block, next }: BlockProgress): boolean {
  return next === block.txs.length;
}

/** Connects transactions until the budget is spent or the block ends; the weight that was done. */
export function advanceBlock(progress: BlockProgress, budget: number, means: ConnectMeans): number | Refusal {
  const { block, context } = progress;
  let done = 0;
  while (!isWhole(progress)) {
    if (done > 0 && done >= budget) return done;
    const tx = block.txs[progress.next]!;
    if (progress.next > 0) {
      const weight = spendInputs(progress, tx, budget - done, means);
      if (typeof weight !== 'number') return weight;
      done += weight;
      if (progress.open !== undefined) return done;
    } else {
      done += tx.weight;
    }
    addOutputs(tx, context.height, progress.next === 0, means.overlay);
    progress.next++;
  }
  return claimFault(progress, means.params) ?? done;
}

/** Judges and spends the coins of `tx`; leaves `progress.open` when signatures are left for the next piece. */
function spendInputs(progress: BlockProgress, tx: Tx, budget: number, means: ConnectMeans): number | Refusal {
  let done = 0;
  if (progress.open === undefined) {
    const keys: string[] = [];
    const found: (Coin | undefined)[] = [];
    for (const { prevout } of tx.inputs) {
      const key = outpointKey(prevout);
      keys.push(key);
      found.push(means.overlay.lookup(key));
    }
    const fee = judgeInputs(tx, found, progress.context);
    if (!fee.ok) return fee.error;
    const coins = found as Coin[];
    const checks = means.checks(tx, coins);
    if (!checks.ok) return { rule: scriptRule('block'), detail: `${checks.error} (transaction ${tx.id})` };
    progress.open = { keys, coins, fee: fee.value, checks: checks.value, verified: 0 };
    done = Math.max(1, tx.weight - SIGNATURE_WEIGHT * keys.length);
  }
  const { open } = progress;
  const share = Math.max(1, Math.ceil((budget - done) / SIGNATURE_WEIGHT));
  const until = Math.min(open.checks.length, open.verified + share);
  const invalid = firstInvalid(open.checks, means.verify, open.verified, until);
  if (invalid !== undefined)
    return { rule: scriptRule('block'), detail: `${invalid} (transaction ${tx.id})` };
  done += SIGNATURE_WEIGHT * (until - open.verified);
  open.verified = until;
  if (until < open.checks.length) return done;
  for (let i = 0; i < open.keys.length; i++) means.overlay.spend(open.keys[i]!, open.coins[i]!);
  for (const coin of open.coins) progress.undo.push(coin);
  progress.fees += open.fee;
  progress.open = undefined;
  return done;
}

function addOutputs(tx: Tx, height: number, coinbase: boolean, overlay: CoinsOverlay): void {
  const { txid, outputs } = tx;
  for (let index = 0; index < outputs.length; index++) {
    const { value, script } = outputs[index]!;
    if (isUnspendable(script)) continue;
    overlay.add(outpointKey({ txid, index }), { value, script, height, coinbase });
  }
}

function claimFault({ block, context, fees }: BlockProgress, params: Params): Refusal | undefined {
  let claimed = 0;
  for (const { value } of block.txs[0]!.outputs) claimed += value;
  const allowed = subsidyAt(context.height, params) + fees;
  if (claimed <= allowed) return undefined;
  return { rule: 'bad-cb-amount', detail: `coinbase pays ${claimed} satoshi, may pay ${allowed}` };
}
