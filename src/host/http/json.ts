/**
 * JSON as the RPC speaks it. JSON.stringify alone will not do: amounts are numbers with exactly eight decimals
 * (Core: ValueFromAmount), and a binary float would turn 0.00000001 into 1e-8.
 */
export type Json =
  | null
  | boolean
  | number
  | string
  | JsonNumber
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** What JSON.parse gives: the same without our exact numbers. */
export type JsonInput = null | boolean | number | string | JsonInput[] | { [key: string]: JsonInput };
/** An object of JSON, such as named parameters. */
export type JsonObject = { [key: string]: JsonInput };

/** A number whose decimal digits are fixed by its maker and pass through the serializer untouched. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    if (!/^-?\d+(\.\d+)?$/.test(text)) throw new TypeError(`not a plain decimal number: ${text}`);
    this.text = text;
  }
}

const COIN_DECIMALS = 8;

/** Satoshis as a JSON number of coins with eight decimals: 1 → 0.00000001. */
export function coins(sats: number): JsonNumber {
  if (!Number.isSafeInteger(sats)) throw new TypeError(`not a whole number of satoshis: ${sats}`);
  const digits = String(Math.abs(sats)).padStart(COIN_DECIMALS + 1, '0');
  const at = digits.length - COIN_DECIMALS;
  return new JsonNumber(`${sats < 0 ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}`);
}

/** What needs no escape, nearly everything here: ids, hex, addresses. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Members that are undefined are left out, as JSON.stringify does; a non-finite number is a bug and throws. */
export function stringify(value: Json): string {
  if (typeof value === 'string') return quote(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} is not a JSON number`);
    return String(value);
  }
  if (value instanceof JsonNumber) return value.text;
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) text += (text === '' ? '' : ',') + stringify(item);
    return `[${text}]`;
  }
  for (const key of Object.keys(value)) {
    const member = (value as { readonly [key: string]: Json | undefined })[key];
    if (member !== undefined) text += (text === '' ? '' : ',') + quote(key) + ':' + stringify(member);
  }
  return `{${text}}`;
}

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** UniValue's name of a value's type, for messages. */
export function typeName(value: JsonInput): JsonTypeName {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  const type = typeof value;
  return type === 'boolean' ? 'bool' : (type as 'string' | 'number' | 'object');
}
export type JsonTypeName = 'null' | 'array' | 'bool' | 'string' | 'number' | 'object';
