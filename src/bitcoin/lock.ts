import { assert, unreachable } from '../util/assert.ts';
import { concat, toHex } from '../util/bytes.ts';

/**
 * The locks (scriptPubKeys) that an output may have here. No Script interpreter is needed: each is one byte pattern.
 * `p2wpkh` hash160 of a compressed key (BIP141); `p2tr` an x-only output key (BIP341); `data` OP_RETURN and one push
 * of 1–80 bytes, which nobody can spend.
 */
export type Lock =
  | { readonly kind: 'p2wpkh'; readonly hash: Uint8Array }
  | { readonly kind: 'p2tr'; readonly key: Uint8Array }
  | { readonly kind: 'data'; readonly data: Uint8Array };

/** The locks that have an address and can be spent. */
export type SpendLock = Exclude<Lock, { kind: 'data' }>;

/** Core's default `-datacarriersize` is 83 bytes of script: 80 of data. */
const MAX_DATA = 80;

const OP_0 = 0x00;
const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA2 = 0x4d;
const OP_PUSHDATA4 = 0x4e;
const OP_1NEGATE = 0x4f;
const OP_1 = 0x51;
const OP_16 = 0x60;
const OP_RETURN = 0x6a;

/** One push by the shortest opcode for these bytes. Core: `CheckMinimalPush` says which that is. */
export function pushData(data: Uint8Array): Uint8Array {
  const n = data.length;
  if (n === 0) return Uint8Array.of(OP_0);
  if (n === 1 && data[0]! >= 1 && data[0]! <= 16) return Uint8Array.of(OP_1 - 1 + data[0]!);
  if (n === 1 && data[0] === 0x81) return Uint8Array.of(OP_1NEGATE);
  if (n < OP_PUSHDATA1) return concat(Uint8Array.of(n), data);
  if (n <= 0xff) return concat(Uint8Array.of(OP_PUSHDATA1, n), data);
  assert(n <= 0xffff, 'a push has at most 65,535 bytes');
  return concat(Uint8Array.of(OP_PUSHDATA2, n & 255, n >>> 8), data);
}

/** The data of a script that is OP_RETURN and one minimal push of 1–80 bytes. */
function parseData(script: Uint8Array): Uint8Array | undefined {
  const op = script[1];
  if (op === undefined) return undefined;
  if (script.length === 2) {
    if (op >= OP_1 && op <= OP_16) return Uint8Array.of(op - OP_1 + 1);
    return op === OP_1NEGATE ? Uint8Array.of(0x81) : undefined;
  }
  const from = op === OP_PUSHDATA1 ? 3 : 2;
  const n = op === OP_PUSHDATA1 ? script[2]! : op;
  if (n > MAX_DATA || (from === 2 && op >= OP_PUSHDATA1) || script.length !== from + n) return undefined;
  const data = script.subarray(from);
  if (from === 3) return n >= OP_PUSHDATA1 ? data : undefined; // shorter ones have a direct push
  if (n === 1 && ((data[0]! >= 1 && data[0]! <= 16) || data[0] === 0x81)) return undefined; // has an opcode of its own
  return data;
}

/** The lock that a script is, or `undefined` for every script that this chain does not allow. */
export function parseLock(script: Uint8Array): Lock | undefined {
  const first = script[0];
  if (first === OP_0) {
    if (script.length !== 22 || script[1] !== 20) return undefined;
    return { kind: 'p2wpkh', hash: script.subarray(2) };
  }
  if (first === OP_1) {
    if (script.length !== 34 || script[1] !== 32) return undefined;
    return { kind: 'p2tr', key: script.subarray(2) };
  }
  if (first !== OP_RETURN) return undefined;
  const data = parseData(script);
  return data === undefined ? undefined : { kind: 'data', data };
}

/** The script of a lock: the inverse of {@link parseLock}. */
export function lockScript(lock: Lock): Uint8Array {
  switch (lock.kind) {
    case 'p2wpkh':
      assert(lock.hash.length === 20, 'a P2WPKH hash is 20 bytes');
      return concat(Uint8Array.of(OP_0, 20), lock.hash);
    case 'p2tr':
      assert(lock.key.length === 32, 'a P2TR key is 32 bytes');
      return concat(Uint8Array.of(OP_1, 32), lock.key);
    case 'data':
      assert(lock.data.length >= 1 && lock.data.length <= MAX_DATA, 'a data lock has 1–80 bytes');
      return concat(Uint8Array.of(OP_RETURN), pushData(lock.data));
    default:
      return unreachable(lock);
  }
}

/** Starts with OP_RETURN: such an output never becomes a coin. Core: `CScript::IsUnspendable`. */
export function isUnspendable(script: Uint8Array): boolean {
  return script[0] === OP_RETURN;
}

/** What a coinbase's scriptSig must begin with: the height as a minimal script number (BIP34; OP_1 … OP_16 up to 16). */
export function coinbaseHeightPrefix(height: number): Uint8Array {
  assert(
    Number.isSafeInteger(height) && height >= 0 && height < 0x8000_0000,
    'a height is a small natural number',
  );
  const number: number[] = [];
  for (let rest = height; rest > 0; rest = Math.floor(rest / 256)) number.push(rest % 256);
  if ((number.at(-1) ?? 0) >= 0x80) number.push(0); // the top bit is the sign
  return pushData(Uint8Array.from(number));
}

/** Script numbers of up to 4 bytes: little endian, the top bit a sign. Core: `CScriptNum`. */
function scriptNumber(data: Uint8Array): string {
  let value = 0;
  for (let i = data.length - 1; i >= 0; i--) value = value * 256 + data[i]!;
  const sign = 0x80 * 256 ** (data.length - 1);
  return data.length > 0 && value >= sign ? String(sign - value || 0) : String(value);
}

/** A script in words, as Core's RPC shows it: pushes of up to 4 bytes as numbers, others as hex. Core: `ScriptToAsmStr`. */
export function scriptAsm(script: Uint8Array): string {
  const words: string[] = [];
  let at = 0;
  while (at < script.length) {
    const op = script[at++]!;
    if (op > OP_PUSHDATA4) {
      words.push(opcodeName(op));
      continue;
    }
    const lengthBytes = op < OP_PUSHDATA1 ? 0 : op === OP_PUSHDATA1 ? 1 : op === OP_PUSHDATA2 ? 2 : 4;
    let n = op < OP_PUSHDATA1 ? op : 0;
    for (let i = lengthBytes - 1; i >= 0; i--) n = n * 256 + (script[at + i] ?? 0);
    at += lengthBytes;
    if (at + n > script.length) {
      words.push('[error]');
      break;
    }
    const data = script.subarray(at, at + n);
    words.push(n <= 4 ? scriptNumber(data) : toHex(data));
    at += n;
  }
  return words.join(' ');
}

/** The names of Script's opcodes above the pushes, in order from 0x4f, as Core's `GetOpName` has them. */
// biome-ignore format: a table, by Core's groups
const OPCODE_NAMES: readonly string[] = [
  '-1', 'OP_RESERVED',
  '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16',
  'OP_NOP', 'OP_VER', 'OP_IF', 'OP_NOTIF', 'OP_VERIF', 'OP_VERNOTIF', 'OP_ELSE', 'OP_ENDIF', 'OP_VERIFY', 'OP_RETURN',
  'OP_TOALTSTACK', 'OP_FROMALTSTACK', 'OP_2DROP', 'OP_2DUP', 'OP_3DUP', 'OP_2OVER', 'OP_2ROT', 'OP_2SWAP', 'OP_IFDUP',
  'OP_DEPTH', 'OP_DROP', 'OP_DUP', 'OP_NIP', 'OP_OVER', 'OP_PICK', 'OP_ROLL', 'OP_ROT', 'OP_SWAP', 'OP_TUCK',
  'OP_CAT', 'OP_SUBSTR', 'OP_LEFT', 'OP_RIGHT', 'OP_SIZE', 'OP_INVERT', 'OP_AND', 'OP_OR', 'OP_XOR', 'OP_EQUAL',
  'OP_EQUALVERIFY', 'OP_RESERVED1', 'OP_RESERVED2',
  'OP_1ADD', 'OP_1SUB', 'OP_2MUL', 'OP_2DIV', 'OP_NEGATE', 'OP_ABS', 'OP_NOT', 'OP_0NOTEQUAL', 'OP_ADD', 'OP_SUB',
  'OP_MUL', 'OP_DIV', 'OP_MOD', 'OP_LSHIFT', 'OP_RSHIFT', 'OP_BOOLAND', 'OP_BOOLOR', 'OP_NUMEQUAL',
  'OP_NUMEQUALVERIFY', 'OP_NUMNOTEQUAL', 'OP_LESSTHAN', 'OP_GREATERTHAN', 'OP_LESSTHANOREQUAL',
  'OP_GREATERTHANOREQUAL', 'OP_MIN', 'OP_MAX', 'OP_WITHIN',
  'OP_RIPEMD160', 'OP_SHA1', 'OP_SHA256', 'OP_HASH160', 'OP_HASH256', 'OP_CODESEPARATOR', 'OP_CHECKSIG',
  'OP_CHECKSIGVERIFY', 'OP_CHECKMULTISIG', 'OP_CHECKMULTISIGVERIFY',
  'OP_NOP1', 'OP_CHECKLOCKTIMEVERIFY', 'OP_CHECKSEQUENCEVERIFY', 'OP_NOP4', 'OP_NOP5', 'OP_NOP6', 'OP_NOP7',
  'OP_NOP8', 'OP_NOP9', 'OP_NOP10', 'OP_CHECKSIGADD',
];

const FIRST_NAMED = 0x4f;

function opcodeName(op: number): string {
  if (op === 0xff) return 'OP_INVALIDOPCODE';
  return OPCODE_NAMES[op - FIRST_NAMED] ?? 'OP_UNKNOWN';
}
