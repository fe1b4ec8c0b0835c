import { encodeAddress, encodeWif } from '../bitcoin/address.ts';
import { hash160 } from '../bitcoin/hash.ts';
import { lockScript, type SpendLock } from '../bitcoin/lock.ts';
import { publicKey, tweakedKey, tweakedSecret } from '../bitcoin/secp.ts';
import { type WellKnown, wellKnownSecret } from '../consensus/params/genesis.ts';
import { assert } from '../util/assert.ts';
import { keyOf } from '../util/bytes.ts';

/** The two kinds of lock that a key can open here. */
export type LockKind = SpendLock['kind'];

/**
 * One secret and what follows from it. Its P2WPKH lock commits to the compressed public key. Its P2TR lock is
 * BIP86's: the x-only public key P is the internal key and the output key is Q = P + H_TapTweak(P)·G, which proves
 * that there is no script path; a signature for it is made with the equally tweaked secret.
 */
export class Key {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;
  #taproot: { readonly key: Uint8Array; readonly secret: Uint8Array } | undefined;

  constructor(secret: Uint8Array) {
    this.secret = secret.slice();
    this.publicKey = publicKey(secret);
  }

  /** 32 bytes: the public key's x coordinate, taproot's internal key. */
  get xOnly(): Uint8Array {
    return this.publicKey.subarray(1);
  }

  /** The taproot output key and the secret that signs for it. Made when first asked for: it costs a point multiplication. */
  get taproot(): { readonly key: Uint8Array; readonly secret: Uint8Array } {
    if (this.#taproot === undefined) {
      const key = tweakedKey(this.xOnly);
      assert(key !== undefined, 'a tweak that BIP341 excludes');
      this.#taproot = { key, secret: tweakedSecret(this.secret) };
    }
    return this.#taproot;
  }

  lock(kind: LockKind): SpendLock {
    return kind === 'p2wpkh' ? { kind, hash: hash160(this.publicKey) } : { kind, key: this.taproot.key };
  }

  script(kind: LockKind): Uint8Array {
    return lockScript(this.lock(kind));
  }

  address(kind: LockKind, hrp: string): string {
    return encodeAddress(this.lock(kind), hrp);
  }

  wif(prefix: number): string {
    return encodeWif(this.secret, prefix);
  }
}

const wellKnown = new Map<WellKnown, Key>();

/** The key of alice … judy: the same on every yard, known to everybody, worth nothing. */
export function wellKnownKey(name: WellKnown): Key {
  const known = wellKnown.get(name);
  if (known !== undefined) return known;
  const made = new Key(wellKnownSecret(name));
  wellKnown.set(name, made);
  return made;
}

/** Finds the key that opens a lock. */
export class KeyRing {
  readonly #byScript = new Map<string, { readonly key: Key; readonly kind: LockKind }>();

  constructor(keys: Iterable<Key>) {
    for (const key of keys) this.add(key);
  }

  add(key: Key): void {
    for (const kind of ['p2wpkh', 'p2tr'] as const) {
      this.#byScript.set(keyOf(key.script(kind)), { key, kind });
    }
  }

  /** `undefined`: none of our keys. */
  find(script: Uint8Array): { readonly key: Key; readonly kind: LockKind } | undefined {
    return this.#byScript.get(keyOf(script));
  }
}
