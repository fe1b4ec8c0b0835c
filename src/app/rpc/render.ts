import type { Block } from '../../bitcoin/block.ts';
import { encodeHeader } from '../../bitcoin/header.ts';
import { compactToTarget, difficultyOf } from '../../bitcoin/target.ts';
import type { Tx, TxOut } from '../../bitcoin/tx.ts';
import { isCoinbase } from '../../bitcoin/tx.ts';
import type { Coin } from '../../consensus/store/coin.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { Json, JsonNumber } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import type { NodeView } from '../../node/view.ts';
import { idOf, toHex } from '../../util/bytes.ts';
import { confirmations, hex256 } from './context.ts';
import { scriptJson } from './script.ts';

export type JsonMembers = { [key: string]: Json | undefined };

/** Hex of a whole block or transaction: a megabyte takes a millisecond this way, a hundred with strings. */
export function wireHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function bitsHex(bits: number): string {
  return bits.toString(16).padStart(8, '0');
}

/** Core: blockheaderToJSON. */
export function headerJson(view: NodeView, entry: BlockEntry): JsonMembers {
  const { header } = entry;
  const next = view.chain.isActive(entry) ? view.chain.atHeight(entry.height + 1) : undefined;
  return {
    hash: entry.id,
    confirmations: confirmations(view, entry),
    height: entry.height,
    version: header.version,
    versionHex: bitsHex(header.version >>> 0),
    merkleroot: idOf(header.merkleRoot),
    time: header.time,
    mediantime: entry.medianTime,
    nonce: header.nonce,
    bits: bitsHex(header.bits),
    target: hex256(compactToTarget(header.bits).target),
    difficulty: difficultyJson(header.bits),
    chainwork: hex256(entry.work),
    nTx: entry.txs,
    previousblockhash: entry.parent?.id,
    nextblockhash: next?.id,
  };
}

/** Core's getdifficulty. */
export function difficultyJson(bits: number): number {
  return asDouble(difficultyOf(bits));
}

/** Core prints a double with 16 digits where JavaScript would need 17. */
export function asDouble(value: number): number {
  return Number(value.toPrecision(16));
}

export function headerHex(entry: BlockEntry): string {
  return toHex(encodeHeader(entry.header));
}

/** Core: blockToJSON; `txs` are ids (verbosity 1) or whole transactions (2 and 3). */
export function blockJson(view: NodeView, entry: BlockEntry, block: Block, txs: Json): JsonMembers {
  return {
    ...headerJson(view, entry),
    strippedsize: block.strippedSize,
    size: block.size,
    weight: block.weight,
    tx: txs,
  };
}

/** The coins that a transaction spends, where they are known, and whether they are shown or only give the fee. */
export interface Spends {
  readonly coins: readonly Coin[];
  readonly shown: boolean;
}

/** Core: TxToUniv. */
export function txJson(tx: Tx, hrp: string, spends?: Spends): JsonMembers {
  const coinbase = isCoinbase(tx);
  const known = coinbase ? undefined : spends;
  return {
    txid: tx.id,
    hash: tx.wid,
    version: tx.version,
    size: tx.size,
    vsize: tx.vsize,
    weight: tx.weight,
    locktime: tx.lockTime,
    vin: tx.inputs.map((input, i) => ({
      ...(coinbase
        ? { coinbase: toHex(input.script) }
        : {
            txid: idOf(input.prevout.txid),
            vout: input.prevout.index,
            // Only an empty one is allowed, but a transaction that we refuse can still be decoded.
            scriptSig: { asm: toHex(input.script), hex: toHex(input.script) },
          }),
      txinwitness: input.witness.length > 0 ? input.witness.map(toHex) : undefined,
      prevout: known?.shown === true ? prevoutJson(known.coins[i]!, hrp) : undefined,
      sequence: input.sequence,
    })),
    vout: tx.outputs.map((output, n) => ({
      value: coins(output.value),
      n,
      scriptPubKey: scriptJson(output.script, hrp),
    })),
    fee: known === undefined ? undefined : coins(sum(known.coins) - sum(tx.outputs)),
    hex: wireHex(tx.bytes),
  };
}

const sum = (outputs: readonly TxOut[]): number => outputs.reduce((total, { value }) => total + value, 0);

function prevoutJson(coin: Coin, hrp: string): JsonMembers {
  return {
    generated: coin.coinbase,
    height: coin.height,
    value: coins(coin.value),
    scriptPubKey: scriptJson(coin.script, hrp),
  };
}

/** A fee rate in coins per 1,000 vbytes from satoshis per 1,000 vbytes. */
export function feeRate(satsPerKvb: number): JsonNumber {
  return coins(Math.ceil(satsPerKvb));
}
