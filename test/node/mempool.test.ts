import { describe, expect, it } from 'vitest';
import { makeTx } from '../../src/bitcoin/tx.ts';
import { wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { data, spend } from '../dsl/keys.ts';
import { coinOf, PoolRig, pays, send } from './mempool-rig.ts';

const COIN = 100_000_000;

describe('admission', () => {
  it('takes a payment, and counts it', () => {
    const rig = new PoolRig();
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    const { entry } = rig.take(tx);
    expect(entry.fee).toBe(1_000);
    expect(entry.height).toBe(0);
    expect(rig.pool.get(tx.txid)).toBe(entry);
    expect(rig.pool.bytes).toBe(tx.vsize);
    rig.check();
  });

  it('tests without a trace', () => {
    const rig = new PoolRig();
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    const before = rig.store.rows().length;
    const tested = rig.accept(tx, { test: true });
    expect(tested.ok && tested.value.entry.fee).toBe(1_000);
    expect(rig.pool.size).toBe(0);
    expect(rig.pool.takeWrites(true, 0)).toEqual([]);
    expect(rig.store.rows().length).toBe(before);
    // A test of a replacement leaves the replaced one where it is.
    rig.take(tx);
    expect(rig.ruleFor(send([rig.coin('alice')], 'carol', 90_000), { test: true })).toBe('accepted');
    expect(rig.ids()).toEqual([tx.id]);
  });

  it('knows what it has', () => {
    const rig = new PoolRig();
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(tx);
    expect(rig.ruleFor(tx)).toBe('txn-already-in-mempool');
    const twin = spend([rig.coin('alice')], [pays('bob', 20 * COIN - 1_000)], {
      spoil: (inputs) => {
        inputs[0] = { ...inputs[0]!, witness: [new Uint8Array(71), inputs[0]!.witness[1]!] };
      },
    });
    expect(twin.id).toBe(tx.id);
    expect(rig.ruleFor(twin)).toBe('txn-same-nonwitness-data-in-mempool');
    rig.mine();
    expect(rig.pool.size).toBe(0);
    expect(rig.ruleFor(tx)).toBe('txn-already-known');
    rig.check();
  });

  it('refuses what cannot be in a block, by name', () => {
    const rig = new PoolRig();
    const alice = rig.coin('alice');
    expect(rig.ruleFor(rig.mine().block.txs[0]!)).toBe('coinbase');
    const unknown = send([coinOf(send([alice], 'bob', 1_000), 'bob')], 'carol', 1_000);
    expect(rig.ruleFor(unknown)).toBe('missing-inputs');
    expect(rig.ruleFor(spend([alice], [pays('bob', 20 * COIN + 1)]))).toBe('bad-txns-in-belowout');
    const forged = send([alice], 'bob', 1_000, {
      spoil: (inputs) => {
        const [signature, key] = inputs[0]!.witness;
        const other = signature!.slice();
        other[10]! ^= 1;
        inputs[0] = { ...inputs[0]!, witness: [other, key!] };
      },
    });
    expect(rig.ruleFor(forged)).toBe('mempool-script-verify-flag-failed');
    const naked = makeTx({ version: 2, lockTime: 0, inputs: [], outputs: [] });
    expect(rig.ruleFor(naked)).toMatch(/bad-txns-(vin|vout)-empty/);
    expect(rig.pool.size).toBe(0);
  });

  it('refuses by policy: fee, limit of the caller, dust, size', () => {
    const rig = new PoolRig();
    const alice = rig.coin('alice');
    const cheap = send([alice], 'bob', 109);
    expect(cheap.vsize).toBe(110);
    expect(rig.ruleFor(cheap)).toBe('min relay fee not met');
    expect(rig.ruleFor(send([alice], 'bob', 110))).toBe('accepted');
    expect(rig.ruleFor(send([rig.coin('bob')], 'bob', 2_000), { maxFeeRate: 10_000 })).toBe(
      'max-fee-exceeded',
    );
    expect(rig.ruleFor(send([rig.coin('bob')], 'bob', 1_100), { maxFeeRate: 10_000 })).toBe('accepted');

    const carol = rig.coin('carol');
    const rest = 20 * COIN - 294 - 10_000;
    expect(rig.ruleFor(spend([carol], [pays('bob', 293), pays('carol', rest)]))).toBe('dust');
    const fits = [pays('bob', 294), pays('carol', rest), { value: 0, script: data(1, 2, 3) }];
    expect(rig.ruleFor(spend([carol], fits))).toBe('accepted');

    const many = Array.from({ length: 3_300 }, () => pays('dave', 1_000));
    expect(rig.ruleFor(spend([rig.coin('dave')], many))).toBe('tx-size');
    rig.check();
  });

  it('asks lock times of the next block', () => {
    const rig = new PoolRig();
    rig.mine();
    const at = (lockTime: number) =>
      send([rig.coin('alice')], 'bob', 1_000, { lockTime, sequence: 0xfffffffe });
    expect(rig.ruleFor(at(2))).toBe('non-final');
    expect(rig.ruleFor(at(1))).toBe('accepted');
    const { block } = rig.mine();
    const reward = coinOf(block.txs[0]!, 'judy');
    expect(rig.ruleFor(send([reward], 'bob', 1_000))).toBe('bad-txns-premature-spend-of-coinbase');
    // The coin is of height 2, so from height 12 on.
    while (rig.chain.tip.height < 10) rig.mine();
    expect(rig.ruleFor(send([reward], 'bob', 1_000))).toBe('bad-txns-premature-spend-of-coinbase');
    rig.mine();
    expect(rig.ruleFor(send([reward], 'bob', 1_000))).toBe('accepted');
  });

  it('counts an unconfirmed coin as one of the next block (BIP68)', () => {
    const rig = new PoolRig();
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(parent);
    const child = (sequence: number) => send([coinOf(parent, 'bob')], 'carol', 1_000, { sequence });
    expect(rig.ruleFor(child(1))).toBe('non-BIP68-final');
    expect(rig.ruleFor(child(0))).toBe('accepted');
    rig.mine({ txids: [parent.txid] });
    rig.check();
    expect(rig.pool.size).toBe(1);
  });

  it('bounds families', () => {
    const rig = new PoolRig();
    let coin = rig.coin('alice');
    for (let i = 0; i < 25; i++) {
      const tx = send([coin], 'alice', 1_000);
      rig.take(tx);
      coin = coinOf(tx, 'alice');
    }
    const one = send([coin], 'alice', 1_000);
    expect(rig.ruleFor(one)).toBe('too-long-mempool-chain');
    const fan = spend(
      [rig.coin('bob')],
      Array.from({ length: 30 }, () => pays('bob', 1_000_000)),
    );
    rig.take(fan);
    for (let i = 0; i < 24; i++) rig.take(send([coinOf(fan, 'bob', i)], 'carol', 1_000));
    expect(rig.ruleFor(send([coinOf(fan, 'bob', 24)], 'carol', 1_000))).toBe('too-long-mempool-chain');
    // Replacing a child does not make the family larger.
    expect(rig.ruleFor(send([coinOf(fan, 'bob', 23)], 'dave', 2_000))).toBe('accepted');
    rig.check();
    rig.mine();
    expect(rig.pool.size).toBe(0);
    expect(rig.ruleFor(one)).toBe('accepted');
  });

  it('never takes an OP_RETURN output for a coin', () => {
    const rig = new PoolRig();
    const tx = spend([rig.coin('alice')], [{ value: 5_000, script: data(7) }, pays('bob', COIN)]);
    rig.take(tx);
    const thief = spend([{ ...coinOf(tx, 'bob'), script: wellKnownScript('bob') }], [pays('bob', 4_000)]);
    expect(rig.ruleFor(thief)).toBe('missing-inputs');
  });
});

describe('replacement', () => {
  it('wants a higher rate than each conflict, and a higher fee than all that goes', () => {
    const rig = new PoolRig();
    const first = send([rig.coin('alice')], 'bob', 2_000);
    rig.take(first);
    const child = send([coinOf(first, 'bob')], 'carol', 5_000);
    rig.take(child);
    expect(rig.ruleFor(send([rig.coin('alice')], 'dave', 2_000))).toBe('insufficient fee');
    expect(rig.ruleFor(send([rig.coin('alice')], 'dave', 7_000))).toBe('insufficient fee');
    expect(rig.ruleFor(send([rig.coin('alice')], 'dave', 7_109))).toBe('insufficient fee');
    const better = send([rig.coin('alice')], 'dave', 7_110);
    const { replaced } = rig.take(better);
    expect(replaced.map((entry) => entry.tx.id)).toEqual([first.id, child.id]);
    expect(rig.ids()).toEqual([better.id]);
    rig.check();
    // Larger, so a higher fee at a lower rate.
    const bulky = spend(
      [rig.coin('alice')],
      Array.from({ length: 20 }, () => pays('erin', 20 * 4_900_000)),
    );
    expect(rig.accept(bulky).ok).toBe(true);
    expect(rig.ruleFor(spend([rig.coin('alice'), rig.coin('bob')], [pays('bob', 30 * COIN)]))).toBe(
      'accepted',
    );
    rig.check();
  });

  it('refuses what spends from what it would replace, and what would replace too many', () => {
    const rig = new PoolRig({ limits: { mempoolReplacements: 3 } });
    const first = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(first);
    const eats = spend([rig.coin('alice'), coinOf(first, 'bob')], [pays('bob', COIN)]);
    expect(rig.ruleFor(eats)).toBe('bad-txns-spends-conflicting-tx');
    let coin = coinOf(first, 'bob');
    for (let i = 0; i < 3; i++) {
      const tx = send([coin], 'bob', 1_000);
      rig.take(tx);
      coin = coinOf(tx, 'bob');
    }
    expect(rig.ruleFor(send([rig.coin('alice')], 'dave', 500_000))).toBe('too many potential replacements');
    rig.check();
  });
});

describe('a full pool', () => {
  const small = { mempoolBytes: 20_000 };

  it('lets the lowest payers go, raises its floor, and lowers it again after blocks', () => {
    const rig = new PoolRig({ limits: small });
    const people = [
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
    const sent = people.map((who, i) => send([rig.coin(who)], who, 1_000 + 1_000 * i));
    for (const tx of sent) {
      rig.accept(tx);
      rig.check();
    }
    const kept = rig.ids();
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.length).toBeLessThan(10);
    // Those that are left are those that pay most.
    expect(kept).toEqual(sent.slice(-kept.length).map((tx) => tx.id));
    const floor = rig.pool.minFeeRate;
    expect(floor).toBeGreaterThan(rig.limits.minRelayFeeRate);
    expect(rig.ruleFor(send([rig.coin('alice', 1)], 'bob', 110))).toBe('mempool min fee not met');
    // Without a block nothing decays.
    rig.now += 3_600 * 1_000_000;
    rig.accept(send([rig.coin('alice', 1)], 'bob', 110));
    expect(rig.pool.minFeeRate).toBe(floor);
    rig.mine();
    rig.now += 40 * 2_000_000;
    expect(rig.ruleFor(send([rig.coin('bob', 1)], 'bob', 50))).toBe('min relay fee not met');
    expect(rig.pool.minFeeRate).toBeLessThan(floor);
    rig.now += 3_600 * 1_000_000;
    expect(rig.ruleFor(send([rig.coin('alice', 1)], 'bob', 110))).toBe('accepted');
    expect(rig.pool.minFeeRate).toBe(rig.limits.minRelayFeeRate);
  });

  it('refuses a newcomer that pays least, and says who else had to go', () => {
    const rig = new PoolRig({ limits: { mempoolBytes: 8_000 } });
    for (const who of ['alice', 'bob', 'carol'] as const) rig.take(send([rig.coin(who)], who, 50_000));
    const before = rig.ids();
    const result = rig.accept(send([rig.coin('erin')], 'erin', 40_000));
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.error.rule).toBe('mempool full');
    expect(result.error.evicted).toEqual([]);
    expect(rig.ids()).toEqual(before);
    rig.check();
  });

  it('does not evict a poor parent whose child pays', () => {
    const rig = new PoolRig({ limits: { mempoolBytes: 12_000 } });
    const parent = send([rig.coin('alice')], 'bob', 110);
    rig.take(parent);
    const child = send([coinOf(parent, 'bob')], 'carol', 900_000);
    rig.take(child);
    for (const who of ['bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'] as const) {
      rig.accept(send([rig.coin(who)], who, 20_000));
    }
    expect(rig.ids()).toContain(parent.id);
    expect(rig.ids()).toContain(child.id);
    rig.check();
  });

  it('forgets what is too old, with its descendants', () => {
    const rig = new PoolRig({ limits: { mempoolExpiry: 10_000_000 } });
    const old = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(old);
    rig.now += 9_000_000;
    const child = send([coinOf(old, 'bob')], 'carol', 1_000);
    const other = send([rig.coin('bob')], 'carol', 1_000);
    rig.take(child);
    rig.take(other);
    expect(rig.pool.expire(rig.now)).toEqual([]);
    rig.now += 1_000_000;
    expect(rig.pool.expire(rig.now).map((entry) => entry.tx.id)).toEqual([old.id, child.id]);
    rig.commit();
    expect(rig.ids()).toEqual([other.id]);
    rig.check();
  });
});
