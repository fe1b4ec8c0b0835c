import { bech32, bech32m } from '@scure/base';
import { assert } from '../util/assert.ts';
import { concat } from '../util/bytes.ts';
import { err, ok, type Result } from '../util/result.ts';
import { decodeBase58Check, decodeBech32, encodeBase58Check } from './checked-text.ts';
import type { Lock, SpendLock } from './lock.ts';
import { isScalar } from './signature.ts';

/** Prefixes that people paste by mistake, to name the network they come from. */
const FOREIGN: Readonly<Record<string, string>> = {
  bc: "Bitcoin's main network",
  tb: "Bitcoin's test network or signet",
  bcrt: "Bitcoin's regtest",
  ltc: 'Litecoin',
};

/** The address of a lock, lower case; a data lock has none. `hrp` is the network's prefix. */
export function encodeAddress(lock: SpendLock, hrp: string): string;
export function encodeAddress(lock: Lock, hrp: string): string | undefined;
export function encodeAddress(lock: Lock, hrp: string): string | undefined {
  if (lock.kind === 'p2wpkh') return bech32.encode(hrp, [0, ...bech32.toWords(lock.hash)]);
  if (lock.kind === 'p2tr') return bech32m.encode(hrp, [1, ...bech32m.toWords(lock.key)]);
  return undefined;
}

/** An address of the network with prefix `hrp` to its lock; the error says what is wrong with it, in a few words. */
export function decodeAddress(text: string, hrp: string): Result<SpendLock, string> {
  if (text === '') return err('an address is missing');
  const decoded = decodeBech32(text);
  if (!decoded.ok) {
    if (decodeBase58Check(text).ok) {
      return err(`not a segwit address: this network has addresses that start with "${hrp}1"`);
    }
    const prefix = text.toLowerCase().startsWith(hrp + '1');
    return err(`not an address: ${decoded.error}${prefix ? '' : ` (addresses here start with "${hrp}1")`}`);
  }
  const { prefix, words, variant } = decoded.value;
  if (prefix !== hrp) {
    const known = FOREIGN[prefix];
    const whose = known === undefined ? 'another network' : known;
    return err(`an address of ${whose} (prefix "${prefix}"): this network has prefix "${hrp}"`);
  }
  const version = words[0];
  if (version === undefined) return err('no witness version');
  if (version > 16) return err(`no witness version ${version} exists`);
  const wanted = version === 0 ? 'bech32' : 'bech32m';
  if (variant !== wanted) return err(`${variant} where ${wanted} belongs (witness version ${version})`);
  const program = bech32.fromWordsUnsafe(words.slice(1));
  if (program === undefined) return err('bits left over at the end');
  if (program.length < 2 || program.length > 40) return err(`a program of ${program.length} bytes`);
  if (version === 0 && program.length === 20) return ok({ kind: 'p2wpkh', hash: program });
  if (version === 1 && program.length === 32) return ok({ kind: 'p2tr', key: program });
  if (version === 0 && program.length === 32) return err('P2WSH: this network has P2WPKH and P2TR only');
  if (version <= 1) return err(`a program of ${program.length} bytes for witness version ${version}`);
  return err(`witness version ${version}: this network has versions 0 (P2WPKH) and 1 (P2TR) only`);
}

/** A secret key as text (WIF), always for a compressed public key. `prefix` is the network's byte. */
export function encodeWif(key: Uint8Array, prefix: number): string {
  assert(key.length === 32, 'a secret key is 32 bytes');
  return encodeBase58Check(concat(Uint8Array.of(prefix), key, Uint8Array.of(1)));
}

/** The 32-byte secret key in 1 … n − 1 behind a WIF text of this network. */
export function decodeWif(text: string, prefix: number): Result<Uint8Array, string> {
  const decoded = decodeBase58Check(text);
  if (!decoded.ok) return err(`not a private key (WIF): ${decoded.error}`);
  const bytes = decoded.value;
  if (bytes.length !== 33 && bytes.length !== 34)
    return err(`not a private key (WIF): ${bytes.length} bytes`);
  if (bytes[0] !== prefix) {
    const byte = (n: number) => '0x' + n.toString(16).padStart(2, '0');
    return err(`a private key of another network (prefix ${byte(bytes[0]!)}, here ${byte(prefix)})`);
  }
  if (bytes.length === 33) return err('a key for an uncompressed public key, which segwit does not allow');
  if (bytes[33] !== 1) return err('not a private key (WIF): its last byte must be 1');
  const key = bytes.slice(1, 33);
  return isScalar(key) ? ok(key) : err('not a private key: outside 1 … n − 1');
}
