import { assert } from '../util/assert.ts';
import { idOf, keyOf, readU32LE, writeU32LE } from '../util/bytes.ts';
import type { Result } from '../util/result.ts';
import {
  compactSizeLength,
  type DecodeFault,
  decode,
  EMPTY,
  MAX_MONEY,
  type Reader,
  viewOf,
  Writer,
} from './codec.ts';
import { Sha256 } from './sha256.ts';

export { MAX_MONEY };

/** Which output of which transaction. `txid` is 32 bytes, internal order. */
export interface OutPoint {
  readonly txid: Uint8Array;
  readonly index: number;
}

export interface TxIn {
  readonly prevout: OutPoint;
  /** scriptSig: empty, but in a coinbase. */
  readonly script: Uint8Array;
  readonly sequence: number;
  readonly witness: readonly Uint8Array[];
}

export interface TxOut {
  /** Satoshi, 0 … MAX_MONEY. */
  readonly value: number;
  /** The lock (scriptPubKey). */
  readonly script: Uint8Array;
}

/**
 * What has been found out about a transaction, which depends on it alone: each note is written and read by one file of the
 * layers above. Weak collections beside it would say the same; a field is read ten times as fast, and the garbage
 * collector need not go through it.
 */
interface TxNotes {
  /** consensus/validate/check.ts: it passed all rules of a loose transaction. */
  sane: boolean;
  /** consensus/validate/spend.ts: what must verify for its coins to be spent, until its block is connected. */
  checks: readonly unknown[] | undefined;
}

/**
 * A transaction, parsed once. `bytes` is its whole wire form and is never encoded again; the arrays inside are views
 * into it. Sizes as BIP141 has them: weight = 3 × stripped + whole, vsize = weight / 4 rounded up.
 */
export interface Tx extends TxNotes {
  /** u32 (Core since 28: unsigned, which BIP68 cares about). */
  readonly version: number;
  readonly inputs: readonly TxIn[];
  readonly outputs: readonly TxOut[];
  readonly lockTime: number;
  readonly bytes: Uint8Array;
  readonly hasWitness: boolean;
  /** Length of the whole wire form. */
  readonly size: number;
  readonly strippedSize: number;
  readonly weight: number;
  readonly vsize: number;
  /** Hash of the form without witnesses, internal order. */
  readonly txid: Uint8Array;
  /** Hash of the whole form; the same array as txid when there is no witness. */
  readonly wtxid: Uint8Array;
  /** txid as displayed. */
  readonly id: string;
  /** wtxid as displayed. */
  readonly wid: string;
  /** Where the encoded outputs (without their count) lie in `bytes`: signature hashes cover them as they stand. */
  readonly outputsFrom: number;
  readonly outputsTo: number;
}

const hasher = new Sha256();

/** Ids are made when first asked for: a block's check needs all of them, decoding for a look needs none. */
class WireTx implements Tx {
  readonly version: number;
  readonly inputs: readonly TxIn[];
  readonly outputs: readonly TxOut[];
  readonly lockTime: number;
  readonly bytes: Uint8Array;
  readonly hasWitness: boolean;
  readonly size: number;
  readonly strippedSize: number;
  readonly outputsFrom: number;
  readonly outputsTo: number;
  sane = false;
  checks: readonly unknown[] | undefined = undefined;
  #txid: Uint8Array | undefined;
  #wtxid: Uint8Array | undefined;
  #id: string | undefined;

  constructor(
    version: number,
    inputs: readonly TxIn[],
    outputs: readonly TxOut[],
    lockTime: number,
    bytes: Uint8Array,
    hasWitness: boolean,
    outputsFrom: number,
    outputsTo: number,
  ) {
    this.version = version;
    this.inputs = inputs;
    this.outputs = outputs;
    this.lockTime = lockTime;
    this.bytes = bytes;
    this.hasWitness = hasWitness;
    this.size = bytes.length;
    // Witnesses lie between the outputs and the 4 bytes of lock time; marker and flag are 2 bytes more.
    this.strippedSize = hasWitness ? outputsTo + 4 - 2 : bytes.length;
    this.outputsFrom = outputsFrom;
    this.outputsTo = outputsTo;
  }

  get weight(): number {
    return 3 * this.strippedSize + this.size;
  }

  get vsize(): number {
    return Math.ceil(this.weight / 4);
  }

  get txid(): Uint8Array {
    if (this.#txid !== undefined) return this.#txid;
    const b = this.bytes;
    if (this.hasWitness) {
      hasher
        .update(b, 0, 4)
        .update(b, 6, this.outputsTo)
        .update(b, b.length - 4);
    } else {
      hasher.update(b);
    }
    this.#txid = hasher.doubleDigest();
    return this.#txid;
  }

  get wtxid(): Uint8Array {
    if (!this.hasWitness) return this.txid;
    this.#wtxid ??= hasher.update(this.bytes).doubleDigest();
    return this.#wtxid;
  }

  get id(): string {
    this.#id ??= idOf(this.txid);
    return this.#id;
  }

  get wid(): string {
    return this.hasWitness ? idOf(this.wtxid) : this.id;
  }
}

const NO_WITNESS: readonly Uint8Array[] = [];

/** An input is at least outpoint 36 + empty script 1 + sequence 4; an output value 8 + empty script 1. */
const MIN_INPUT = 41;
const MIN_OUTPUT = 9;

interface MutableIn {
  readonly prevout: OutPoint;
  readonly script: Uint8Array;
  readonly sequence: number;
  witness: readonly Uint8Array[];
}

function readInputs(reader: Reader): MutableIn[] {
  const n = reader.count(MIN_INPUT);
  const inputs = new Array<MutableIn>(n);
  for (let i = 0; i < n; i++) {
    const txid = reader.bytes(32);
    const index = reader.u32();
    inputs[i] = {
      prevout: { txid, index },
      script: reader.varBytes(),
      sequence: reader.u32(),
      witness: NO_WITNESS,
    };
  }
  return inputs;
}

function readOutputs(reader: Reader): TxOut[] {
  const n = reader.count(MIN_OUTPUT);
  const outputs = new Array<TxOut>(n);
  for (let i = 0; i < n; i++) outputs[i] = { value: reader.money(), script: reader.varBytes() };
  return outputs;
}

function readWitness(reader: Reader): readonly Uint8Array[] {
  const n = reader.count(1);
  if (n === 0) return NO_WITNESS;
  const items = new Array<Uint8Array>(n);
  for (let i = 0; i < n; i++) items[i] = reader.varBytes();
  return items;
}

/**
 * Reads one transaction where the reader stands. An input count of 0 is the segwit marker (BIP144), so the flag byte
 * follows: 1 with witnesses that are not all empty, or 0, which as in Core is a transaction without inputs *and*
 * outputs (refused later, by name). Core: `UnserializeTransaction`.
 */
export function readTx(reader: Reader): Tx {
  const from = reader.at;
  const version = reader.u32();
  let inputs = readInputs(reader);
  let outputs: TxOut[] = [];
  let hasWitness = false;
  let outputsFrom = reader.at - from;
  let outputsTo = outputsFrom;
  const marker = inputs.length === 0;
  const flag = marker ? reader.u8() : 0;
  if (flag > 1) reader.fail('unknown transaction flag', reader.at - 1);
  if (marker && flag === 0) {
    outputsFrom = outputsTo = reader.at - from;
  } else {
    hasWitness = flag === 1;
    if (hasWitness) inputs = readInputs(reader);
    const countAt = reader.at;
    outputs = readOutputs(reader);
    outputsFrom = countAt + compactSizeLength(outputs.length) - from;
    outputsTo = reader.at - from;
  }
  if (hasWitness) {
    const at = reader.at;
    let any = false;
    for (const input of inputs) {
      input.witness = readWitness(reader);
      if (input.witness.length > 0) any = true;
    }
    if (!any) reader.fail('superfluous witness record', at);
  }
  const lockTime = reader.u32();
  const bytes = viewOf(reader.bytesAll, from, reader.at);
  return new WireTx(version, inputs, outputs, lockTime, bytes, hasWitness, outputsFrom, outputsTo);
}

/** The bytes of exactly one transaction. Keeps views into `bytes`. */
export function decodeTx(bytes: Uint8Array): Result<Tx, DecodeFault> {
  return decode(bytes, readTx);
}

/** Encodes and seals a transaction of ours. Without inputs but with outputs it has no readable wire form (see readTx). */
export function makeTx(parts: {
  readonly version: number;
  readonly inputs: readonly TxIn[];
  readonly outputs: readonly TxOut[];
  readonly lockTime: number;
}): Tx {
  const { version, inputs, outputs, lockTime } = parts;
  const hasWitness = inputs.some((input) => input.witness.length > 0);
  const w = new Writer(64 + 180 * inputs.length + 45 * outputs.length).u32(version);
  if (hasWitness) w.u8(0).u8(1);
  w.compactSize(inputs.length);
  for (const { prevout, script, sequence } of inputs) {
    assert(prevout.txid.length === 32, 'a txid is 32 bytes');
    w.bytes(prevout.txid).u32(prevout.index).varBytes(script).u32(sequence);
  }
  w.compactSize(outputs.length);
  const outputsFrom = w.length;
  for (const { value, script } of outputs) {
    assert(value <= MAX_MONEY, 'an output is worth at most 21 million coins');
    w.u64(value).varBytes(script);
  }
  const outputsTo = w.length;
  if (hasWitness) {
    for (const { witness } of inputs) {
      w.compactSize(witness.length);
      for (const item of witness) w.varBytes(item);
    }
  }
  const bytes = w.u32(lockTime).finish();
  return new WireTx(version, inputs, outputs, lockTime, bytes, hasWitness, outputsFrom, outputsTo);
}

/** The outpoint of a coinbase input: txid zero and index ffffffff. Core: `COutPoint::IsNull`. */
export function isNullOutPoint(o: OutPoint): boolean {
  if (o.index !== 0xffff_ffff) return false;
  for (let i = 0; i < 32; i++) if (o.txid[i] !== 0) return false;
  return true;
}

/** Exactly one input, and that one null. Core: `CTransaction::IsCoinBase`. */
export function isCoinbase(tx: Tx): boolean {
  return tx.inputs.length === 1 && isNullOutPoint(tx.inputs[0]!.prevout);
}

const key36 = new Uint8Array(36);

/** txid ‖ index as its 36 wire bytes, one character each: a `Map` key, equal exactly when the outpoints are. */
export function outpointKey(o: OutPoint): string {
  key36.set(o.txid);
  writeU32LE(key36, 32, o.index);
  return keyOf(key36);
}

/** The outpoint behind {@link outpointKey}. */
export function outpointOfKey(key: string): OutPoint {
  assert(key.length === 36, 'an outpoint key has 36 characters');
  const bytes = new Uint8Array(36);
  for (let i = 0; i < 36; i++) bytes[i] = key.charCodeAt(i);
  return { txid: bytes.slice(0, 32), index: readU32LE(bytes, 32) };
}

/** An input that carries no unlock yet. */
export function unsignedInput(prevout: OutPoint, sequence: number): TxIn {
  return { prevout, script: EMPTY, sequence, witness: NO_WITNESS };
}
