import { describe, expect, it } from 'vitest';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { makeTx } from '../../src/bitcoin/tx.ts';
import type { WellKnown } from '../../src/consensus/params/genesis.ts';
import { isRuleName, RULES, ruleOf } from '../../src/consensus/params/rules.ts';
import { data, type SpendOptions, spend } from '../dsl/keys.ts';
import { coinOf, PoolRig, pays, send } from './mempool-rig.ts';

/** One way to break each rule of the mempool, and the rules of version 3. */

const COIN = 100_000_000;
const forge = (tx: Tx) => {
  const [input] = tx.inputs;
  const [signature, key] = input!.witness;
  const other = signature!.slice();
  other[10]! ^= 1;
  return makeTx({ ...tx, inputs: [{ ...input!, witness: [other, key!] }] });
};
const packageRule = (rig: PoolRig, ...txs: Tx[]) => rig.pool.testPackage(txs).refusal?.rule;
/** A transaction of one input and one OP_RETURN of `bytes` data: 62 bytes and as many without witness. */
const tiny = (rig: PoolRig, bytes: number, o: SpendOptions = {}) =>
  spend([rig.coin('alice')], [{ value: 0, script: data(...Array<number>(bytes).fill(200)) }], o);
/** Outputs enough for so many vbytes. */
const wide = (rig: PoolRig, who: WellKnown, outputs: number, o: SpendOptions = {}) =>
  spend(
    [rig.coin(who)],
    Array.from({ length: outputs }, () => pays(who, 1_000)),
    o,
  );

const CASES: Readonly<Record<string, (rig: PoolRig) => string | undefined>> = {
  coinbase: (rig) => rig.ruleFor(rig.mine().block.txs[0]!),
  version: (rig) => rig.ruleFor(send([rig.coin('alice')], 'bob', 1_000, { version: 4 })),
  'tx-size-small': (rig) => rig.ruleFor(tiny(rig, 1)),
  'TRUC-violation': (rig) => {
    const parent = send([rig.coin('alice')], 'bob', 1_000, { version: 3 });
    rig.take(parent);
    return rig.ruleFor(send([coinOf(parent, 'bob')], 'carol', 1_000));
  },
  'tx-size': (rig) => rig.ruleFor(wide(rig, 'dave', 3_300)),
  'missing-inputs': (rig) =>
    rig.ruleFor(send([coinOf(send([rig.coin('alice')], 'bob', 1_000), 'bob')], 'carol', 1_000)),
  'txn-already-in-mempool': (rig) => {
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(tx);
    return rig.ruleFor(tx);
  },
  'txn-same-nonwitness-data-in-mempool': (rig) => {
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(tx);
    return rig.ruleFor(forge(tx));
  },
  'txn-already-known': (rig) => {
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(tx);
    rig.mine();
    return rig.ruleFor(tx);
  },
  'bad-txns-spends-conflicting-tx': (rig) => {
    const first = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(first);
    return rig.ruleFor(spend([rig.coin('alice'), coinOf(first, 'bob')], [pays('bob', COIN)]));
  },
  'too many potential replacements': () => {
    const rig = new PoolRig({ limits: { mempoolReplacements: 0 } });
    rig.take(send([rig.coin('alice')], 'bob', 1_000));
    return rig.ruleFor(send([rig.coin('alice')], 'bob', 9_000));
  },
  'insufficient fee': (rig) => {
    rig.take(send([rig.coin('alice')], 'bob', 1_000));
    return rig.ruleFor(send([rig.coin('alice')], 'carol', 1_000));
  },
  'min relay fee not met': (rig) => rig.ruleFor(send([rig.coin('alice')], 'bob', 1)),
  'mempool min fee not met': () => {
    const rig = new PoolRig({ limits: { mempoolBytes: 8_000 } });
    for (const who of ['alice', 'bob', 'carol', 'dave', 'erin'] as const)
      rig.accept(send([rig.coin(who)], who, 50_000));
    return rig.ruleFor(send([rig.coin('frank')], 'bob', 200));
  },
  'mempool full': () => {
    const rig = new PoolRig({ limits: { mempoolBytes: 8_000 } });
    for (const who of ['alice', 'bob', 'carol'] as const) rig.take(send([rig.coin(who)], who, 50_000));
    return rig.ruleFor(send([rig.coin('erin')], 'erin', 40_000));
  },
  'too-long-mempool-chain': () => {
    const rig = new PoolRig({ limits: { mempoolAncestors: 1 } });
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    rig.take(parent);
    return rig.ruleFor(send([coinOf(parent, 'bob')], 'carol', 1_000));
  },
  dust: (rig) => rig.ruleFor(spend([rig.coin('alice')], [pays('bob', 293)])),
  'max-fee-exceeded': (rig) => rig.ruleFor(send([rig.coin('alice')], 'bob', 2_000), { maxFeeRate: 10_000 }),
  'non-final': (rig) => rig.ruleFor(send([rig.coin('alice')], 'bob', 1_000, { lockTime: 99, sequence: 0 })),
  'non-BIP68-final': (rig) => rig.ruleFor(send([rig.coin('alice')], 'bob', 1_000, { sequence: 99 })),
  'mempool-script-verify-flag-failed': (rig) => rig.ruleFor(forge(send([rig.coin('alice')], 'bob', 1_000))),
  'package-too-large': (rig) => packageRule(rig, wide(rig, 'alice', 2_000), wide(rig, 'bob', 2_000)),
  'package-contains-duplicates': (rig) => {
    const tx = send([rig.coin('alice')], 'bob', 1_000);
    return packageRule(rig, tx, tx);
  },
  'package-not-sorted': (rig) => {
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    return packageRule(rig, send([coinOf(parent, 'bob')], 'carol', 1_000), parent);
  },
  'conflict-in-package': (rig) =>
    packageRule(rig, send([rig.coin('alice')], 'bob', 1_000), send([rig.coin('alice')], 'carol', 1_000)),
  'package-mempool-limits': () => {
    const rig = new PoolRig({ limits: { mempoolAncestors: 1 } });
    return packageRule(rig, send([rig.coin('alice')], 'bob', 1_000), send([rig.coin('bob')], 'bob', 1_000));
  },
  'bip125-replacement-disallowed': (rig) => {
    rig.take(send([rig.coin('alice')], 'bob', 1_000));
    const [first] = rig.pool.testPackage([
      send([rig.coin('alice')], 'carol', 90_000),
      send([rig.coin('bob')], 'carol', 1_000),
    ]).verdicts;
    return first?.ok === false ? first.error.rule : undefined;
  },
};

describe('RULES of the mempool', () => {
  it('has a case for every row', () => {
    const rows = Object.keys(RULES)
      .filter(isRuleName)
      .filter((name) => ruleOf(name).rung === 'mempool');
    expect(Object.keys(CASES).sort()).toEqual(rows.sort());
  });

  it.each(Object.entries(CASES))('%s', (rule, broken) => {
    const rig = new PoolRig();
    expect(broken(rig)).toBe(rule);
    rig.check();
  });
});

describe('policy that blocks do not have', () => {
  it('takes versions 1 to 3, of which a block may hold any', () => {
    for (const version of [0, 4, 0x8000_0000, 0xffff_ffff]) {
      const rig = new PoolRig();
      const tx = send([rig.coin('alice')], 'bob', 1_000, { version });
      expect([version, rig.ruleFor(tx)]).toEqual([version, 'version']);
    }
    for (const version of [1, 2, 3]) {
      const rig = new PoolRig();
      expect(rig.ruleFor(send([rig.coin('alice')], 'bob', 1_000, { version }))).toBe('accepted');
    }
  });

  it('takes 65 bytes without witness, and none below', () => {
    const rig = new PoolRig();
    const sizes = [1, 2, 3].map((bytes) => tiny(rig, bytes));
    expect(sizes.map((tx) => [tx.strippedSize, rig.ruleFor(tx, { test: true })])).toEqual([
      [63, 'tx-size-small'],
      [64, 'tx-size-small'],
      [65, 'accepted'],
    ]);
  });
});

describe('version 3 (BIP431)', () => {
  const v3 = { version: 3 };

  it('is small, and smaller where it spends what is unconfirmed', () => {
    const rig = new PoolRig();
    const big = wide(rig, 'alice', 320, v3);
    expect(big.vsize).toBeGreaterThan(10_000);
    expect(rig.ruleFor(big)).toBe('TRUC-violation');
    const parent = wide(rig, 'alice', 300, v3);
    expect(parent.vsize).toBeLessThan(10_000);
    rig.take(parent);
    const coins = Array.from({ length: 15 }, (_, i) => coinOf(parent, 'alice', i));
    const child = spend(coins, [pays('bob', 10_000)], v3);
    expect(child.vsize).toBeGreaterThan(1_000);
    expect(rig.ruleFor(child)).toBe('TRUC-violation');
    expect(rig.ruleFor(spend(coins.slice(0, 10), [pays('bob', 6_000)], v3))).toBe('accepted');
    rig.check();
  });

  it('has one unconfirmed parent, of version 3, and no grandparent', () => {
    const rig = new PoolRig();
    const old = send([rig.coin('alice')], 'alice', 1_000);
    const one = send([rig.coin('bob')], 'bob', 1_000, v3);
    const two = send([rig.coin('carol')], 'carol', 1_000, v3);
    for (const tx of [old, one, two]) rig.take(tx);
    expect(rig.ruleFor(send([coinOf(old, 'alice')], 'dave', 1_000, v3))).toBe('TRUC-violation');
    expect(rig.ruleFor(send([coinOf(one, 'bob'), coinOf(two, 'carol')], 'dave', 1_000, v3))).toBe(
      'TRUC-violation',
    );
    const child = send([coinOf(one, 'bob')], 'bob', 1_000, v3);
    rig.take(child);
    expect(rig.ruleFor(send([coinOf(child, 'bob')], 'dave', 1_000, v3))).toBe('TRUC-violation');
    // Confirmed parents do not count.
    rig.mine();
    expect(rig.ruleFor(send([coinOf(old, 'alice'), coinOf(two, 'carol')], 'dave', 1_000, v3))).toBe(
      'accepted',
    );
    rig.check();
  });

  it('has one child: another one takes its place if it pays more', () => {
    const rig = new PoolRig();
    const parent = spend([rig.coin('alice')], [pays('bob', 9 * COIN), pays('carol', 9 * COIN)], v3);
    rig.take(parent);
    const child = send([coinOf(parent, 'bob')], 'dave', 1_000, v3);
    rig.take(child);
    const sibling = (fee: number) => send([coinOf(parent, 'carol', 1)], 'dave', fee, v3);
    expect(rig.ruleFor(sibling(1_000))).toBe('insufficient fee');
    const { replaced } = rig.take(sibling(5_000));
    expect(replaced.map((entry) => entry.tx.id)).toEqual([child.id]);
    // The child itself may be replaced as ever.
    expect(rig.ruleFor(send([coinOf(parent, 'carol', 1)], 'erin', 9_000, v3))).toBe('accepted');
    rig.check();
  });

  it('holds for a package as a whole', () => {
    const rig = new PoolRig();
    const parent = spend([rig.coin('alice')], [pays('bob', 9 * COIN), pays('carol', 9 * COIN)], v3);
    const bobs = send([coinOf(parent, 'bob')], 'bob', 1_000, v3);
    const carols = send([coinOf(parent, 'carol', 1)], 'carol', 1_000, v3);
    expect(packageRule(rig, parent, bobs)).toBeUndefined();
    expect(packageRule(rig, parent, bobs, carols)).toBe('TRUC-violation');
    expect(packageRule(rig, parent, bobs, send([coinOf(bobs, 'bob')], 'dave', 1_000, v3))).toBe(
      'TRUC-violation',
    );
    expect(packageRule(rig, parent, send([coinOf(parent, 'bob')], 'bob', 1_000))).toBe('TRUC-violation');
    rig.take(parent);
    rig.take(bobs);
    // One of a package evicts nobody.
    const [first] = rig.pool.testPackage([carols, send([rig.coin('dave')], 'dave', 1_000)]).verdicts;
    expect(first?.ok === false && first.error.rule).toBe('TRUC-violation');
  });

  it('does not keep a reorg from bringing back what blocks have confirmed', () => {
    const rig = new PoolRig();
    const parent = send([rig.coin('alice')], 'bob', 1_000, v3);
    rig.take(parent);
    rig.mine();
    const child = send([coinOf(parent, 'bob')], 'carol', 1_000);
    rig.take(child);
    rig.mine();
    const other = new PoolRig({ tag: 'B' });
    for (let i = 0; i < 3; i++) other.mine();
    rig.follow(other);
    rig.settle();
    expect(rig.ids()).toEqual([parent.id, child.id]);
    rig.check();
  });
});
