import { assert } from '../util/assert.ts';
import { taggedHasher } from './hash.ts';
import { Sha256 } from './sha256.ts';
import type { Tx, TxOut } from './tx.ts';

/**
 * What one transaction's inputs share of their signature hashes, each made when first needed: so signing or checking
 * all inputs is linear in their number (the point of BIP143). One cache serves one transaction and one list of spent
 * outputs. SHA-256 once, as BIP341 wants them; BIP143 hashes them once more.
 */
export interface SighashCache {
  tx: Tx | undefined;
  spent: readonly TxOut[] | undefined;
  prevouts: Uint8Array | undefined;
  sequences: Uint8Array | undefined;
  outputs: Uint8Array | undefined;
  /** BIP143's double hashes of the three above, in this order: 96 bytes. */
  doubled: Uint8Array | undefined;
  amounts: Uint8Array | undefined;
  scripts: Uint8Array | undefined;
}

export function newSighashCache(): SighashCache {
  return {
    tx: undefined,
    spent: undefined,
    prevouts: undefined,
    sequences: undefined,
    outputs: undefined,
    doubled: undefined,
    amounts: undefined,
    scripts: undefined,
  };
}

const SIGHASH_DEFAULT = 0;
export const SIGHASH_ALL = 1;

const h = new Sha256();

function bind(cache: SighashCache, tx: Tx, index: number): void {
  if (cache.tx === undefined) cache.tx = tx;
  assert(cache.tx === tx, 'a sighash cache serves one transaction');
  assert(index >= 0 && index < tx.inputs.length, 'no such input');
}

function prevoutsOf(tx: Tx, cache: SighashCache): Uint8Array {
  if (cache.prevouts !== undefined) return cache.prevouts;
  for (const { prevout } of tx.inputs) h.update(prevout.txid).u32(prevout.index);
  return (cache.prevouts = h.digest());
}

function sequencesOf(tx: Tx, cache: SighashCache): Uint8Array {
  if (cache.sequences !== undefined) return cache.sequences;
  for (const { sequence } of tx.inputs) h.u32(sequence);
  return (cache.sequences = h.digest());
}

function outputsOf(tx: Tx, cache: SighashCache): Uint8Array {
  cache.outputs ??= h.update(tx.bytes, tx.outputsFrom, tx.outputsTo).digest();
  return cache.outputs;
}

function doubledOf(tx: Tx, cache: SighashCache): Uint8Array {
  if (cache.doubled !== undefined) return cache.doubled;
  const out = new Uint8Array(96);
  h.update(prevoutsOf(tx, cache)).digestTo(out, 0);
  h.update(sequencesOf(tx, cache)).digestTo(out, 32);
  h.update(outputsOf(tx, cache)).digestTo(out, 64);
  return (cache.doubled = out);
}

/** The script code of P2WPKH (BIP143): a length byte and the old pay-to-key-hash script around the 20 bytes. */
const CODE_HEAD = Uint8Array.of(0x19, 0x76, 0xa9, 0x14);
const CODE_TAIL = Uint8Array.of(0x88, 0xac);

/**
 * The hash that a P2WPKH input's ECDSA signature with SIGHASH_ALL signs (BIP143), 32 bytes.
 * `keyHash` 20 bytes, `value` of the coin in satoshi.
 */
export function sighashAllV0(
  tx: Tx,
  index: number,
  keyHash: Uint8Array,
  value: number,
  cache: SighashCache,
): Uint8Array {
  bind(cache, tx, index);
  const doubled = doubledOf(tx, cache);
  const { prevout, sequence } = tx.inputs[index]!;
  return h
    .u32(tx.version)
    .update(doubled, 0, 64)
    .update(prevout.txid)
    .u32(prevout.index)
    .update(CODE_HEAD)
    .update(keyHash)
    .update(CODE_TAIL)
    .u64(value)
    .u32(sequence)
    .update(doubled, 64, 96)
    .u32(tx.lockTime)
    .u32(SIGHASH_ALL)
    .doubleDigest();
}

function bindSpent(cache: SighashCache, tx: Tx, spent: readonly TxOut[]): void {
  if (cache.spent === undefined) cache.spent = spent;
  assert(cache.spent === spent, 'a sighash cache serves one list of spent outputs');
  assert(spent.length === tx.inputs.length, 'one spent output for each input');
}

function amountsOf(spent: readonly TxOut[], cache: SighashCache): Uint8Array {
  if (cache.amounts !== undefined) return cache.amounts;
  for (const { value } of spent) h.u64(value);
  return (cache.amounts = h.digest());
}

function scriptsOf(spent: readonly TxOut[], cache: SighashCache): Uint8Array {
  if (cache.scripts !== undefined) return cache.scripts;
  for (const { script } of spent) {
    assert(script.length < 0xfd, 'every allowed lock is short');
    h.byte(script.length).update(script);
  }
  return (cache.scripts = h.digest());
}

/**
 * The hash that a P2TR key-path signature with SIGHASH_DEFAULT and no annex signs (BIP341), 32 bytes.
 * `spentOutputs`: the coin of every input, in order; pass the same array with the same cache.
 */
export function sighashDefaultV1(
  tx: Tx,
  index: number,
  spentOutputs: readonly TxOut[],
  cache: SighashCache,
): Uint8Array {
  bind(cache, tx, index);
  bindSpent(cache, tx, spentOutputs);
  const prevouts = prevoutsOf(tx, cache);
  const amounts = amountsOf(spentOutputs, cache);
  const scripts = scriptsOf(spentOutputs, cache);
  const sequences = sequencesOf(tx, cache);
  const outputs = outputsOf(tx, cache);
  return h
    .copyFrom(taggedHasher('TapSighash'))
    .byte(0) // epoch
    .byte(SIGHASH_DEFAULT)
    .u32(tx.version)
    .u32(tx.lockTime)
    .update(prevouts)
    .update(amounts)
    .update(scripts)
    .update(sequences)
    .update(outputs)
    .byte(0) // spend type: key path, no annex
    .u32(index)
    .digest();
}
