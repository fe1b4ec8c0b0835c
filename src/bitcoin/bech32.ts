import { err, ok, type Result } from '../util/result.ts';

/** The text form of segwit addresses: bech32 (BIP173) and bech32m (BIP350), which differ in one constant. */
export type Bech32Variant = 'bech32' | 'bech32m';

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CONSTANT: Readonly<Record<Bech32Variant, number>> = { bech32: 1, bech32m: 0x2bc830a3 };

/** BIP173: longer than this, the checksum no longer finds every 4 errors. */
const MAX_BECH32 = 90;

function polymod(values: readonly number[]): number {
  let c = 1;
  for (const v of values) {
    const top = c >>> 25;
    c = ((c & 0x1ff_ffff) << 5) ^ v;
    for (let i = 0; i < 5; i++) if ((top >>> i) & 1) c ^= GENERATOR[i]!;
  }
  return c;
}

function expand(prefix: string): number[] {
  const codes = Array.from(prefix, (c) => c.charCodeAt(0));
  return [...codes.map((c) => c >>> 5), 0, ...codes.map((c) => c & 31)];
}

/** `words` are 5-bit numbers; the result is lower case. */
export function encodeBech32(prefix: string, words: readonly number[], variant: Bech32Variant): string {
  const sum = polymod([...expand(prefix), ...words, 0, 0, 0, 0, 0, 0]) ^ CONSTANT[variant];
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31);
  return prefix + '1' + [...words, ...check].map((w) => ALPHABET[w]).join('');
}

/** Prefix in lower case, 5-bit words without the checksum, and which of the two checksums it has. */
export function decodeBech32(
  text: string,
): Result<
  { readonly prefix: string; readonly words: readonly number[]; readonly variant: Bech32Variant },
  string
> {
  if (text.length > MAX_BECH32) return err('too long');
  for (const c of text) {
    const code = c.charCodeAt(0);
    if (c.length > 1 || code < 33 || code > 126) return err('a character outside printable ASCII');
  }
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase())
    return err('mixed case: write it all lower or all upper case');
  const at = lower.lastIndexOf('1');
  if (at < 0) return err('no "1" between prefix and data');
  if (at === 0) return err('nothing before the "1"');
  if (lower.length - at - 1 < 6) return err('too short');
  const prefix = lower.slice(0, at);
  const words: number[] = [];
  for (const c of lower.slice(at + 1)) {
    const word = ALPHABET.indexOf(c);
    if (word < 0) return err(`"${c}" is not a bech32 character`);
    words.push(word);
  }
  const sum = polymod([...expand(prefix), ...words]);
  const variant = sum === CONSTANT.bech32 ? 'bech32' : sum === CONSTANT.bech32m ? 'bech32m' : undefined;
  if (variant === undefined) return err('bad checksum: a character is wrong or missing');
  return ok({ prefix, words: words.slice(0, -6), variant });
}

/** Bytes to 5-bit words, zero bits at the end. */
export function toWords(bytes: Uint8Array): number[] {
  const words: number[] = [];
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) words.push((value >>> (bits - 5)) & 31);
  }
  if (bits > 0) words.push((value << (5 - bits)) & 31);
  return words;
}

/** 5-bit words to bytes; `undefined` unless the bits left over are fewer than 5 and all zero: one text for one thing. */
export function fromWords(words: readonly number[]): Uint8Array | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const word of words) {
    value = ((value << 5) | word) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >>> bits) & 255);
    }
  }
  if (bits >= 5 || (value & ((1 << bits) - 1)) !== 0) return undefined;
  return Uint8Array.from(bytes);
}
