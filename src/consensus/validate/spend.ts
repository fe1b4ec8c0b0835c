import { hash160 } from '../../bitcoin/hash.ts';
import { parseLock } from '../../bitcoin/lock.ts';
import {
  newSighashCache,
  SIGHASH_ALL,
  type SighashCache,
  sighashAllV0,
  sighashDefaultV1,
} from '../../bitcoin/sighash.ts';
import { parseDerStrict } from '../../bitcoin/signature.ts';
import { MAX_MONEY, type Tx } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import { equal, idOf } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { type Checked, refuse } from '../params/rules.ts';
import type { Coin } from '../store/coin.ts';
import { firstLockedInput, type LockContext } from './locktime.ts';
import type { SigCheck, Verify } from './verify.ts';

/** Third rung: one transaction against the coins that it spends. */

/** Where the transaction would stand, and under which names it is refused. */
export interface SpendContext extends LockContext {
  readonly where: 'block' | 'mempool';
  /** Blocks until a coinbase coin may be spent. */
  readonly maturity: number;
}

const UNKNOWN_INPUT = 'bad-txns-inputs-missingorspent';

/**
 * What a transaction pays, in satoshi, if it may spend these coins here (one for each input; undefined: there is none).
 * Everything but the signatures. Core: CheckTxInputs, SequenceLocks.
 */
export function judgeInputs(tx: Tx, coins: readonly (Coin | undefined)[], at: SpendContext): Checked<number> {
  let sum = 0;
  for (let i = 0; i < tx.inputs.length; i++) {
    const coin = coins[i];
    if (coin === undefined) return refuse(UNKNOWN_INPUT, `${tx.id}, input ${i}: ${named(tx, i)}`);
    if (coin.coinbase && at.height - coin.height < at.maturity) {
      return refuse(
        'bad-txns-premature-spend-of-coinbase',
        `${tx.id}, input ${i}: coin of height ${coin.height} at height ${at.height}, maturity ${at.maturity}`,
      );
    }
    sum += coin.value;
    if (sum > MAX_MONEY)
      return refuse('bad-txns-inputvalues-outofrange', `${tx.id}, inputs of ${sum} satoshi`);
  }
  let out = 0;
  for (const { value } of tx.outputs) out += value;
  if (sum < out)
    return refuse('bad-txns-in-belowout', `${tx.id}, value in ${sum} < value out ${out} satoshi`);
  const locked = firstLockedInput(tx, coins as readonly Coin[], at);
  if (locked >= 0) {
    const rule = at.where === 'block' ? 'bad-txns-nonfinal' : 'non-BIP68-final';
    return refuse(rule, `${tx.id}, input ${locked}: its coin's relative lock is not past (BIP68)`);
  }
  return ok(sum - out);
}

function named(tx: Tx, input: number): string {
  const { prevout } = tx.inputs[input]!;
  return `no coin ${idOf(prevout.txid)}:${prevout.index}`;
}

/**
 * The signatures that must verify for these coins to be spent, one for each input. The errors are Core's sentences
 * where it has one (ScriptErrorString). A transaction's id commits to the coins that it spends, so the answer depends
 * on the transaction alone.
 */
export function signatureChecks(tx: Tx, coins: readonly Coin[]): Result<readonly SigCheck[], string> {
  if (tx.checks !== undefined) return ok(tx.checks as readonly SigCheck[]);
  const cache = newSighashCache();
  const checks: SigCheck[] = [];
  for (let i = 0; i < coins.length; i++) {
    const check = inputCheck(tx, i, coins, cache);
    if (!check.ok) return err(`input ${i}: ${check.error}`);
    checks.push(check.value);
  }
  return ok(checks);
}

/**
 * Keeps them until the transaction's block comes: hashing what it signs is most of what connecting would cost. `checks`:
 * what `signatureChecks` gave for this very transaction. They tell what is to be verified, not that it was.
 */
export function keepChecks(tx: Tx, checks: readonly SigCheck[]): void {
  tx.checks = checks;
}

/** It was admitted to a mempool of this process, so all its signatures were valid. */
export function hasKeptChecks(tx: Tx): boolean {
  return tx.checks !== undefined;
}

/** Its block is connected. Whoever leaves the mempool otherwise takes its checks with it when it is collected. */
export function forgetChecks(tx: Tx): void {
  tx.checks = undefined;
}

function inputCheck(
  tx: Tx,
  index: number,
  coins: readonly Coin[],
  cache: SighashCache,
): Result<SigCheck, string> {
  const { script, witness } = tx.inputs[index]!;
  const coin = coins[index]!;
  const lock = parseLock(coin.script);
  assert(lock !== undefined && lock.kind !== 'data', 'every coin has a lock that can be opened');
  if (script.length > 0) return err('Witness requires empty scriptSig');
  if (witness.length === 0) return err('Witness program was passed an empty witness');
  if (lock.kind === 'p2tr') {
    const [signature] = witness;
    if (witness.length > 1) return err('P2TR is spent by one signature: no annex, no script path');
    if (signature?.length !== 64) return err('Invalid Schnorr signature size');
    const message = sighashDefaultV1(tx, index, coins, cache);
    return ok({ scheme: 'schnorr', key: lock.key, message, signature });
  }
  const [signature, key] = witness;
  if (signature === undefined || key === undefined || witness.length !== 2) {
    return err('Witness program hash mismatch: not two items');
  }
  if (key.length !== 33 || (key[0] !== 2 && key[0] !== 3)) return err('Using non-compressed keys in segwit');
  if (!equal(hash160(key), lock.hash)) return err('Script failed an OP_EQUALVERIFY operation');
  const parsed = parseDerStrict(signature);
  if (!parsed.ok) return err(parsed.error);
  if (parsed.value.hashType !== SIGHASH_ALL) return err('Signature hash type missing or not understood');
  const message = sighashAllV0(tx, index, lock.hash, coin.value, cache);
  return ok({ scheme: 'ecdsa', key, message, signature: parsed.value.compact });
}

/** The first of `checks[from … to)` that does not verify, in Core's words for it. */
export function firstInvalid(
  checks: readonly SigCheck[],
  verify: Verify,
  from = 0,
  to = checks.length,
): string | undefined {
  for (let i = from; i < to; i++) {
    if (verify(checks[i]!)) continue;
    const schnorr = checks[i]!.scheme === 'schnorr';
    return `input ${i}: ${schnorr ? 'Invalid Schnorr signature' : 'Signature must be zero for failed CHECK(MULTI)SIG operation'}`;
  }
  return undefined;
}

/** The name of a failed unlock: Core 30 tells blocks and loose transactions apart, since only the former prove malice. */
export function scriptRule(where: SpendContext['where']) {
  return where === 'block' ? 'block-script-verify-flag-failed' : 'mempool-script-verify-flag-failed';
}
