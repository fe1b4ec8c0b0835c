import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAddress, decodeWif } from '../../bitcoin/address.ts';
import { lockScript } from '../../bitcoin/lock.ts';
import { WELL_KNOWN, wellKnownSecret } from '../../consensus/params/genesis.ts';
import type { Params } from '../../consensus/params/params.ts';
import { makeDirectory } from '../../host/directories.ts';
import { writeAtomically } from '../../host/files.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { Key } from '../../wallet/keys.ts';
import { didYouMean, minerKeyName } from '../../yard/names.ts';
import { missing, misuse } from '../../yard/problem.ts';
import { shown } from './check.ts';

/** A key with a name: one of the ten well-known ones, or a file `keys/NAME.json` (mode 0600) in the yard. */
export interface NamedKey {
  readonly name: string;
  readonly key: Key;
  readonly kind: 'well-known' | 'own' | 'miner';
  /** Its P2WPKH lock: what it is paid to by default. */
  readonly script: Uint8Array;
  readonly address: string;
  readonly wif: string;
}

/** Longest text that is looked at as a secret key; a WIF has 52 characters. */
const MAX_WIF = 100;
const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
function named(name: string, secret: Uint8Array, kind: NamedKey['kind'], params: Params): NamedKey {
  const key = new Key(secret);
  return {
    name,
    key,
    kind,
    script: key.script('p2wpkh'),
    address: key.address('p2wpkh', params.hrp),
    wif: key.wif(params.wifPrefix),
  };
}

function fileOf(dir: string, name: string): string {
  return join(dir, 'keys', `${name}.json`);
}

function readKey(dir: string, name: string, params: Params): Result<NamedKey, string> {
  const path = fileOf(dir, name);
  try {
    const json = JSON.parse(readFileSync(path, 'utf8')) as { v?: unknown; wif?: unknown } | null;
    if (json?.v !== 1) return err(`${path} is not a key file: v is ${shown(json?.v)}, not 1`);
    if (typeof json.wif !== 'string' || json.wif.length > MAX_WIF)
      return err(
        `${path} is not a key file: wif is ${typeof json.wif === 'string' ? 'too long' : shown(json.wif)}`,
      );
    const secret = decodeWif(json.wif, params.wifPrefix);
    if (!secret.ok) return err(`${path}: ${secret.error}`);
    return ok(named(name, secret.value, name.startsWith('miner-') ? 'miner' : 'own', params));
  } catch (error) {
    return err(`cannot read ${path}: ${(error as Error).message}`);
  }
}

/** Makes a key from the system's randomness and keeps it; a name that is taken is refused. */
export function newKey(dir: string, name: string, params: Params): NamedKey {
  if (!NAME.test(name)) {
    throw misuse(
      `'${name}' cannot be a key's name`,
      'Small letters, digits, - and _, starting with a letter: zoe',
    );
  }
  if ((WELL_KNOWN as readonly string[]).includes(name))
    throw misuse(`${name} is one of the ten well-known keys`);
  const path = fileOf(dir, name);
  if (existsSync(path)) throw misuse(`there is a key '${name}' already`, 'Show it: forkyard keys');
  // 32 random bytes are a valid secret but for one chance in 2^127; Key throws then.
  const made = named(name, randomBytes(32), name.startsWith('miner-') ? 'miner' : 'own', params);
  makeDirectory(join(dir, 'keys'));
  writeAtomically(path, `${JSON.stringify({ v: 1, name, wif: made.wif })}\n`);
  return made;
}

/** The key of a node's miner, made on first use. */
export function minerKey(dir: string, letter: string, params: Params): NamedKey {
  const name = minerKeyName(letter);
  if (!existsSync(fileOf(dir, name))) return newKey(dir, name, params);
  const key = readKey(dir, name, params);
  if (!key.ok) throw misuse(key.error);
  return key.value;
}

/** All keys: the ten people, then own ones, then the miners', each by name. */
export function allKeys(dir: string, params: Params): NamedKey[] {
  const people = WELL_KNOWN.map((name) => named(name, wellKnownSecret(name), 'well-known', params));
  const folder = join(dir, 'keys');
  const names = existsSync(folder) ? readdirSync(folder).filter((f) => f.endsWith('.json')) : [];
  const own: NamedKey[] = [];
  for (const file of names.sort((a, b) => (a < b ? -1 : 1))) {
    const key = readKey(dir, file.slice(0, -'.json'.length), params);
    if (!key.ok) throw misuse(key.error);
    own.push(key.value);
  }
  return [...people, ...own.filter((k) => k.kind === 'own'), ...own.filter((k) => k.kind === 'miner')];
}

/** The key that is meant, or exit 3 with the nearest name. */
export function findKey(dir: string, name: string, params: Params): NamedKey {
  const keys = allKeys(dir, params);
  const key = keys.find((k) => k.name === name.toLowerCase());
  if (key !== undefined) return key;
  const known = keys.map((k) => k.name);
  throw missing(
    `no key '${name}'`,
    `${didYouMean(name, known)} A new one: forkyard keys new ${name.toLowerCase()}`,
  );
}

/** Whom to pay: a key's name or an address of this network, and the script that pays them. */
export function findPayee(dir: string, text: string, params: Params): { name: string; script: Uint8Array } {
  const address = decodeAddress(text, params.hrp);
  if (address.ok) return { name: text, script: lockScript(address.value) };
  // Something that looks like an address deserves the address's own fault, not "no such key".
  if (text.length > 32 || /^[a-z]+1[02-9ac-hj-np-z]{6,}$/i.test(text))
    throw misuse(`'${text}': ${address.error}`);
  const key = findKey(dir, text, params);
  return { name: key.name, script: key.script };
}
