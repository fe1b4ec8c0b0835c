import { hash160 } from '../../bitcoin/hash.ts';
import { lockScript } from '../../bitcoin/lock.ts';
import { tweakedKey } from '../../bitcoin/secp.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import { fromHex } from '../../util/bytes.ts';
import { descriptorChecksum } from './descriptor-checksum.ts';
import { addressScript } from './script.ts';

export interface ScanTarget {
  /** With checksum, as Core answers it. */
  readonly desc: string;
  readonly script: Uint8Array;
}

/**
 * The script that an output descriptor (BIP380) stands for, as far as our locks go: addr, raw, wpkh, tr, rawtr, all with
 * plain keys. A refusal says which part is wrong.
 */
export function scanTarget(text: string, hrp: string): ScanTarget {
  const [body, sum, ...more] = text.split('#');
  const expected = descriptorChecksum(body ?? '');
  if (body === undefined || expected === undefined || more.length > 0)
    throw refusal(text, 'it has characters that no descriptor has');
  if (sum !== undefined && sum !== expected)
    throw refusal(text, `its checksum '${sum}' does not match, expected '${expected}'`);
  const match = /^([a-z]+)\((.*)\)$/.exec(body);
  if (match === null) throw refusal(text, 'a descriptor looks like addr(ADDRESS), raw(HEX) or wpkh(KEY)');
  const [, kind, inner = ''] = match;
  const desc = `${body}#${expected}`;
  switch (kind) {
    case 'addr':
      return { desc, script: addressScript(inner, hrp) };
    case 'raw': {
      const script = fromHex(inner);
      if (script === undefined) throw refusal(text, 'raw() takes a script in hex');
      return { desc, script };
    }
    case 'wpkh':
      return { desc, script: lockScript({ kind: 'p2wpkh', hash: hash160(compressedKey(text, inner)) }) };
    case 'rawtr':
      return { desc, script: lockScript({ kind: 'p2tr', key: xOnlyKey(text, inner) }) };
    case 'tr': {
      const key = tweakedKey(xOnlyKey(text, inner));
      if (key === undefined) throw refusal(text, 'tr() takes the x coordinate of a point on the curve');
      return { desc, script: lockScript({ kind: 'p2tr', key }) };
    }
    default:
      throw refusal(text, `${kind}() is not known here; use addr(), raw(), wpkh(), tr() or rawtr()`);
  }
}

function xOnlyKey(text: string, inner: string): Uint8Array {
  const key = fromHex(inner);
  if (key === undefined || key.length !== 32)
    throw refusal(text, 'tr() and rawtr() take a key of 32 bytes in hex');
  return key;
}

function compressedKey(text: string, inner: string): Uint8Array {
  const key = fromHex(inner);
  if (key === undefined || key.length !== 33 || (key[0] !== 2 && key[0] !== 3))
    throw refusal(text, 'wpkh() takes a compressed public key, 33 bytes in hex');
  return key;
}

function refusal(text: string, why: string): RpcError {
  return new RpcError(RPC.INVALID_ADDRESS_OR_KEY, `Invalid descriptor '${text.slice(0, 120)}': ${why}`);
}
