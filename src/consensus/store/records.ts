import { decodeHeader, HEADER_SIZE, type Header, writeHeader } from '../../bitcoin/header.ts';
import { readU32LE, utf8Decode, utf8Encode, writeU32BE, writeU32LE } from '../../util/bytes.ts';
import { isRuleName, type RuleName } from '../params/rules.ts';
import type { Coin } from './coin.ts';

/**
 * The whole disk layout. A key is one letter and what follows; hashes are in internal byte order, so the tail of a
 * displayed id, reversed, is a prefix of its key. Numbers are little endian unless said.
 *
 * | key               | value                                                                                 |
 * |-------------------|---------------------------------------------------------------------------------------|
 * | `v`               | format version u32 ‖ genesis hash                                                     |
 * | `t`               | hash of the active tip                                                                |
 * | `h` ‖ hash        | block index entry: `encodeEntry`                                                      |
 * | `b` ‖ hash        | block body: the whole block as on the wire                                            |
 * | `u` ‖ hash        | undo of an active block: the coins that it spent, in order of inputs                  |
 * | `c` ‖ txid ‖ u32  | coin of the active tip: `encodeCoin`                                                  |
 * | `s` ‖ u8          | sum over the coins whose txid starts with that byte: `CoinSums`                       |
 * | `n` ‖ u32 BE      | height → hash, active chain                                                           |
 * | `x` ‖ txid        | transaction of the active chain → block hash ‖ position in the block u32              |
 * | `m` ‖ txid        | mempool: written by the node layer                                                    |
 * | `r` ‖ hash        | disconnected block whose payments are not back in the mempool yet: its height u32     |
 *
 * `h`, `t`, `v` and `s` (and `m`, `r`) are read whole at opening; everything else by key. Coins, their sums, undo, `n`, `x`
 * and `t` change only together, in one batch. Format 1 had no `s`, and no checksums in its rows (host/store/format.ts).
 */
export const FORMAT_VERSION = 2;

export const PREFIX = {
  meta: 0x76, // v
  tip: 0x74, // t
  entry: 0x68, // h
  body: 0x62, // b
  undo: 0x75, // u
  coin: 0x63, // c
  sum: 0x73, // s
  height: 0x6e, // n
  tx: 0x78, // x
  mempool: 0x6d, // m
  returning: 0x72, // r
} as const;

/** Prefixes of the rows that a node wants at opening. */
export const OPENING_PREFIXES: readonly number[] = [
  PREFIX.meta,
  PREFIX.tip,
  PREFIX.entry,
  PREFIX.sum,
  PREFIX.mempool,
  PREFIX.returning,
];

export const META_KEY = Uint8Array.of(PREFIX.meta);
export const TIP_KEY = Uint8Array.of(PREFIX.tip);

function prefixed(prefix: number, bytes: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + bytes.length);
  key[0] = prefix;
  key.set(bytes, 1);
  return key;
}

export const entryKey = (hash: Uint8Array): Uint8Array => prefixed(PREFIX.entry, hash);
export const bodyKey = (hash: Uint8Array): Uint8Array => prefixed(PREFIX.body, hash);
export const undoKey = (hash: Uint8Array): Uint8Array => prefixed(PREFIX.undo, hash);
export const txKey = (txid: Uint8Array): Uint8Array => prefixed(PREFIX.tx, txid);
export const mempoolKey = (txid: Uint8Array): Uint8Array => prefixed(PREFIX.mempool, txid);
export const returningKey = (hash: Uint8Array): Uint8Array => prefixed(PREFIX.returning, hash);

export const sumKey = (shard: number): Uint8Array => Uint8Array.of(PREFIX.sum, shard);

export function heightKey(height: number): Uint8Array {
  const key = new Uint8Array(5);
  key[0] = PREFIX.height;
  writeU32BE(key, 1, height);
  return key;
}

/** From `outpointKey`'s 36 characters: txid ‖ index, as on the wire. */
export function coinKey(outpoint: string): Uint8Array {
  const key = new Uint8Array(1 + outpoint.length);
  key[0] = PREFIX.coin;
  for (let i = 0; i < outpoint.length; i++) key[i + 1] = outpoint.charCodeAt(i);
  return key;
}

/** The outpoint of a coin row: for those who scan all coins. */
export function outpointOfCoinKey(key: Uint8Array): { txid: Uint8Array; index: number } {
  return { txid: key.slice(1, 33), index: readU32LE(key, 33) };
}

export function encodeMeta(genesisHash: Uint8Array): Uint8Array {
  const value = new Uint8Array(36);
  writeU32LE(value, 0, FORMAT_VERSION);
  value.set(genesisHash, 4);
  return value;
}

export function decodeMeta(value: Uint8Array): { version: number; genesisHash: Uint8Array } | undefined {
  return value.length === 36 ? { version: readU32LE(value, 0), genesisHash: value.slice(4) } : undefined;
}

const TWO32 = 0x1_0000_0000;

function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32LE(bytes, at, value % TWO32);
  writeU32LE(bytes, at + 4, Math.floor(value / TWO32));
}

function readU64(bytes: Uint8Array, at: number): number {
  return readU32LE(bytes, at) + readU32LE(bytes, at + 4) * TWO32;
}

/** What is stored of a block index entry; work and median time are sums over ancestors, made again at opening. */
export interface EntryRecord {
  readonly header: Header;
  readonly height: number;
  /** 0 until the body is here, as `size`. */
  readonly txs: number;
  readonly size: number;
  readonly hasBody: boolean;
  readonly arrival: number | undefined;
  /** It was part of an active chain, or of a valid beginning of one, at least once. Core: BLOCK_VALID_SCRIPTS. */
  readonly connectedOnce: boolean;
  /** Own condemnation only: a condemned ancestor's is found by walking. */
  readonly condemned: RuleName | undefined;
  readonly miner: string;
}

const HAS_BODY = 1;
const HAS_ARRIVAL = 2;
const CONNECTED_ONCE = 4;
const FLAGS_AT = 20;
const HEADER_AT = 21;
const TEXT_AT = HEADER_AT + HEADER_SIZE;

/** Height u32 ‖ txs u32 ‖ size u32 ‖ arrival u64 ‖ flags u8 ‖ header ‖ miner's length u8 ‖ miner ‖ rule. */
const NO_TEXT = new Uint8Array();

export function encodeEntry(entry: EntryRecord): Uint8Array {
  // Mostly neither: a header whose body is not here.
  const miner = entry.miner === '' ? NO_TEXT : utf8Encode(entry.miner);
  const rule = entry.condemned === undefined ? NO_TEXT : utf8Encode(entry.condemned);
  const value = new Uint8Array(TEXT_AT + 1 + miner.length + rule.length);
  writeU32LE(value, 0, entry.height);
  writeU32LE(value, 4, entry.txs);
  writeU32LE(value, 8, entry.size);
  writeU64(value, 12, entry.arrival ?? 0);
  value[FLAGS_AT] =
    (entry.hasBody ? HAS_BODY : 0) +
    (entry.arrival !== undefined ? HAS_ARRIVAL : 0) +
    (entry.connectedOnce ? CONNECTED_ONCE : 0);
  writeHeader(entry.header, value, HEADER_AT);
  value[TEXT_AT] = miner.length;
  value.set(miner, TEXT_AT + 1);
  value.set(rule, TEXT_AT + 1 + miner.length);
  return value;
}

/** `undefined` for bytes that `encodeEntry` does not make. */
export function decodeEntry(value: Uint8Array): EntryRecord | undefined {
  if (value.length <= TEXT_AT) return undefined;
  const header = decodeHeader(value.slice(HEADER_AT, TEXT_AT));
  const flags = value[FLAGS_AT]!;
  const minerEnd = TEXT_AT + 1 + value[TEXT_AT]!;
  if (!header.ok || flags > 7 || value.length < minerEnd) return undefined;
  const miner = utf8Decode(value.subarray(TEXT_AT + 1, minerEnd));
  const rule = utf8Decode(value.subarray(minerEnd));
  const arrival = readU64(value, 12);
  if (miner === undefined || rule === undefined || !Number.isSafeInteger(arrival)) return undefined;
  if (rule !== '' && !isRuleName(rule)) return undefined;
  return {
    header: header.value,
    height: readU32LE(value, 0),
    txs: readU32LE(value, 4),
    size: readU32LE(value, 8),
    hasBody: (flags & HAS_BODY) !== 0,
    arrival: (flags & HAS_ARRIVAL) !== 0 ? arrival : undefined,
    connectedOnce: (flags & CONNECTED_ONCE) !== 0,
    condemned: rule === '' ? undefined : rule,
    miner,
  };
}

const COIN_HEAD = 12;

function writeCoin(bytes: Uint8Array, at: number, coin: Coin): void {
  writeU32LE(bytes, at, coin.height * 2 + (coin.coinbase ? 1 : 0));
  writeU64(bytes, at + 4, coin.value);
}

function readCoin(bytes: Uint8Array, at: number, script: Uint8Array): Coin {
  const code = readU32LE(bytes, at);
  return { value: readU64(bytes, at + 4), script, height: code >>> 1, coinbase: (code & 1) === 1 };
}

/** Height·2 + coinbase u32 ‖ value u64 ‖ script. */
export function encodeCoin(coin: Coin): Uint8Array {
  const value = new Uint8Array(COIN_HEAD + coin.script.length);
  writeCoin(value, 0, coin);
  value.set(coin.script, COIN_HEAD);
  return value;
}

/** The coin's script is a view of `value`, which must not change afterwards. */
export function decodeCoin(value: Uint8Array): Coin | undefined {
  return value.length <= COIN_HEAD ? undefined : readCoin(value, 0, value.subarray(COIN_HEAD));
}

/** Each coin as in `encodeCoin`, with its script's length u8 before the script (no spendable lock is longer). */
export function encodeUndo(coins: readonly Coin[]): Uint8Array {
  let size = 0;
  for (const coin of coins) size += COIN_HEAD + 1 + coin.script.length;
  const value = new Uint8Array(size);
  let at = 0;
  for (const coin of coins) {
    writeCoin(value, at, coin);
    value[at + COIN_HEAD] = coin.script.length;
    value.set(coin.script, at + COIN_HEAD + 1);
    at += COIN_HEAD + 1 + coin.script.length;
  }
  return value;
}

export function decodeUndo(value: Uint8Array): Coin[] | undefined {
  const coins: Coin[] = [];
  for (let at = 0; at < value.length; ) {
    const scriptAt = at + COIN_HEAD + 1;
    const end = scriptAt + (value[at + COIN_HEAD] ?? 0);
    if (end > value.length || end <= scriptAt) return undefined;
    coins.push(readCoin(value, at, value.subarray(scriptAt, end)));
    at = end;
  }
  return coins;
}

export function encodeTxPlace(blockHash: Uint8Array, position: number): Uint8Array {
  const value = new Uint8Array(36);
  value.set(blockHash);
  writeU32LE(value, 32, position);
  return value;
}

export function decodeTxPlace(value: Uint8Array): { blockHash: Uint8Array; position: number } | undefined {
  return value.length === 36 ? { blockHash: value.slice(0, 32), position: readU32LE(value, 32) } : undefined;
}
