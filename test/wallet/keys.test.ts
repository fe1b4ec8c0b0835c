import * as btc from '@scure/btc-signer';
import { describe, expect, it } from 'vitest';
import { decodeWif } from '../../src/bitcoin/address.ts';
import { WELL_KNOWN } from '../../src/consensus/params/genesis.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';
import { Key, KeyRing, wellKnownKey } from '../../src/wallet/keys.ts';
import { key } from './coins.ts';

describe('Key', () => {
  it('has the addresses that scure gives the same public key', () => {
    const network = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };
    for (let n = 1; n <= 5; n++) {
      const k = key(n);
      expect(k.address('p2wpkh', 'bcrt')).toBe(btc.p2wpkh(k.publicKey, network).address);
      expect(k.address('p2tr', 'bcrt')).toBe(btc.p2tr(k.xOnly, undefined, network).address);
      expect(decodeWif(k.wif(0xef), 0xef)).toEqual({ ok: true, value: k.secret });
    }
  });

  it('makes the first receiving address of BIP86', () => {
    // m/86'/0'/0'/0/0 of the seed "abandon … about".
    const k = new Key(fromHex('41f41d69260df4cf277826a9b65a3717e4eeddbeedf637f212ca096576479361')!);
    expect(toHex(k.xOnly)).toBe('cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115');
    expect(k.address('p2tr', 'bc')).toBe('bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr');
  });

  it('keeps its own copy of the secret', () => {
    const secret = new Uint8Array(32).fill(1);
    const k = new Key(secret);
    secret.fill(2);
    expect(k.secret).toEqual(new Uint8Array(32).fill(1));
  });
});

describe('KeyRing', () => {
  it('finds a key by either of its locks, and nothing else', () => {
    const ring = new KeyRing([key(1), key(2)]);
    expect(ring.find(key(1).script('p2wpkh'))).toMatchObject({
      kind: 'p2wpkh',
      key: { publicKey: key(1).publicKey },
    });
    expect(ring.find(key(2).script('p2tr'))).toMatchObject({
      kind: 'p2tr',
      key: { publicKey: key(2).publicKey },
    });
    expect(ring.find(key(3).script('p2wpkh'))).toBeUndefined();
    expect(ring.find(new Uint8Array(0))).toBeUndefined();
  });
});

describe('well-known keys', () => {
  it('are the same on every machine: their addresses are printed in the documentation', () => {
    expect(wellKnownKey('alice').address('p2wpkh', 'yard')).toBe(
      'yard1qpaydx6gdyh42ppg09y5menm6z8gy3cjm0u8qr8',
    );
    expect(wellKnownKey('alice')).toBe(wellKnownKey('alice'));
    expect(new Set(WELL_KNOWN.map((name) => wellKnownKey(name).address('p2wpkh', 'lab'))).size).toBe(10);
  });
});
