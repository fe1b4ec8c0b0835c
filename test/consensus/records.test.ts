import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outpointKey } from '../../src/bitcoin/tx.ts';
import { RULES, type RuleName } from '../../src/consensus/params/rules.ts';
import type { Coin } from '../../src/consensus/store/coin.ts';
import { COIN_SHARDS, CoinSums } from '../../src/consensus/store/coin-sums.ts';
import { CoinsCache, CoinsOverlay } from '../../src/consensus/store/coins.ts';
import {
  coinKey,
  decodeCoin,
  decodeEntry,
  decodeTxPlace,
  decodeUndo,
  encodeCoin,
  encodeEntry,
  encodeTxPlace,
  encodeUndo,
  heightKey,
  outpointOfCoinKey,
  sumKey,
} from '../../src/consensus/store/records.ts';
import { compare, keyOf, toHex } from '../../src/util/bytes.ts';

// The same cases every time.
fc.configureGlobal({ seed: 20_261_122 });

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const coin: fc.Arbitrary<Coin> = fc.record({
  value: fc.integer({ min: 0, max: 21e14 }),
  script: fc.uint8Array({ minLength: 1, maxLength: 34 }),
  height: fc.integer({ min: 0, max: 0x7fff_ffff }),
  coinbase: fc.boolean(),
});

describe('records', () => {
  it('coins and undo go there and back', () => {
    fc.assert(
      fc.property(coin, (one) => {
        expect(decodeCoin(encodeCoin(one))).toEqual(one);
      }),
    );
    fc.assert(
      fc.property(fc.array(coin, { maxLength: 20 }), (some) => {
        expect(decodeUndo(encodeUndo(some))).toEqual(some);
      }),
    );
    expect(decodeCoin(new Uint8Array(12))).toBeUndefined();
  });

  it('a cut undo record is never read as another', () => {
    const whole = encodeUndo([
      { value: 1, script: new Uint8Array(22), height: 3, coinbase: true },
      { value: 2, script: new Uint8Array(34), height: 4, coinbase: false },
    ]);
    for (let n = 1; n < whole.length; n++) {
      if (n !== 35) expect(decodeUndo(whole.subarray(0, n))).toBeUndefined();
    }
  });

  it('index entries go there and back', () => {
    const entry = fc.record({
      header: fc.record({
        version: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
        prev: bytes32,
        merkleRoot: bytes32,
        time: u32,
        bits: u32,
        nonce: u32,
      }),
      height: u32,
      txs: u32,
      size: u32,
      hasBody: fc.boolean(),
      arrival: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
      connectedOnce: fc.boolean(),
      condemned: fc.option(fc.constantFrom(...(Object.keys(RULES) as RuleName[])), { nil: undefined }),
      miner: fc.string({ maxLength: 32 }).filter((s) => /^[ -~]*$/.test(s)),
    });
    fc.assert(
      fc.property(entry, (one) => {
        expect(decodeEntry(encodeEntry(one))).toEqual(one);
      }),
    );
  });

  it('outpoints are found again in coin keys, heights sort as numbers', () => {
    fc.assert(
      fc.property(bytes32, u32, (txid, index) => {
        expect(outpointOfCoinKey(coinKey(outpointKey({ txid, index })))).toEqual({ txid, index });
        expect(decodeTxPlace(encodeTxPlace(txid, index))).toEqual({ blockHash: txid, position: index });
      }),
    );
    fc.assert(
      fc.property(u32, u32, (a, b) => {
        expect(Math.sign(compare(heightKey(a), heightKey(b)))).toBe(Math.sign(a - b));
      }),
    );
  });
});

const plain = (value: number): Coin => ({ value, script: Uint8Array.of(1), height: 1, coinbase: false });

function sumsOf(coins: ReadonlyMap<string, Coin>): CoinSums {
  const sums = new CoinSums();
  for (const [key, coin] of coins) sums.add(key, coin);
  return sums;
}

const rowsOf = (sums: CoinSums): string[] =>
  Array.from({ length: COIN_SHARDS }, (_, shard) => toHex(sums.encode(shard) ?? new Uint8Array()));

describe('the sums of coins', () => {
  const outpoint = (first: number, last: number) =>
    keyOf(Uint8Array.from({ length: 36 }, (_, i) => (i === 0 ? first : i === 35 ? last : i * 7)));
  const script = Uint8Array.from({ length: 34 }, (_, i) => i + 1);
  const one: Coin = { value: 5_000_000_000, script, height: 7, coinbase: true };

  it('differ for every change of a coin, and of its place', () => {
    const others: [string, Coin][] = [
      [outpoint(1, 0), one],
      [outpoint(0, 1), one],
      [outpoint(0, 0), { ...one, value: one.value + 1 }],
      [outpoint(0, 0), { ...one, value: one.value + 2 ** 32 }],
      [outpoint(0, 0), { ...one, height: 8 }],
      [outpoint(0, 0), { ...one, coinbase: false }],
      ...Array.from({ length: 34 }, (_, i): [string, Coin] => [
        outpoint(0, 0),
        { ...one, script: script.map((byte, at) => (at === i ? byte ^ 128 : byte)) },
      ]),
      [outpoint(0, 0), { ...one, script: script.slice(0, 33) }],
      [outpoint(0, 0), { ...one, script: Uint8Array.of(...script, 0) }],
    ];
    const all = [[outpoint(0, 0), one] as const, ...others].map((coin) =>
      rowsOf(sumsOf(new Map([coin]))).join(),
    );
    expect(new Set(all).size).toBe(others.length + 1);
  });

  it('are those of the rows as they are stored, in any order, and zero without coins', () => {
    const coins = new Map(Array.from({ length: 50 }, (_, i) => [outpoint(i % 3, i), { ...one, height: i }]));
    const sums = new CoinSums();
    for (const [key, coin] of [...coins].reverse())
      sums.addRow({ key: coinKey(key), value: encodeCoin(coin) });
    expect(rowsOf(sums)).toEqual(rowsOf(sumsOf(coins)));
    expect([0, 1, 2, 3].map((shard) => sums.isZero(shard))).toEqual([false, false, false, true]);
    const loaded = new CoinSums();
    for (const shard of [0, 1, 2]) loaded.load({ key: sumKey(shard), value: sums.encode(shard)! });
    expect(rowsOf(loaded)).toEqual(rowsOf(sums));
    for (const [key, coin] of coins) loaded.subtract(key, coin);
    expect(rowsOf(loaded)).toEqual(rowsOf(new CoinSums()));
  });
});

describe('the overlay', () => {
  it('answers for its base, hides what is spent, and can go back to the mark', () => {
    const base = new Map([
      ['a', plain(1)],
      ['b', plain(2)],
    ]);
    const overlay = new CoinsOverlay({ lookup: (key) => base.get(key) });
    overlay.spend('a', plain(1));
    overlay.add('c', plain(3));
    overlay.mark();
    overlay.spend('b', plain(2));
    overlay.spend('c', plain(3));
    overlay.add('a', plain(4));
    overlay.add('d', plain(5));
    overlay.spend('d', plain(5));
    expect(['a', 'b', 'c', 'd'].map((key) => overlay.lookup(key)?.value)).toEqual([
      4,
      undefined,
      undefined,
      undefined,
    ]);
    overlay.rollback();
    expect(['a', 'b', 'c', 'd'].map((key) => overlay.lookup(key)?.value)).toEqual([
      undefined,
      2,
      3,
      undefined,
    ]);
    expect([...overlay.changes()].map(([key, one]) => [key, one?.value])).toEqual([
      ['a', undefined],
      ['c', 3],
    ]);
    expect(base.get('a')).toEqual(plain(1));
  });

  it('agrees with a plain map under random changes', () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'spend', 'mark', 'rollback'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      value: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const base = new Map([
          ['a', plain(1)],
          ['b', plain(2)],
        ]);
        const overlay = new CoinsOverlay({ lookup: (key) => base.get(key) });
        let now = new Map(base);
        let marked = new Map(base);
        for (const { kind, key, value } of steps) {
          const held = now.get(key);
          if (kind === 'add') {
            if (held !== undefined) continue;
            now.set(key, plain(value));
            overlay.add(key, plain(value));
          } else if (kind === 'spend') {
            if (held === undefined) continue;
            now.delete(key);
            overlay.spend(key, held);
          } else if (kind === 'mark') {
            marked = new Map(now);
            overlay.mark();
          } else {
            now = new Map(marked);
            overlay.rollback();
          }
          for (const k of ['a', 'b', 'c', 'd', 'e']) expect(overlay.lookup(k)).toEqual(now.get(k));
          const sums = sumsOf(base);
          sums.apply(overlay.sums);
          expect(rowsOf(sums)).toEqual(rowsOf(sumsOf(now)));
        }
      }),
    );
  });
});

describe('the coins cache', () => {
  it('is bounded, keeps what is used, and moves nothing when peeked', () => {
    const cache = new CoinsCache(10);
    cache.set('hot', plain(1));
    cache.set('cold', plain(2));
    cache.set('peeked', plain(3));
    let kept = 0;
    for (let i = 0; i < 100; i++) {
      cache.set(`n${i}`, plain(i));
      expect(cache.get('hot')).toEqual(plain(1));
      cache.peek('peeked');
    }
    for (let i = 0; i < 100; i++) if (cache.peek(`n${i}`) !== undefined) kept++;
    expect(kept).toBeLessThanOrEqual(10);
    expect(cache.peek('cold')).toBeUndefined();
    expect(cache.peek('peeked')).toBeUndefined();
    cache.delete('hot');
    expect(cache.get('hot')).toBeUndefined();
  });
});
