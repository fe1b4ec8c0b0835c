import { concat, equal } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';
import { sha256d } from './hash.ts';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Longest text that is looked at: conversion is quadratic, and a key has 52 characters. */
const MAX_TEXT = 128;

/** Base58 with four bytes of SHA-256d as checksum. Core: `EncodeBase58Check`. */
export function encodeBase58Check(payload: Uint8Array): string {
  const bytes = concat(payload, sha256d(payload).subarray(0, 4));
  const digits: number[] = []; // least significant first
  for (const byte of bytes) {
    let carry = byte;
    for (let i = 0; i < digits.length; i++) {
      carry += digits[i]! * 256;
      digits[i] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  let text = '';
  for (let i = 0; i < bytes.length && bytes[i] === 0; i++) text += ALPHABET[0];
  for (let i = digits.length - 1; i >= 0; i--) text += ALPHABET[digits[i]!];
  return text;
}

/** The payload without its checksum. */
export function decodeBase58Check(text: string): Result<Uint8Array, string> {
  if (text.length > MAX_TEXT) return err('too long');
  const bytes: number[] = []; // least significant first
  for (const c of text) {
    let carry = ALPHABET.indexOf(c);
    if (carry < 0) return err(`"${c}" is not a base58 character`);
    for (let i = 0; i < bytes.length; i++) {
      carry += bytes[i]! * 58;
      bytes[i] = carry % 256;
      carry = Math.floor(carry / 256);
    }
    for (; carry > 0; carry = Math.floor(carry / 256)) bytes.push(carry % 256);
  }
  for (let i = 0; i < text.length && text[i] === ALPHABET[0]; i++) bytes.push(0);
  const all = Uint8Array.from(bytes.reverse());
  if (all.length < 4) return err('too short');
  const payload = all.subarray(0, -4);
  if (!equal(sha256d(payload).subarray(0, 4), all.subarray(-4))) return err('bad checksum');
  return ok(payload);
}
