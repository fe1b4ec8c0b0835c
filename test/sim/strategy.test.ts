import { describe, expect, it } from 'vitest';
import { Attack, StrategyError } from '../../src/sim/strategy/attack.ts';
import { PaidTwice } from '../../src/sim/strategy/paid-twice.ts';
import { doubleSpend, honest, STRATEGIES, selfish, stubborn } from '../../src/sim/strategy/shipped.ts';
import type { Strategy } from '../../src/sim/strategy/strategy.ts';
import { Duel } from './strategy-rig.ts';

/** Eyal and Sirer 2013, equation 8. */
function eyalSirer(a: number, g: number): number {
  return (a * (1 - a) ** 2 * (4 * a + g * (1 - 2 * a)) - a ** 3) / (1 - a * (1 + (2 - a) * a));
}

function revenue(strategy: Strategy, alpha: number, gamma: number, blocks = 30_000, seed = 1) {
  const duel = new Duel(strategy, alpha, gamma, seed);
  for (let i = 0; i < blocks; i++) duel.step();
  return duel.revenue();
}

/** Forced sequence: o = the attacker finds a block, p = the others do. What was done, in words. */
function play(strategy: Strategy, sequence: string): string {
  const duel = new Duel(strategy, 0, 0, 1);
  for (const who of sequence) duel.step(who === 'o');
  return duel.moves
    .map(({ kind, ids, ...more }) => kind + ids.length + (Object.keys(more).length > 0 ? '!' : ''))
    .join(' ');
}

describe('selfish mining', () => {
  it.each([
    [0.25, 0, 0.1951, 0.55],
    [0.4, 0, 0.4837, 1.08],
    [0.25, 0.5, 0.25, 0.54],
    [0.4, 0.5, 0.5256, 0.98],
    [0.1, 1, 0.1092, 0.33],
  ])('earns what Eyal and Sirer derive: power %d, gamma %d', (alpha, gamma, published, c) => {
    expect(eyalSirer(alpha, gamma)).toBeCloseTo(published, 4);
    const { blocks, share } = revenue(selfish, alpha, gamma);
    // The standard error is c/√blocks; c is of 200 runs of 2,000 blocks each.
    expect(Math.abs(share - published)).toBeLessThan((3.3 * c) / Math.sqrt(blocks));
  });

  it('shows, races and gives up as the paper says', () => {
    expect(play(selfish, 'p')).toBe('adopt1');
    expect(play(selfish, 'op')).toBe('publish1!');
    expect(play(selfish, 'opo')).toBe('publish1! publish1');
    expect(play(selfish, 'opp')).toBe('publish1! adopt2');
    expect(play(selfish, 'oop')).toBe('publish2');
    expect(play(selfish, 'ooop')).toBe('publish1!');
    expect(play(selfish, 'ooopp')).toBe('publish1! publish2');
  });
});

describe('stubborn mining', () => {
  it('keeps its lead, its tie, or its trailing branch', () => {
    expect(play(stubborn({ lead: true }), 'oop')).toBe('publish1!');
    expect(play(stubborn({ lead: true }), 'oopp')).toBe('publish1! publish1!');
    expect(play(stubborn({ fork: true }), 'opo')).toBe('publish1!');
    expect(play(stubborn({ fork: true }), 'opop')).toBe('publish1! publish1!');
    expect(play(stubborn({ trail: 1 }), 'opp')).toBe('publish1!');
    expect(play(stubborn({ trail: 1 }), 'oppp')).toBe('publish1! adopt3');
    expect(play(stubborn({ trail: 1 }), 'oppo')).toBe('publish1! publish1!');
    expect(play(stubborn({ trail: 1 }), 'oppoo')).toBe('publish1! publish1! publish1');
  });

  it('pays where many take its side of a tie, as the paper finds, and not where nobody does', () => {
    const plain = revenue(selfish, 0.4, 0.9).share;
    expect(revenue(stubborn({ lead: true }), 0.4, 0.9).share).toBeGreaterThan(plain + 0.01);
    expect(revenue(stubborn({ fork: true }), 0.25, 0).share).toBeLessThan(revenue(selfish, 0.25, 0).share);
  });
});

describe('honest', () => {
  it('earns its share, whatever the network does at a tie', () => {
    for (const gamma of [0, 1]) {
      const { blocks, share } = revenue(honest, 0.3, gamma);
      expect(Math.abs(share - 0.3)).toBeLessThan(3.3 * Math.sqrt((0.3 * 0.7) / blocks));
    }
    expect(play(honest, 'opo')).toBe('publish1 adopt1 publish1');
  });
});

describe('the private double spend', () => {
  it('waits for the confirmations, needs a strictly longer branch, and gives up in the end', () => {
    const two = doubleSpend({ confirmations: 2, giveUpAt: 3 });
    expect(play(two, 'ppoo')).toBe('');
    expect(play(two, 'ppooo')).toBe('publish3');
    expect(play(two, 'ooop')).toBe('');
    expect(play(two, 'ooopp')).toBe('publish3');
    expect(play(two, 'ppp')).toBe('adopt3');
    expect(play(two, 'opppp')).toBe('adopt4');
  });

  it('wins as often as an exact race of that length', () => {
    // z = 2, strictly longer, q = 0.3: 1 − Σ_{m≤z+1}…, but for giving up at ten blocks behind (under 0.0003).
    const q = 0.3;
    const races = 8_000;
    let won = 0;
    for (let seed = 0; seed < races; seed++) {
      const duel = new Duel(doubleSpend({ confirmations: 2 }), q, 0, seed);
      while (duel.moves.length === 0) duel.step();
      if (duel.moves[0]!.kind === 'publish') won++;
    }
    expect(Math.abs(won / races - strict(q, 2))).toBeLessThan(
      3.3 * Math.sqrt((strict(q, 2) * (1 - strict(q, 2))) / races) + 0.0003,
    );
  });
});

/** Chance to get strictly ahead after the z-th honest block: the attacker has m blocks then, and still needs z + 1 − m. */
function strict(q: number, z: number): number {
  const p = 1 - q;
  let chance = 1;
  let term = p ** z;
  for (let m = 0; m <= z; m++) {
    chance -= term * (1 - (q / p) ** (z + 1 - m));
    term *= (q * (z + m)) / (m + 1);
  }
  return chance;
}

describe('an attack', () => {
  it('ships strategies that answer sensibly whatever happens', () => {
    for (const { strategy } of Object.values(STRATEGIES)) {
      for (const gamma of [0, 0.5, 1]) {
        const duel = new Duel(strategy, 0.45, gamma, 7);
        for (let i = 0; i < 3_000; i++) duel.step();
        expect(duel.revenue().blocks).toBeGreaterThan(500);
      }
    }
  });

  it.each([
    [() => undefined, 'must answer { publish, mineOn }, not undefined'],
    [() => ({ publish: 2, mineOn: 'own' }), 'publish must be from 0 to 1 (what is public stays so), not 2'],
    [() => ({ publish: 0.5, mineOn: 'own' }), 'publish must be a whole number'],
    [() => ({ publish: 0, mineOn: 'theirs' }), "mineOn must be 'own' or 'public'"],
  ])('names what a strategy answered wrongly: %#', (strategy, message) => {
    const duel = new Duel(strategy as unknown as Strategy, 1, 0, 1);
    expect(() => duel.step(true)).toThrow(StrategyError);
    expect(() => new Duel(strategy as unknown as Strategy, 1, 0, 1).step(true)).toThrow(message);
  });

  it('takes public blocks in any order and twice', () => {
    const duel = new Duel(selfish, 0, 0, 1);
    const block = (height: number) => ({
      id: 'x' + height,
      prev: height === 1 ? 'g' : 'x' + (height - 1),
      height,
      work: BigInt(height),
    });
    expect(duel.attack.gate(block(3))).toEqual([]);
    expect(duel.attack.gate(block(2))).toEqual([]);
    expect(duel.attack.gate(block(1)).flatMap(({ ids }) => ids)).toEqual(['x1', 'x2', 'x3']);
    expect(duel.attack.gate(block(2))).toEqual([]);
    expect(duel.attack.race('public')).toEqual({ event: 'public', own: 0, public: 0, published: 0 });
  });

  it('counts what the merchant saw from the height of the public branch, however deep the branches part', () => {
    const paid = new PaidTwice();
    let height = 2;
    paid.begin('p', 'c', () => height);
    const race = (blocks: number) => ({ event: 'public', own: 0, public: blocks, published: 0 }) as const;
    expect(paid.confirmed(race(1))).toBe(0);
    height = 3;
    paid.apply({ kind: 'connected', id: 'z', height: 3, miner: 'B', txids: ['p'] });
    // The tip on which the race began was reorganised away, so the branches part one block lower.
    expect(paid.confirmed(race(2))).toBe(1);
    height = 8;
    expect(paid.confirmed(race(7))).toBe(6);
  });

  it('hears of the public branch, though the tip that it began on loses', () => {
    const block = (id: string, prev: string, height: number) => ({ id, prev, height, work: BigInt(height) });
    const [base, tip, rival] = [block('p', 'g', 1), block('x', 'p', 2), block('y', 'p', 2)];
    const attack = new Attack(doubleSpend(), tip, [base, rival]);
    expect(attack.gate(block('z', 'y', 3))).toEqual([]);
    // The lair goes on from where it stands: one of its blocks is public.
    expect(attack.race('public')).toEqual({ event: 'public', own: 1, public: 2, published: 1 });
    expect(attack.publicHeight).toBe(3);
    attack.lair(block('o', 'x', 3));
    expect(attack.race('own')).toEqual({ event: 'own', own: 2, public: 2, published: 1 });
  });
});
