import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equal, toHex } from '../../src/util/bytes.ts';
import {
  type BuildFault,
  type BuildRequest,
  type Built,
  buildTx,
  bumpFee,
  DEFAULT_MAX_FEE,
  describeFault,
} from '../../src/wallet/build.ts';
import { dustThreshold, feeFor, inputWeight, MAX_FEE_RATE } from '../../src/wallet/fee.ts';
import type { Spendable } from '../../src/wallet/select.ts';
import { coin, key, keysOf, sum } from './coins.ts';

const me = key(1);
const change = me.script('p2wpkh');
const bob = key(2).script('p2wpkh');

function request(coins: readonly Spendable[], value: number, feeRate = 1000): BuildRequest {
  return { recipients: [{ value, script: bob }], coins, changeScript: change, feeRate };
}

function build(r: BuildRequest): Built {
  const result = buildTx(r);
  if (!result.ok) throw new Error(describeFault(result.error));
  return result.value;
}

function fault(r: BuildRequest): BuildFault {
  const result = buildTx(r);
  if (result.ok) throw new Error('was built');
  return result.error;
}

/** What holds of everything that is built. */
function check(r: BuildRequest, b: Built): void {
  expect(sum(b.inputs) - sum(b.tx.outputs)).toBe(b.fee);
  expect(b.fee).toBeGreaterThanOrEqual(feeFor(r.feeRate, b.vsize));
  if (b.change !== undefined && r.minFee === undefined) expect(b.fee).toBe(feeFor(r.feeRate, b.vsize));
  // Without change the fee takes what a change output was not worth, no more.
  const changeWeight = 4 * (9 + r.changeScript.length);
  const floor = Math.max(
    dustThreshold(r.changeScript),
    feeFor(r.feeRate, Math.ceil(inputWeight(r.changeScript) / 4)),
  );
  const most = feeFor(r.feeRate, b.vsize + changeWeight / 4) + floor;
  if (r.minFee === undefined) expect(b.fee).toBeLessThan(most);
  expect(b.tx.outputs.slice(0, r.recipients.length)).toEqual(r.recipients);
  expect(b.tx.outputs.length).toBe(r.recipients.length + (b.change === undefined ? 0 : 1));
  if (b.change !== undefined) {
    expect(b.tx.outputs[b.change.index]).toEqual({ value: b.change.value, script: r.changeScript });
    expect(b.change.value).toBeGreaterThanOrEqual(floor);
  }
  expect(b.tx.inputs.map((input) => input.prevout)).toEqual(b.inputs.map((input) => input.outpoint));
  expect(new Set(keysOf(b.inputs)).size).toBe(b.inputs.length);
  const known = new Set(keysOf([...r.coins, ...(r.fixed ?? [])]));
  for (const k of keysOf(b.inputs)) expect(known.has(k)).toBe(true);
}

describe('buildTx', () => {
  it('conserves value, pays the exact fee and repeats itself, on random requests', () => {
    const coins = fc.array(fc.record({ value: fc.integer({ min: 1, max: 5e8 }), tr: fc.boolean() }), {
      maxLength: 30,
    });
    let paid = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        coins,
        fc.array(fc.integer({ min: 330, max: 3e8 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 60_000 }),
        fc.nat(2),
        (list, values, feeRate, fixedCount) => {
          const all = list.map(({ value, tr }) => coin(value, me, tr ? 'p2tr' : 'p2wpkh'));
          const r: BuildRequest = {
            recipients: values.map((value) => ({ value, script: bob })),
            coins: all,
            fixed: all.slice(0, fixedCount),
            changeScript: change,
            feeRate,
            maxFee: 1e9,
          };
          const result = buildTx(r);
          if (result.ok) {
            paid++;
            check(r, result.value);
            expect(keysOf(result.value.inputs).slice(0, r.fixed!.length)).toEqual(keysOf(r.fixed!));
            expect(toHex(build(r).tx.bytes)).toBe(toHex(result.value.tx.bytes));
            // The order in which coins are offered does not matter.
            const turned = build({ ...r, coins: all.slice().reverse() });
            expect(toHex(turned.tx.bytes)).toBe(toHex(result.value.tx.bytes));
          } else {
            refused++;
            expect(result.error.kind).toBe('insufficient-funds');
            if (result.error.kind === 'insufficient-funds')
              expect(result.error.have).toBeLessThan(result.error.need);
          }
        },
      ),
      { seed: 151, numRuns: 600 },
    );
    expect(paid).toBeGreaterThan(150);
    expect(refused).toBeGreaterThan(50);
  });

  it('is a payment of 141 vbytes with one coin and change, and signals that it may be replaced', () => {
    const b = build(request([coin(2e9, me)], 150_000_000, 1500));
    expect([b.vsize, b.fee, b.change]).toEqual([141, 212, { index: 1, value: 2e9 - 150_000_000 - 212 }]);
    expect(b.tx.inputs[0]!.sequence).toBe(0xfffffffd);
    expect([b.tx.version, b.tx.lockTime]).toEqual([2, 0]);
  });

  it('pays out everything to the last satoshi: one more is too much', () => {
    const c = coin(100_000, me);
    // One input, one output: 110 vbytes.
    const all = build(request([c], 100_000 - 110));
    expect([all.fee, all.vsize, all.change]).toEqual([110, 110, undefined]);
    expect(fault(request([c], 100_000 - 109))).toEqual({
      kind: 'insufficient-funds',
      have: 100_000,
      need: 100_001,
    });
    // Two coins: 178 vbytes.
    const two = [coin(60_000, me), coin(40_000, me)];
    expect(build(request(two, 100_000 - 178)).fee).toBe(178);
    expect(fault(request(two, 100_000 - 177)).kind).toBe('insufficient-funds');
  });

  it('finds the coins that need no change', () => {
    const coins = [coin(90_000, me), coin(31_000, me), coin(20_068, me), coin(7_000, me)];
    // 31,000 + 20,068 = 50,890 + 178 of fee for two inputs and one output.
    const b = build(request(coins, 50_890));
    expect(b.change).toBeUndefined();
    expect(sum(b.inputs)).toBe(51_068);
    expect(b.fee).toBe(178);
  });

  it('takes the smallest single coin that suffices, otherwise the largest first', () => {
    const coins = [coin(500_000, me), coin(200_000, me), coin(300_000, me), coin(1_000, me)];
    expect(sum(build(request(coins, 150_000)).inputs)).toBe(200_000);
    expect(build(request(coins, 600_000)).inputs.map((c) => c.value)).toEqual([500_000, 300_000]);
  });

  it('leaves coins alone that cost more than they hold', () => {
    const dusty = [coin(100, me), coin(500, me), coin(10_000, me)];
    const b = build(request(dusty, 5_000, 10_000));
    expect(b.inputs.map((c) => c.value)).toEqual([10_000]);
    expect(fault(request(dusty, 9_500, 10_000))).toMatchObject({ kind: 'insufficient-funds', have: 10_000 });
    // A fixed coin goes in whatever it costs.
    expect(
      build({ ...request(dusty, 5_000, 10_000), fixed: [dusty[0]!] }).inputs.map((c) => c.value),
    ).toEqual([100, 10_000]);
  });

  it('spends a fixed coin alone where it suffices: two such payments are a double-spend', () => {
    const fixed = [coin(1e8, me)];
    const others = [coin(3e8, me), coin(2e8, me)];
    const one = build({ ...request(others, 5e7), fixed });
    const two = build({
      ...request(others, 5e7),
      fixed,
      recipients: [{ value: 5e7, script: key(3).script('p2tr') }],
    });
    expect(keysOf(one.inputs)).toEqual(keysOf(fixed));
    expect(keysOf(two.inputs)).toEqual(keysOf(fixed));
    expect(one.tx.id).not.toBe(two.tx.id);
    const more = build({ ...request([...fixed, ...others], 2e8), fixed });
    expect(keysOf(more.inputs).slice(0, 1)).toEqual(keysOf(fixed));
    expect(more.inputs.length).toBe(2);
  });

  it('names what is wrong', () => {
    const rich = [coin(1e12, me)];
    expect(fault({ ...request(rich, 1), recipients: [] })).toEqual({ kind: 'no-recipients' });
    expect(fault(request(rich, 293))).toEqual({ kind: 'dust', value: 293, least: 294 });
    for (const value of [0, -1, 0.5, 21e14 + 2, Number.NaN])
      expect(fault(request(rich, value)).kind).toBe('bad-amount');
    const split = [0, 1].map(() => ({ value: 20e14, script: bob }));
    expect(fault({ ...request(rich, 1), recipients: split }).kind).toBe('bad-amount');
    expect(fault(request(rich, 1000, MAX_FEE_RATE + 1)).kind).toBe('absurd-fee-rate');
    expect(fault(request(rich, 1000, 0.5)).kind).toBe('absurd-fee-rate');
    expect(fault(request(rich, 1000, -1)).kind).toBe('absurd-fee-rate');
    const twice = [rich[0]!, rich[0]!];
    expect(fault({ ...request([], 1000), fixed: twice }).kind).toBe('duplicate-coin');
    expect(fault(request([], 1000))).toEqual({ kind: 'insufficient-funds', have: 0, need: 1042 });
    expect(fault({ ...request(rich, 1000), maxFee: 140 })).toEqual({
      kind: 'absurd-fee',
      fee: 141,
      limit: 140,
    });
    const big = { ...request(rich, 1000), minFee: DEFAULT_MAX_FEE + 1 };
    expect(fault(big)).toEqual({ kind: 'absurd-fee', fee: DEFAULT_MAX_FEE + 1, limit: DEFAULT_MAX_FEE });
  });

  it('says it in a sentence', () => {
    expect(describeFault({ kind: 'insufficient-funds', have: 150_000_000, need: 200_000_141 })).toBe(
      'insufficient funds: have 1.5, need 2.00000141 with the fee',
    );
    const kinds: BuildFault[] = [
      { kind: 'no-recipients' },
      { kind: 'bad-amount', value: -1 },
      { kind: 'dust', value: 1, least: 294 },
      { kind: 'absurd-fee', fee: 1e8, limit: 1e7 },
      { kind: 'absurd-fee-rate', rate: 20_000_000, limit: 10_000_000 },
      { kind: 'duplicate-coin', coin: 'x' },
      { kind: 'too-large', weight: 500_000, limit: 400_000 },
    ];
    for (const f of kinds) expect(describeFault(f).length).toBeGreaterThan(20);
  });

  it('pays data, which may hold nothing', () => {
    const data = { value: 0, script: Uint8Array.of(0x6a, 2, 0xab, 0xcd) };
    const b = build({ ...request([coin(1e6, me)], 1000), recipients: [data] });
    expect(b.tx.outputs[0]).toEqual(data);
  });

  it('refuses a transaction that nobody would relay, however many coins there are', () => {
    const many = Array.from({ length: 2000 }, () => coin(10_000, me));
    expect(fault(request(many, 2000 * 10_000 - 200_000)).kind).toBe('too-large');
    expect(fault(request(many, 1600 * 9_900)).kind).toBe('too-large');
    expect(build(request(many, 1_000_000)).inputs.length).toBeGreaterThan(100);
  });
});

describe('bumpFee', () => {
  it('spends the same coins, pays more in total and per vbyte, and keeps the payment', () => {
    const values = fc.array(fc.integer({ min: 20_000, max: 400_000 }), { minLength: 1, maxLength: 6 });
    let bumped = 0;
    fc.assert(
      fc.property(
        values,
        fc.integer({ min: 1000, max: 400_000 }),
        fc.integer({ min: 1, max: 20 }),
        (list, value, rate) => {
          const r = request(
            list.map((v) => coin(v, me)),
            value,
            rate * 1000,
          );
          const first = buildTx(r);
          if (!first.ok) return;
          const result = bumpFee(r, first.value);
          if (!result.ok) {
            expect(result.error.kind).toBe('insufficient-funds');
            return;
          }
          bumped++;
          const again = result.value;
          check({ ...r, minFee: 0 }, again);
          expect(keysOf(again.inputs).slice(0, first.value.inputs.length)).toEqual(
            keysOf(first.value.inputs),
          );
          expect(again.fee).toBeGreaterThanOrEqual(first.value.fee + again.vsize);
          expect(again.fee * first.value.vsize).toBeGreaterThan(first.value.fee * again.vsize);
          expect(again.tx.outputs[0]).toEqual(first.value.tx.outputs[0]);
        },
      ),
      { seed: 152, numRuns: 400 },
    );
    expect(bumped).toBeGreaterThan(100);
  });

  it('adds a coin where the change is too small', () => {
    const small = coin(50_000, me);
    const r = request([small], 50_000 - 110);
    const first = build(r);
    expect(first.change).toBeUndefined();
    const extra = coin(30_000, me);
    const result = bumpFee({ ...r, coins: [small, extra] }, first);
    expect(result.ok && keysOf(result.value.inputs)).toEqual(keysOf([small, extra]));
    const alone = bumpFee(r, first);
    expect(alone.ok ? 'built' : alone.error.kind).toBe('insufficient-funds');
  });

  it('goes to the rate that is asked for, when that is more', () => {
    const r = request([coin(1e8, me)], 1e6);
    const first = build(r);
    const result = bumpFee({ ...r, feeRate: 50_000 }, first);
    expect(result.ok && result.value.fee).toBe(feeFor(50_000, 141));
    expect(result.ok && equal(result.value.tx.txid, first.tx.txid)).toBe(false);
  });
});
