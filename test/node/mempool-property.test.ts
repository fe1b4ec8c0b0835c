import { describe, expect, it } from 'vitest';
import { WELL_KNOWN, type WellKnown } from '../../src/consensus/params/genesis.ts';
import { type Random, seeded } from '../../src/util/random.ts';
import { type Spendable, spend } from '../dsl/keys.ts';
import { coinOf, PoolRig, pays } from './mempool-rig.ts';

/** Coins that were made at some time, whether they are there now or not: whoever spends them finds out. */
class Purse {
  readonly #coins: Spendable[] = [];
  readonly #random: Random;

  constructor(random: Random, rig: PoolRig) {
    this.#random = random;
    for (const who of WELL_KNOWN) for (let n = 0; n < 2; n++) this.#coins.push(rig.coin(who, n));
  }

  who(): WellKnown {
    return WELL_KNOWN[this.#random.below(WELL_KNOWN.length)]!;
  }

  /** A payment of one or two coins to one or two people; old coins and new ones, spent before or not. */
  payment(): ReturnType<typeof spend> {
    const r = this.#random;
    const first = this.#pick();
    const second = r.below(4) === 0 ? this.#pick() : undefined;
    const coins = second === undefined || second === first ? [first] : [first, second];
    const sum = coins.reduce((total, coin) => total + coin.value, 0);
    const fee = 110 + r.below(5) * 400 + r.below(3) * 3_000;
    const people = r.below(3) === 0 ? [this.who(), this.who()] : [this.who()];
    const share = Math.floor((sum - fee) / people.length);
    const tx = spend(
      coins,
      people.map((name) => pays(name, share)),
    );
    for (const [i, name] of people.entries()) this.#coins.push(coinOf(tx, name, i));
    return tx;
  }

  /** Half of the time one of the newest. */
  #pick(): Spendable {
    const n = this.#coins.length;
    const back = this.#random.below(2) === 0 ? this.#random.below(Math.min(n, 8)) : this.#random.below(n);
    return this.#coins[n - 1 - back]!;
  }
}

/** One life of two nodes that hear of each other now and then; every invariant is checked after every act. */
function live(seed: number, acts: number): { digest: string; counts: Record<string, number> } {
  const random = seeded(seed);
  const limits = { mempoolBytes: 60_000, mempoolExpiry: 8_000_000 };
  let a = new PoolRig({ tag: 'A', limits });
  const b = new PoolRig({ tag: 'B', limits });
  const purse = new Purse(random, a);
  const counts: Record<string, number> = {};
  const count = (what: string, n = 1) => {
    counts[what] = (counts[what] ?? 0) + n;
  };
  for (let act = 0; act < acts; act++) {
    a.now += 1_000_000;
    b.now += 1_000_000;
    const dice = random.below(20);
    if (dice < 13) {
      const tx = purse.payment();
      if (random.below(8) !== 0) count(a.ruleFor(tx));
      if (random.below(3) === 0) b.accept(tx);
    } else if (dice < 15) {
      a.mine();
    } else if (dice < 17) {
      b.mine();
    } else if (dice === 17) {
      // Whoever is ahead convinces the other.
      const [behind, ahead] = a.chain.tip.height < b.chain.tip.height ? [a, b] : [b, a];
      const before = behind.changes.length;
      const said = behind.follow(ahead);
      if (random.below(2) === 0) behind.pool.readmit(1, behind.now, behind.wallS);
      behind.commit();
      const settled = behind.settle(random.below(2) === 0 ? 1 : 5_000);
      count('returned', settled.returned.length);
      count('lost', settled.lost.length);
      count('conflict', said.removed.length);
      if (behind.changes.slice(before).some((change) => change.outEntries.length > 0)) count('reorg');
    } else if (dice === 18) {
      count('expired', a.pool.expire(a.now).length);
      a.commit();
    } else {
      const again = new PoolRig({ tag: 'A', limits, store: a.store, wallS: a.wallS });
      const { lost } = again.settle();
      // The same admission on the same coins: what was in before is in again, but for the rate that a full pool asks.
      expect(lost).toEqual([]);
      expect(again.ids().sort()).toEqual(a.ids().sort());
      count('restart');
      again.now = a.now;
      a = again;
    }
    a.check();
    b.check();
  }
  // A block of everything that is left is valid, and empties the pool but for what does not fit.
  a.mine();
  expect(a.pool.size).toBe(0);
  return { digest: [a.chain.tip.id, ...a.ids()].join(), counts };
}

describe('the pool over random lives', () => {
  it('holds its invariants, its blocks connect, and nothing contradicts itself', () => {
    const total: Record<string, number> = {};
    for (let seed = 1; seed <= 6; seed++) {
      for (const [what, n] of Object.entries(live(seed, 160).counts)) total[what] = (total[what] ?? 0) + n;
    }
    // The lives were not dull: everything that can happen did.
    for (const what of [
      'accepted',
      'missing-inputs',
      'insufficient fee',
      'returned',
      'lost',
      'conflict',
      'reorg',
      'expired',
      'restart',
    ]) {
      expect(total[what] ?? 0, what).toBeGreaterThan(0);
    }
  });

  it('lives the same life twice', () => {
    expect(live(77, 120).digest).toBe(live(77, 120).digest);
  });
});
