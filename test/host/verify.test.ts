import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { nobleVerify, publicKey, signEcdsa, signSchnorr } from '../../src/bitcoin/secp.ts';
import type { SigCheck } from '../../src/consensus/validate/verify.ts';
import { hostLimits } from '../../src/host/limits.ts';
import { KNOWN_CHECKS, works } from '../../src/host/verify/backends.ts';
import { SignatureCache } from '../../src/host/verify/cache.ts';
import { loadNativeSecp, nativeEcdsa } from '../../src/host/verify/native.ts';
import { createVerify, type HostVerify } from '../../src/host/verify/verify.ts';
import { loadWasmSecp } from '../../src/host/verify/wasm.ts';

const be32 = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));

function signed(key: Uint8Array, message: Uint8Array): SigCheck {
  return { scheme: 'ecdsa', key: publicKey(key), message, signature: signEcdsa(message, key) };
}

const VALID = Array.from({ length: 16 }, (_, i) => signed(be32(BigInt(i + 1)), be32(BigInt(i + 77_000))));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

describe('the cache', () => {
  it('answers the second time, and never for a changed scheme, key, message or signature', () => {
    let asked = 0;
    const native = {
      ecdsaVerify: (s: Uint8Array, m: Uint8Array, k: Uint8Array) =>
        ++asked > 0 && loadNativeSecp().ecdsaVerify(s, m, k),
    };
    const { verify, stats } = createVerify({ loaders: { native: () => native } });
    const check = signed(be32(11n), be32(12n));
    asked = 0;
    for (let i = 0; i < 5; i++) expect(verify({ ...check, message: check.message.slice() })).toBe(true);
    expect([asked, stats()]).toEqual([1, { hits: 4, misses: 1, cached: 1, helpers: 0 }]);
    for (const part of ['key', 'message', 'signature'] as const) {
      for (let at = 0; at < check[part].length; at++) {
        const changed = check[part].slice();
        changed[at] = changed[at]! ^ 1;
        expect(verify({ ...check, [part]: changed })).toBe(false);
      }
    }
    expect(stats()).toMatchObject({ hits: 4, cached: 1 });
  });

  it('does not remember a failure', () => {
    let answer = false;
    const native = () => ({
      ecdsaVerify: (s: Uint8Array, m: Uint8Array, k: Uint8Array) =>
        answer || loadNativeSecp().ecdsaVerify(s, m, k),
    });
    const { verify, stats } = createVerify({ loaders: { native } });
    const wrong = { ...signed(be32(1n), be32(2n)), message: be32(3n) };
    expect([verify(wrong), verify(wrong), stats().cached]).toEqual([false, false, 0]);
    answer = true;
    expect(verify(wrong)).toBe(true);
  });

  it('has a bound, and forgets the oldest first', () => {
    const cache = new SignatureCache(3);
    for (const key of ['a', 'b', 'c', 'c', 'd']) cache.add(key);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.has(key))).toEqual([false, true, true, true]);
    expect(cache.size).toBe(3);
  });

  it('tells a key from the same bytes elsewhere', () => {
    const cache = new SignatureCache(3);
    const base = { message: new Uint8Array(32), signature: new Uint8Array(64) };
    const long = { ...base, scheme: 'ecdsa', key: new Uint8Array(33).fill(1) } as const;
    const short = { ...base, scheme: 'schnorr', key: new Uint8Array(32).fill(1) } as const;
    const keys = [long, short, { ...short, message: new Uint8Array(32).fill(1) }].map((check) =>
      cache.keyOf(check),
    );
    expect(new Set(keys).size).toBe(3);
    expect(cache.keyOf({ ...short })).toBe(keys[1]);
  });

  it('is filled ahead by warm', () => {
    const { verify, warm, stats } = createVerify({ cacheEntries: 10 });
    const checks = [1n, 2n, 3n].map((n) => signed(be32(n), be32(n)));
    expect(warm(checks).go(performance.now() - 1)).toBe(false);
    expect(warm(checks).go(Number.POSITIVE_INFINITY)).toBe(true);
    expect(checks.every(verify)).toBe(true);
    expect(stats()).toMatchObject({ hits: 3, misses: 3, cached: 3 });
  });
});

describe('helpers', () => {
  /** More than it takes to call them; only every eighth is signed anew, the others are not valid. */
  const checks = Array.from({ length: hostLimits.helperChecks + 100 }, (_, i): SigCheck => {
    const check = VALID[i % VALID.length]!;
    return i % 8 === 0 ? { ...check } : { ...check, message: be32(BigInt(i)) };
  });
  const hosts: HostVerify[] = [];
  const host = (settings: Parameters<typeof createVerify>[0] = {}): HostVerify => {
    const made = createVerify({ helpers: () => 2, ...settings });
    hosts.push(made);
    return made;
  };
  afterEach(() => {
    for (const made of hosts.splice(0)) made.close();
  });

  async function warmed(h: HostVerify, given: readonly SigCheck[]): Promise<void> {
    // As if they came with another transaction: the same objects are not offered twice.
    const warming = h.warm(given.map((check) => ({ ...check })));
    while (!(await warming.go(performance.now() + hostLimits.warmMs)));
  }

  it('give the verdicts of this thread, and the good ones to the cache', async () => {
    const h = host();
    await warmed(h, checks);
    const asked = h.stats().misses;
    const alone = createVerify();
    expect(checks.map(h.verify)).toEqual(checks.map(alone.verify));
    const valid = new Set(checks.filter(alone.verify).map(({ key }) => Buffer.from(key).toString('hex')));
    expect(h.stats()).toMatchObject({ cached: valid.size, helpers: 2 });
    // What they found invalid is checked once more when the node asks: nothing but a good signature is remembered.
    expect(h.stats().misses - asked).toBe(checks.filter((check) => !alone.verify(check)).length);
  });

  it('do the work, not this thread', async () => {
    let here = 0;
    const ecdsaVerify = (s: Uint8Array, m: Uint8Array, k: Uint8Array) => {
      here++;
      return loadNativeSecp().ecdsaVerify(s, m, k);
    };
    const h = host({ loaders: { native: () => ({ ecdsaVerify }) } });
    here = 0;
    // What lies beyond the next piece is theirs alone.
    const beyond = Array.from({ length: hostLimits.helperChecks }, (_, i) =>
      signed(be32(5n), be32(BigInt(i))),
    );
    h.verify(VALID[0]!);
    await warmed(h, [...Array.from({ length: hostLimits.warmChecks }, () => VALID[0]!), ...beyond]);
    await until(() => {
      h.warm([]);
      return h.stats().cached === 1 + beyond.length;
    });
    expect(here).toBe(1);
  });

  it('are not called for a few checks, where no core is free, or when they keep dying', async () => {
    const few = host();
    await warmed(few, checks.slice(0, hostLimits.helperChecks - 1));
    expect(few.stats().helpers).toBe(0);
    const busy = host({ helpers: () => 0 });
    await warmed(busy, checks);
    expect(busy.stats().helpers).toBe(0);

    const dying = host({ helpers: () => 1, helperFile: '/no/such/file.js' });
    for (let i = 0; i <= hostLimits.helperDeaths; i++) {
      await warmed(dying, checks);
      await until(() => dying.stats().helpers === 0);
    }
    await warmed(dying, checks);
    expect(dying.stats().helpers).toBe(0);
    expect(dying.notes).toHaveLength(hostLimits.helperDeaths + 1);
    expect(dying.notes.at(-1)).toContain('no more are started');
    expect(checks.filter(dying.verify)).toHaveLength(checks.filter((_, i) => i % 8 === 0).length);
  });
});

describe('the choice of back ends', () => {
  const missing = (): never => {
    throw new Error('No native build was found\nin any of …');
  };

  it('takes native ECDSA and WebAssembly Schnorr, and loads the latter when it is needed', () => {
    const h = createVerify();
    const wasm = 'libsecp256k1 (WebAssembly)';
    expect(h.backends).toEqual({
      ecdsa: 'libsecp256k1 (native)',
      schnorr: `${wasm}, from the first signature on`,
    });
    expect(h.verify(KNOWN_CHECKS.schnorr)).toBe(true);
    expect(h.backends.schnorr).toBe(wasm);
    expect(h.notes).toEqual([]);
  });

  it('falls back to WebAssembly, then noble, and says so, when a library is missing or lies', () => {
    const told: string[] = [];
    const second = createVerify({ loaders: { native: missing } });
    second.onNote((text) => told.push(text));
    expect(second.backends.ecdsa).toBe('libsecp256k1 (WebAssembly)');
    expect(told).toEqual([
      expect.stringMatching(/^the native .* does not load \(No native build was found\): ECDSA/),
    ]);

    const third = createVerify({ loaders: { native: missing, wasm: missing } });
    expect(third.backends).toEqual({ ecdsa: '@noble/secp256k1', schnorr: '@noble/secp256k1' });
    expect(third.notes[1]).toContain('forty times slower');

    for (const answer of [true, false]) {
      const lying = createVerify({
        loaders: {
          native: () => ({ ecdsaVerify: () => answer }),
          wasm: () => ({ ...loadWasmSecp(), verify: () => answer }),
        },
      });
      expect(lying.backends.ecdsa).toBe('@noble/secp256k1');
      expect(lying.notes.map((text) => text.includes('wrong answers'))).toEqual([true, true]);
    }
    for (const h of [second, third]) {
      for (const check of Object.values(KNOWN_CHECKS)) {
        expect([h.verify(check), h.verify({ ...check, message: be32(5n) })]).toEqual([true, false]);
      }
    }
  });

  it('leaves a library that breaks on the way', () => {
    let broken = false;
    const wasm = loadWasmSecp();
    const verifySchnorr: typeof wasm.verifySchnorr = (...given) => {
      if (broken) throw new Error('memory access out of bounds');
      return wasm.verifySchnorr(...given);
    };
    const h = createVerify({ cacheEntries: 0, loaders: { wasm: () => ({ ...wasm, verifySchnorr }) } });
    const told: string[] = [];
    h.onNote((text) => told.push(text));
    expect(h.verify(KNOWN_CHECKS.schnorr)).toBe(true);
    broken = true;
    expect(h.verify(KNOWN_CHECKS.schnorr)).toBe(true);
    expect(h.backends).toEqual({ ecdsa: 'libsecp256k1 (native)', schnorr: '@noble/secp256k1' });
    expect(told).toEqual([expect.stringContaining('memory access out of bounds')]);
  });

  it('knows two signatures by heart', () => {
    for (const scheme of ['ecdsa', 'schnorr'] as const) expect(works(nobleVerify, scheme)).toBe(true);
    const { ecdsa, schnorr } = KNOWN_CHECKS;
    expect(ecdsa.signature).toEqual(signEcdsa(ecdsa.message, be32(1n)));
    expect(schnorr.signature).toEqual(signSchnorr(schnorr.message, be32(1n)));
  });

  it('lets bugs through: a failure that is no verdict, and a wrong length', () => {
    const broken = nativeEcdsa({
      ecdsaVerify: () => {
        throw new Error('Expected signature to be an Uint8Array');
      },
    });
    expect(() => broken(KNOWN_CHECKS.ecdsa)).toThrow('Expected signature');
    const { verify } = createVerify();
    expect(() => verify({ ...KNOWN_CHECKS.ecdsa, key: new Uint8Array(32) })).toThrow('32 bytes of key');
  });
});
