/** Bytes to text and back. Everything here is total on any bytes; the decoders of text answer `undefined`. */

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => (i < 16 ? '0' : '') + i.toString(16));

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let s = '';
  for (let i = 0; i < bytes.length; i++) s += HEX[bytes[i]!];
  return s;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  if (code >= 65 && code <= 70) return code - 55;
  return -1;
}

/** Hex in either case, an even number of digits and nothing else; otherwise `undefined`. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = hexDigit(text.charCodeAt(2 * i));
    const low = hexDigit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    out[i] = high * 16 + low;
  }
  return out;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Same length and bytes. Not constant time: for hashes and keys that are public. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic, a prefix first: negative, zero or positive. A total order, fit for `sort`. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = a[i]! - b[i]!;
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

/** These bytes apart from any larger array: themselves where they are alone in memory, else a copy. Not to be changed. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** A reversed copy. */
export function reversed(bytes: Uint8Array): Uint8Array {
  return bytes.slice().reverse();
}

/** How many arguments one `fromCharCode` call gets: far below every engine's limit on arguments. */
const CHUNK = 1024;

/** One character a byte (Latin-1): a compact `Map` key, since typed arrays compare by identity. */
export function keyOf(bytes: Uint8Array): string {
  const apply = String.fromCharCode.apply as (self: null, codes: ArrayLike<number>) => string;
  if (bytes.length <= CHUNK) return apply.call(String.fromCharCode, null, bytes);
  let s = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    s += apply.call(String.fromCharCode, null, bytes.subarray(at, at + CHUNK));
  }
  return s;
}

/** UTF-8. A lone surrogate becomes U+FFFD, as in the Encoding Standard. */
export function utf8Encode(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (c >= 0xd800 && c <= 0xdfff) {
      const next = c < 0xdc00 ? text.charCodeAt(i + 1) : Number.NaN;
      if (next >= 0xdc00 && next <= 0xdfff) {
        c = 0x10000 + (c - 0xd800) * 0x400 + (next - 0xdc00);
        i++;
      } else {
        c = 0xfffd;
      }
    }
    if (c < 0x80) {
      out[n++] = c;
    } else if (c < 0x800) {
      out[n++] = 0xc0 | (c >> 6);
      out[n++] = 0x80 | (c & 63);
    } else if (c < 0x10000) {
      out[n++] = 0xe0 | (c >> 12);
      out[n++] = 0x80 | ((c >> 6) & 63);
      out[n++] = 0x80 | (c & 63);
    } else {
      out[n++] = 0xf0 | (c >> 18);
      out[n++] = 0x80 | ((c >> 12) & 63);
      out[n++] = 0x80 | ((c >> 6) & 63);
      out[n++] = 0x80 | (c & 63);
    }
  }
  return out.slice(0, n);
}

/** Strict UTF-8 (RFC 3629): overlong forms, surrogates, code points above 10FFFF and cut sequences give `undefined`. */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  const parts: string[] = [];
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i++]!;
    if (lead < 0x80) {
      parts.push(String.fromCharCode(lead));
      continue;
    }
    const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || i + more > bytes.length) return undefined;
    let c = lead & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const b = bytes[i++]!;
      if ((b & 0xc0) !== 0x80) return undefined;
      c = c * 64 + (b & 63);
    }
    const least = more === 3 ? 0x10000 : more === 2 ? 0x800 : 0x80;
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return undefined;
    parts.push(String.fromCodePoint(c));
  }
  return parts.join('');
}

export function readU32LE(b: Uint8Array, at: number): number {
  return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;
}

export function writeU32LE(b: Uint8Array, at: number, value: number): void {
  b[at] = value;
  b[at + 1] = value >>> 8;
  b[at + 2] = value >>> 16;
  b[at + 3] = value >>> 24;
}

export function readU32BE(b: Uint8Array, at: number): number {
  return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
}

export function writeU32BE(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 24;
  b[at + 1] = value >>> 16;
  b[at + 2] = value >>> 8;
  b[at + 3] = value;
}

/** Character codes of 0 … f. */
const DIGITS = Uint8Array.from({ length: 16 }, (_, i) => i.toString(16).charCodeAt(0));

/**
 * A hash as Bitcoin displays it: its 32 bytes reversed, in hex. Core: `uint256::GetHex`. Made in one piece: a text that is
 * added up is kept as a tree of its parts, a kilobyte for each of the ids that a chain holds.
 */
export function idOf(hash: Uint8Array): string {
  const codes = new Uint8Array(2 * hash.length);
  for (let i = hash.length - 1, at = 0; i >= 0; i--) {
    codes[at++] = DIGITS[hash[i]! >>> 4]!;
    codes[at++] = DIGITS[hash[i]! & 15]!;
  }
  return keyOf(codes);
}

/** The 32 bytes behind a displayed id; `undefined` unless it is exactly 64 hex digits. */
export function hashOfId(id: string): Uint8Array | undefined {
  return id.length === 64 ? fromHex(id)?.reverse() : undefined;
}
