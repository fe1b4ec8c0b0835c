import { type Block, makeBlock } from '../../bitcoin/block.ts';
import { buildCoinbase, headerOver } from '../../bitcoin/coinbase.ts';
import { hash160 } from '../../bitcoin/hash.ts';
import { lockScript, pushData } from '../../bitcoin/lock.ts';
import { publicKey, secretOfText } from '../../bitcoin/secp.ts';
import type { TxOut } from '../../bitcoin/tx.ts';
import { concat, utf8Encode } from '../../util/bytes.ts';

/** The ten well-known people, each with the same key on every yard. Worthless, and printed as such. */
export const WELL_KNOWN = [
  'alice',
  'bob',
  'carol',
  'dave',
  'erin',
  'frank',
  'grace',
  'heidi',
  'ivan',
  'judy',
] as const;
export type WellKnown = (typeof WELL_KNOWN)[number];

/** The secret key, 32 bytes, of a well-known name: anybody can compute it, which is the point. */
export function wellKnownSecret(name: WellKnown): Uint8Array {
  return secretOfText('forkyard well-known key: ' + name);
}

/** Each takes a multiplication on the curve, and every network pays all ten. */
const scripts = new Map<WellKnown, Uint8Array>();

/** The P2WPKH script that pays a well-known name. */
export function wellKnownScript(name: WellKnown): Uint8Array {
  let script = scripts.get(name);
  if (script === undefined) {
    script = lockScript({ kind: 'p2wpkh', hash: hash160(publicKey(wellKnownSecret(name))) });
    scripts.set(name, script);
  }
  return script;
}

export interface GenesisOptions {
  readonly version: number;
  readonly timeS: number;
  readonly bits: number;
  /** In the coinbase scriptSig: what makes one yard's genesis differ from another's. At most 75 bytes of UTF-8. */
  readonly message: string;
  readonly outputs: readonly TxOut[];
}

/** OP_0, where BIP34 has the height in later blocks. */
const HEIGHT_ZERO = Uint8Array.of(0x00);

/**
 * A yard's first block. It is agreed, not mined: its nonce is 0 and nobody checks its proof of work, as nobody checks
 * Bitcoin's. Its coinbase gives away the allocations and claims no subsidy.
 */
export function buildGenesis(options: GenesisOptions): Block {
  const { version, bits, outputs, timeS: time } = options;
  const script = concat(HEIGHT_ZERO, pushData(utf8Encode(options.message)));
  const txs = [buildCoinbase({ script, outputs, commitment: undefined })];
  return makeBlock(headerOver(txs, { version, prev: new Uint8Array(32), time, bits }), txs);
}
