import { coinbaseHeightPrefix } from '../../bitcoin/lock.ts';
import type { Tx } from '../../bitcoin/tx.ts';
import { utf8Decode, writeU32LE } from '../../util/bytes.ts';

/** Longest tag that fits: the scriptSig may have 100 bytes, and 5 + 9 of them are height and extra nonce. */
export const MAX_TAG = 32;
const TAG = /^\/([ -.0-~]{1,32})\/$/;
const EXTRA_NONCE_BYTES = 8;

/**
 * The scriptSig of a coinbase of ours: push of the height (BIP34) ‖ push of the extra nonce, 8 bytes ‖ push of "/tag/".
 * `tag`: 1 to 32 printable ASCII characters but '/'.
 */
export function coinbaseScript(height: number, extraNonce: number, tag: string): Uint8Array {
  const framed = `/${tag}/`;
  if (!TAG.test(framed)) throw new RangeError(`"${tag}" cannot be a miner's tag`);
  const prefix = coinbaseHeightPrefix(height);
  const nonceAt = prefix.length;
  const tagAt = nonceAt + 1 + EXTRA_NONCE_BYTES;
  // In one piece: a miner makes one for every job.
  const script = new Uint8Array(tagAt + 1 + framed.length);
  script.set(prefix);
  script[nonceAt] = EXTRA_NONCE_BYTES;
  writeU32LE(script, nonceAt + 1, extraNonce % 0x1_0000_0000);
  writeU32LE(script, nonceAt + 5, Math.floor(extraNonce / 0x1_0000_0000));
  script[tagAt] = framed.length;
  for (let i = 0; i < framed.length; i++) script[tagAt + 1 + i] = framed.charCodeAt(i);
  return script;
}

/** The tag that a miner of ours wrote into its coinbase, '' for any other script. It proves nothing: anyone may write it. */
export function minerTag(coinbase: Tx): string {
  const script = coinbase.inputs[0]?.script ?? new Uint8Array(0);
  const first = script[0] ?? 0;
  // OP_0 and OP_1 … OP_16 are pushes of one byte; a longer height carries its length.
  const nonceAt = first >= 1 && first <= 75 ? 1 + first : 1;
  const tagAt = nonceAt + 1 + EXTRA_NONCE_BYTES;
  if (script[nonceAt] !== EXTRA_NONCE_BYTES || script[tagAt] !== script.length - tagAt - 1) return '';
  return TAG.exec(utf8Decode(script.subarray(tagAt + 1)) ?? '')?.[1] ?? '';
}
