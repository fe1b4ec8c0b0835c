import { formatAmount } from '../bitcoin/amount.ts';
import { isUnspendable } from '../bitcoin/lock.ts';
import { MAX_MONEY, makeTx, outpointKey, type Tx, type TxOut, unsignedInput } from '../bitcoin/tx.ts';
import { unreachable } from '../util/assert.ts';
import { err, ok, type Result } from '../util/result.ts';
import { dustThreshold, type FeeRate, feeFor, inputWeight, MAX_FEE_RATE, vsizeOf } from './fee.ts';
import { type Goal, needWith, type Spendable, selectCoins, vsizeWith } from './select.ts';

/** Core's MAX_STANDARD_TX_WEIGHT: nobody relays more. */
const MAX_TX_WEIGHT = 400_000;

/** No fee above 0.1 coins is meant. Core: DEFAULT_TRANSACTION_MAXFEE. */
export const DEFAULT_MAX_FEE = 10_000_000;

/** Signals that the transaction may be replaced (BIP125) and leaves its lock time in force. */
const REPLACEABLE = 0xffff_fffd;

/** What a replacement pays for its own relay: 1 sat/vB beyond the fee it replaces. Core: DEFAULT_INCREMENTAL_RELAY_FEE. */
const INCREMENTAL_FEE_RATE: FeeRate = 1_000;

export interface BuildRequest {
  readonly recipients: readonly TxOut[];
  /** What may be spent. */
  readonly coins: readonly Spendable[];
  /** What must be spent, first and in this order: two transactions with the same fixed coin are a double-spend. */
  readonly fixed?: readonly Spendable[];
  readonly changeScript: Uint8Array;
  /** Satoshi per 1,000 vbytes. */
  readonly feeRate: FeeRate;
  readonly minFee?: number;
  /** The fee, in satoshi, above which it must be a mistake. */
  readonly maxFee?: number;
  readonly sequence?: number;
  readonly lockTime?: number;
}

/** A transaction without signatures, and all that signing and replacing it needs. */
export interface Built {
  readonly tx: Tx;
  /** The coins of its inputs, in order. */
  readonly inputs: readonly Spendable[];
  /** Satoshi: exactly inputs − outputs. */
  readonly fee: number;
  /** Once signed; a P2WPKH input may turn out a quarter byte smaller. */
  readonly vsize: number;
  /** The change output's place and value, if there is one. It is the last. */
  readonly change: { readonly index: number; readonly value: number } | undefined;
}

/** Why a payment cannot be made. Amounts in satoshi. */
export type BuildFault =
  | { readonly kind: 'no-recipients' }
  | { readonly kind: 'bad-amount'; readonly value: number }
  | { readonly kind: 'dust'; readonly value: number; readonly least: number }
  /** `need` covers outputs and fee. */
  | { readonly kind: 'insufficient-funds'; readonly have: number; readonly need: number }
  | { readonly kind: 'absurd-fee'; readonly fee: number; readonly limit: number }
  | { readonly kind: 'absurd-fee-rate'; readonly rate: FeeRate; readonly limit: FeeRate }
  | { readonly kind: 'duplicate-coin'; readonly coin: string }
  | { readonly kind: 'too-large'; readonly weight: number; readonly limit: number };

/** A fault in a sentence, for people. */
export function describeFault(fault: BuildFault): string {
  switch (fault.kind) {
    case 'no-recipients':
      return 'nobody to pay: a transaction needs an output';
    case 'bad-amount':
      return `${fault.value} satoshi is not an amount`;
    case 'dust':
      return `${formatAmount(fault.value)} is dust: spending it would cost more; at least ${formatAmount(fault.least)}`;
    case 'insufficient-funds':
      return `insufficient funds: have ${formatAmount(fault.have)}, need ${formatAmount(fault.need)} with the fee`;
    case 'absurd-fee':
      return `a fee of ${formatAmount(fault.fee)} is absurd: at most ${formatAmount(fault.limit)}`;
    case 'absurd-fee-rate':
      return `a fee rate of ${fault.rate / 1000} sat/vB is absurd: at most ${fault.limit / 1000}`;
    case 'duplicate-coin':
      return 'the same coin is given twice';
    case 'too-large':
      return `the transaction would weigh ${fault.weight}, and nobody relays more than ${fault.limit}: pay less at a time`;
    default:
      return unreachable(fault);
  }
}

function checkRequest(request: BuildRequest): BuildFault | undefined {
  if (request.recipients.length === 0) return { kind: 'no-recipients' };
  let sum = 0;
  for (const { value, script } of request.recipients) {
    const least = dustThreshold(script);
    if (!Number.isSafeInteger(value) || value < 0 || value > MAX_MONEY) return { kind: 'bad-amount', value };
    if (value === 0 && !isUnspendable(script)) return { kind: 'bad-amount', value };
    if (value < least) return { kind: 'dust', value, least };
    sum += value;
    if (sum > MAX_MONEY) return { kind: 'bad-amount', value: sum };
  }
  const seen = new Set<string>();
  for (const { outpoint } of request.fixed ?? []) {
    const coin = outpointKey(outpoint);
    if (seen.has(coin)) return { kind: 'duplicate-coin', coin };
    seen.add(coin);
  }
  if (!Number.isSafeInteger(request.feeRate) || request.feeRate < 0 || request.feeRate > MAX_FEE_RATE) {
    return { kind: 'absurd-fee-rate', rate: request.feeRate, limit: MAX_FEE_RATE };
  }
  return undefined;
}

/**
 * Why no selection sufficed. Have: every coin that is worth spending. Need: outputs and the fee of the transaction
 * that spends them all. Enough on paper: then they are too many for one transaction.
 */
function insufficient(goal: Goal, fixed: readonly Spendable[], coins: readonly Spendable[]): BuildFault {
  const all = new Map<string, Spendable>();
  for (const coin of [...fixed, ...coins]) all.set(outpointKey(coin.outpoint), coin);
  const worth = [...all.values()].filter(
    (coin) => fixed.includes(coin) || coin.value > feeFor(goal.feeRate, vsizeOf(inputWeight(coin.script))),
  );
  const have = worth.reduce((sum, coin) => sum + coin.value, 0);
  const vsize = vsizeWith(goal, worth, false);
  const need = needWith(goal, vsize, false);
  if (have >= need) return { kind: 'too-large', weight: 4 * vsize, limit: MAX_TX_WEIGHT };
  return { kind: 'insufficient-funds', have, need };
}

/**
 * Chooses coins, adds change and fixes the fee: fee rate × size rounded up, to the satoshi, when there is change;
 * without change the fee takes the rest, which is less than a change output would have been worth. Outputs stay in
 * the order given, change comes last. The same request gives the same transaction.
 */
export function buildTx(request: BuildRequest): Result<Built, BuildFault> {
  const refused = checkRequest(request);
  if (refused !== undefined) return err(refused);
  const { recipients, coins, changeScript, feeRate, fixed = [], minFee = 0 } = request;
  const outputValue = recipients.reduce((sum, { value }) => sum + value, 0);
  const goal: Goal = {
    outputScripts: recipients.map(({ script }) => script),
    outputValue,
    changeScript,
    // Change that is not worth its own spending is better spent as fee.
    changeFloor: Math.max(dustThreshold(changeScript), feeFor(feeRate, vsizeOf(inputWeight(changeScript)))),
    feeRate,
    minFee,
  };
  const inputs = selectCoins(goal, fixed, coins);
  if (inputs === undefined) return err(insufficient(goal, fixed, coins));

  const have = inputs.reduce((sum, { value }) => sum + value, 0);
  const sizeWithChange = vsizeWith(goal, inputs, true);
  const rest = have - needWith(goal, sizeWithChange, true) + goal.changeFloor;
  const withChange = rest >= goal.changeFloor;
  const outputs = withChange ? [...recipients, { value: rest, script: changeScript }] : recipients;
  const fee = have - outputValue - (withChange ? rest : 0);
  const vsize = withChange ? sizeWithChange : vsizeWith(goal, inputs, false);
  const limit = request.maxFee ?? DEFAULT_MAX_FEE;
  if (fee > limit) return err({ kind: 'absurd-fee', fee, limit });
  if (4 * vsize > MAX_TX_WEIGHT) return err({ kind: 'too-large', weight: 4 * vsize, limit: MAX_TX_WEIGHT });
  const sequence = request.sequence ?? REPLACEABLE;
  const tx = makeTx({
    version: 2,
    inputs: inputs.map(({ outpoint }) => unsignedInput(outpoint, sequence)),
    outputs,
    lockTime: request.lockTime ?? 0,
  });
  const change = withChange ? { index: outputs.length - 1, value: rest } : undefined;
  return ok({ tx, inputs, fee, vsize, change });
}

/**
 * The same payment again at a higher rate: spends every coin of `previous`, and pays more than it in total, by at least
 * {@link INCREMENTAL_FEE_RATE} on its own size, and per vbyte (BIP125 rules 3 and 4, Core's feerate rule). Adds coins
 * where the change does not suffice; `request.feeRate` counts when it is higher still.
 */
export function bumpFee(request: BuildRequest, previous: Built): Result<Built, BuildFault> {
  const fixed = previous.inputs;
  // A vbyte an input off: its signature may have come out shorter than `vsize` assumes.
  const rate = Math.ceil((previous.fee * 1000) / (previous.vsize - fixed.length)) + 1;
  const feeRate = Math.max(request.feeRate, rate);
  // Coins that are added make it larger, and the least fee with it: a few rounds reach the fixed point.
  let minFee = previous.fee + feeFor(INCREMENTAL_FEE_RATE, previous.vsize);
  for (;;) {
    const built = buildTx({ ...request, feeRate, fixed, minFee });
    if (!built.ok) return built;
    const least = previous.fee + feeFor(INCREMENTAL_FEE_RATE, built.value.vsize);
    if (built.value.fee >= least) return built;
    minFee = least;
  }
}
