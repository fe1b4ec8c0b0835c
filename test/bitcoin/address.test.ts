import { bech32, bech32m } from '@scure/base';
import * as btc from '@scure/btc-signer';
import * as bitcoin from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAddress, decodeWif, encodeAddress, encodeWif } from '../../src/bitcoin/address.ts';
import { decodeBase58Check, decodeBech32, encodeBase58Check } from '../../src/bitcoin/checked-text.ts';
import { lockScript, type SpendLock } from '../../src/bitcoin/lock.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';

const lock: fc.Arbitrary<SpendLock> = fc.oneof(
  fc.record({ kind: fc.constant('p2wpkh' as const), hash: fc.uint8Array({ minLength: 20, maxLength: 20 }) }),
  fc.record({ kind: fc.constant('p2tr' as const), key: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
);
const hrp = fc.constantFrom('bcrt', 'yard', 'lab', 'bc');

function error(result: { ok: boolean; error?: string }): string {
  return result.ok ? 'accepted' : result.error!;
}

describe('bech32 and bech32m', () => {
  // BIP173 and BIP350: valid texts, then invalid ones with a word of our reason.
  it.each([
    ['A12UEL5L', 'bech32'],
    ['a12uel5l', 'bech32'],
    ['an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs', 'bech32'],
    ['abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw', 'bech32'],
    ['11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j', 'bech32'],
    ['split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w', 'bech32'],
    ['?1ezyfcl', 'bech32'],
    ['A1LQFN3A', 'bech32m'],
    ['a1lqfn3a', 'bech32m'],
    ['abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx', 'bech32m'],
    ['split1checkupstagehandshakeupstreamerranterredcaperredlc445v', 'bech32m'],
    ['?1v759aa', 'bech32m'],
  ])('%s is %s', (text, variant) => {
    const result = decodeBech32(text);
    expect(result.ok && result.value.variant).toBe(variant);
    if (result.ok) {
      const { prefix, words } = result.value;
      const coder = variant === 'bech32' ? bech32 : bech32m;
      expect(coder.encode(prefix, words)).toBe(text.toLowerCase());
    }
  });

  it.each([
    ['\x201nwldj5', 'printable'],
    ['\x7f1axkwrx', 'printable'],
    ['\x801eym55h', 'printable'],
    [
      'an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx',
      'too long',
    ],
    ['pzry9x0s0muk', 'no "1"'],
    ['1pzry9x0s0muk', 'nothing before'],
    ['x1b4n0q5v', 'not a bech32 character'],
    ['li1dgmt3', 'too short'],
    ['A1G7SGD8', 'bad checksum'],
    ['10a06t8', 'nothing before'],
    ['1qzzfhee', 'nothing before'],
    ['M1VUXWEZ', 'bad checksum'],
    ['16plkw9', 'nothing before'],
    ['1p2gdwpf', 'nothing before'],
    ['a1LQFN3a', 'mixed case'],
  ])('%j is refused: %s', (text, reason) => {
    expect(error(decodeBech32(text))).toContain(reason);
  });
});

describe('addresses', () => {
  it('are what bitcoinjs-lib and scure write, in any case, and read back', () => {
    fc.assert(
      fc.property(lock, hrp, fc.boolean(), (l, prefix, upper) => {
        const address = encodeAddress(l, prefix);
        const version = l.kind === 'p2wpkh' ? 0 : 1;
        const program = l.kind === 'p2wpkh' ? l.hash : l.key;
        expect(address).toBe(bitcoin.address.toBech32(program, version, prefix));
        const theirs = bitcoin.address.fromBech32(address);
        expect([theirs.version, toHex(theirs.data), theirs.prefix]).toEqual([
          version,
          toHex(program),
          prefix,
        ]);
        expect(decodeAddress(upper ? address.toUpperCase() : address, prefix)).toEqual({
          ok: true,
          value: l,
        });
      }),
      { seed: 121, numRuns: 200 },
    );
    const network = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };
    const l: SpendLock = { kind: 'p2wpkh', hash: new Uint8Array(20).fill(9) };
    const scure = btc.Address(network).decode(encodeAddress(l, 'bcrt'));
    expect(toHex(btc.OutScript.encode(scure))).toBe(toHex(lockScript(l)));
    expect(encodeAddress({ kind: 'data', data: Uint8Array.of(1) }, 'bcrt')).toBeUndefined();
  });

  it('know the vectors of BIP173 and BIP350', () => {
    const p2wpkh = decodeAddress('BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'bc');
    expect(p2wpkh.ok && toHex(lockScript(p2wpkh.value))).toBe('0014751e76e8199196d454941c45d1b3a323f1433bd6');
    const p2tr = decodeAddress('bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', 'bc');
    expect(p2tr.ok && toHex(lockScript(p2tr.value))).toBe(
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    );
  });

  it.each([
    ['', 'bcrt', 'missing'],
    ['hello', 'bcrt', 'not an address'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'bcrt', "Bitcoin's main network"],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'yard', 'prefix "tb"'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', 'bcrt', 'not a segwit address'],
    ['bc1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'bc', 'mixed case'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'bc', 'bad checksum'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t', 'bc', 'bad checksum'],
    // BIP350's invalid addresses, the reasons ours.
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', 'bc', 'bech32 where bech32m belongs'],
    ['tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf', 'tb', 'bech32 where bech32m belongs'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh', 'bc', 'bech32m where bech32 belongs'],
    ['tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47', 'tb', 'bech32m where bech32 belongs'],
    ['bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', 'bc', 'not a bech32 character'],
    ['BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R', 'bc', 'no witness version 17'],
    ['bc1pw5dgrnzv', 'bc', 'a program of 1 bytes'],
    ['BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P', 'bc', 'a program of 16 bytes for witness version 0'],
    ['tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq', 'tb', 'mixed case'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf', 'bc', 'bits left over'],
    ['tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j', 'tb', 'bits left over'],
    ['bc1gmk9yu', 'bc', 'no witness version'],
    ['bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3', 'bc', 'P2WSH'],
    ['bc1sw50qgdz25j', 'bc', 'witness version 16'],
    ['bc1pfeessrawgf', 'bc', 'a program of 2 bytes for witness version 1'],
  ])('%j on %s: %s', (text, prefix, reason) => {
    expect(error(decodeAddress(text, prefix))).toContain(reason);
  });

  it('find every changed character', () => {
    fc.assert(
      fc.property(lock, fc.nat(100), fc.nat(31), (l, at, to) => {
        const address = encodeAddress(l, 'bcrt');
        const i = 5 + (at % (address.length - 5));
        const c = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'[to]!;
        if (address[i] === c) return;
        expect(error(decodeAddress(address.slice(0, i) + c + address.slice(i + 1), 'bcrt'))).not.toBe(
          'accepted',
        );
      }),
      { seed: 122, numRuns: 500 },
    );
  });

  it('never throw on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(decodeAddress(text, 'bcrt').ok).toBe(false);
        expect(decodeAddress('bcrt1' + text, 'bcrt').ok).toBe(false);
        expect(decodeWif(text, 0xef).ok).toBe(false);
      }),
      { seed: 123, numRuns: 500 },
    );
  });
});

describe('base58check and WIF', () => {
  it('agree with scure and come back, leading zeros included', () => {
    const coder = btc.WIF({ bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(3), (bytes, zeros) => {
        const payload = Uint8Array.of(...new Uint8Array(zeros), ...bytes);
        const text = encodeBase58Check(payload);
        expect(decodeBase58Check(text)).toEqual({ ok: true, value: payload });
        const key = new Uint8Array(32).fill(1);
        key.set(bytes.subarray(0, 32));
        if (key[0] === 0xff) return;
        const wif = encodeWif(key, 0xef);
        expect(wif).toBe(coder.encode(key));
        expect(decodeWif(wif, 0xef)).toEqual({ ok: true, value: key });
      }),
      { seed: 124, numRuns: 200 },
    );
  });

  it('knows a key of the Bitcoin wiki', () => {
    const key = fromHex('0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d')!;
    expect(encodeWif(key, 0x80)).toBe('KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617');
  });

  it.each([
    ['', 'too short'],
    ['KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98618', 'bad checksum'],
    ['KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP9861O', 'not a base58 character'],
    ['5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ', 'uncompressed'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', '21 bytes'],
    ['z'.repeat(1000), 'too long'],
    [encodeBase58Check(Uint8Array.of(0x80, ...new Uint8Array(32), 1)), 'outside 1 … n − 1'],
    [encodeBase58Check(Uint8Array.of(0x80, ...new Uint8Array(32).fill(0xff), 1)), 'outside 1 … n − 1'],
    [encodeBase58Check(Uint8Array.of(0x80, ...new Uint8Array(32).fill(1), 2)), 'last byte'],
    [encodeWif(new Uint8Array(32).fill(1), 0xef), 'another network (prefix 0xef, here 0x80)'],
  ])('refuses %j: %s', (text, reason) => {
    expect(error(decodeWif(text, 0x80))).toContain(reason);
  });
});

it('words that end in set bits, or in five bits too many, are nothing', () => {
  const program = new Uint8Array(20).fill(0xff);
  const words = bech32.toWords(program);
  expect(decodeAddress(bech32.encode('bcrt', [0, ...words]), 'bcrt').ok).toBe(true);
  expect(error(decodeAddress(bech32.encode('bcrt', [0, ...words, 0]), 'bcrt'))).toContain('bits left over');
  const last = [...bech32.toWords(new Uint8Array(32)).slice(0, -1), 1];
  expect(error(decodeAddress(bech32m.encode('bcrt', [1, ...last]), 'bcrt'))).toContain('bits left over');
});
