import { decodeTx, outpointKey, type Tx } from '../../src/bitcoin/tx.ts';
import type { LockKind } from '../../src/wallet/keys.ts';
import { Key } from '../../src/wallet/keys.ts';
import type { Spendable } from '../../src/wallet/select.ts';

/** Secrets 1, 2, 3 …: small enough to see, valid as any. */
export function key(n: number): Key {
  return new Key(new Uint8Array(32).with(31, n));
}

let made = 0;

/** A coin that nobody else has, locked to `owner`. */
export function coin(value: number, owner: Key, kind: LockKind = 'p2wpkh'): Spendable {
  made++;
  const txid = new Uint8Array(32).fill(0xcc);
  txid[0] = made & 255;
  txid[1] = made >> 8;
  return { outpoint: { txid, index: made % 3 }, value, script: owner.script(kind) };
}

export function sum(list: readonly { readonly value: number }[]): number {
  return list.reduce((total, { value }) => total + value, 0);
}

export function keysOf(list: readonly Spendable[]): string[] {
  return list.map(({ outpoint }) => outpointKey(outpoint));
}

export function reread(tx: Tx): Tx {
  const result = decodeTx(tx.bytes);
  if (!result.ok) throw new Error(result.error.what);
  return result.value;
}
