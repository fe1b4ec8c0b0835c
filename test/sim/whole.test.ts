import { describe, expect, it } from 'vitest';
import { agree, checkShare, meanOf } from '../../src/observe/figures/judge.ts';
import { doubleSpend } from '../../src/observe/theory/attack.ts';
import { honestGrowth, honestGrowthOfFew } from '../../src/observe/theory/speed.ts';
import { runDifficulty, SPACING_MS } from '../../src/sim/models/reduced/difficulty.ts';
import { drawInbound, drawOutbound } from '../../src/sim/models/reduced/eclipse.ts';
import { runFewMiners } from '../../src/sim/models/reduced/few-miners.ts';
import { runFlooding } from '../../src/sim/models/reduced/flooding.ts';
import { runWholeJumps } from '../../src/sim/models/whole/difficulty.ts';
import { runWholeDoubleSpends } from '../../src/sim/models/whole/double-spend.ts';
import { runWholeAlarms, runWholeEclipse } from '../../src/sim/models/whole/eclipse.ts';
import { runWholeFlooding } from '../../src/sim/models/whole/flooding.ts';
import { INTERVAL_MS } from '../../src/sim/models/whole/pair.ts';
import { runWholePartitions } from '../../src/sim/models/whole/partition.ts';
import { surrounded } from '../../src/sim/models/whole/selfish.ts';
import { runWholeSpeed } from '../../src/sim/models/whole/speed.ts';
import { exponentialOf } from '../../src/util/elementary.ts';
import { seeded } from '../../src/util/random.ts';
import { NETWORKS_JSON } from '../dsl/networks.ts';

const quiet = () => undefined;
const networks = NETWORKS_JSON;

/** At each tie, how much of the honest power stands on the attacker's block when all have heard of both. */
function sidesOfTies(gamma: number, intervals: number): number[] {
  const { world, honest } = surrounded({ alpha: 0.35, gamma, blocks: 0, seed: 'ties', networks });
  const sides: number[] = [];
  world.onEvent((event) => {
    if (event.kind !== 'action' || !event.text.endsWith(': a tie')) return;
    world.after(8, () => {
      const taken = honest.filter(({ name }) => world.node(name).tip.miner === 'B');
      sides.push(taken.reduce((sum, { part }) => sum + part, 0));
    });
  });
  world.run(intervals * INTERVAL_MS);
  return sides;
}

describe('a selfish miner among whole nodes', () => {
  it('has half of the honest power on its side of every tie, where two honest nodes have half each', () => {
    const sides = sidesOfTies(0.5, 400);
    expect(sides.length).toBeGreaterThan(40);
    expect(new Set(sides)).toEqual(new Set([0.5]));
  });

  it('has any other part in the mean', () => {
    const sides = sidesOfTies(0.3, 600);
    const { mean, se } = meanOf(sides);
    expect(se).toBeGreaterThan(0);
    expect(Math.abs(mean - 0.3)).toBeLessThan(3.3 * se);
    // Never those of half the power, and never nobody.
    expect(Math.max(...sides)).toBeLessThan(0.45);
    expect(Math.min(...sides)).toBeGreaterThan(0.15);
  });
});

describe('double spends among whole nodes', () => {
  const races = 200;
  const won = (model: 'strict' | 'tie' | 'nakamoto', z: number) =>
    runWholeDoubleSpends({ q: 0.3, z, races, model, seed: 'spends', networks }, quiet);

  it('win as often as each model says, and a tie is worth a block', () => {
    const strict = won('strict', 1);
    const tie = won('tie', 1);
    expect(Math.abs(checkShare(strict, races, doubleSpend(0.3, 1, 'strict')).z)).toBeLessThan(3.3);
    expect(Math.abs(checkShare(tie, races, doubleSpend(0.3, 1, 'tie')).z)).toBeLessThan(3.3);
    expect(Math.abs(checkShare(tie, races, doubleSpend(0.3, 1, 'strict')).z)).toBeGreaterThan(3.3);
    expect(Math.abs(checkShare(won('nakamoto', 3), races, doubleSpend(0.3, 3, 'nakamoto')).z)).toBeLessThan(
      3.3,
    );
  });

  it('win as often as predicted with a secret lead, which may be of several blocks', () => {
    const many = 800;
    const lead = { q: 0.3, z: 6, races: many, model: 'premined', seed: 'leads', networks } as const;
    const wins = runWholeDoubleSpends(lead, quiet);
    expect(Math.abs(checkShare(wins, many, doubleSpend(0.3, 6, 'premined')).z)).toBeLessThan(3.3);
    expect(checkShare(wins, many, doubleSpend(0.3, 6, 'strict')).z).toBeGreaterThan(3.3);
  }, 900_000);

  it('last as long as they last: with nearly half of the power, thousands of blocks', () => {
    const races = 12;
    const long = { q: 0.48, z: 1, races, model: 'strict', seed: 'long 3', networks } as const;
    expect(runWholeDoubleSpends(long, quiet)).toBeLessThan(races);
  });

  it('are the same for the same seed', () => {
    expect(won('nakamoto', 1)).toBe(won('nakamoto', 1));
  });
});

describe('two sides that are healed among whole nodes', () => {
  it('agree one delay later, or when the next block has decided', () => {
    const delay = 0.02;
    const input = { blocks: 6, share: 0.5, runs: 120, delay, seed: 'heal', networks };
    const { ties, agreement } = runWholePartitions(input, quiet);
    const microsecond = 1e-7;
    const atOnce = agreement.filter((time) => Math.abs(time - delay) < microsecond);
    const later = agreement.filter((time) => time > delay + microsecond);
    // All others had found nothing on either side.
    expect(agreement.filter((time) => time < delay - microsecond).every((time) => time === 0)).toBe(true);
    expect(atOnce.length).toBeGreaterThan(80);
    expect(later.length).toBeGreaterThanOrEqual(ties);
    const { mean, se } = meanOf(later.map((time) => time - delay));
    expect(Math.abs(mean - 1)).toBeLessThan(3.3 * se);
  });
});

describe('a private attack on a few honest miners', () => {
  const attack = { x: 1, beta: 0.46, miners: 3, horizon: 100 };
  const reduced = (rule: 'most-work' | 'ghost') =>
    runFewMiners({ ...attack, rule, races: 400, growthBlocks: 0, seed: 'few' }, quiet);

  it('leaves two of them to grow as theory has it exactly, and faster than many tiny ones', () => {
    const { growth } = runFewMiners(
      {
        x: 1,
        beta: 0.1,
        rule: 'most-work',
        miners: 2,
        races: 0,
        horizon: 0,
        growthBlocks: 40_000,
        seed: 'g',
      },
      quiet,
    );
    const { mean, se } = meanOf(growth);
    expect(Math.abs(mean - honestGrowthOfFew(1, 0.1, 2))).toBeLessThan(3.3 * se);
    expect(mean - honestGrowth(1, 0.1)).toBeGreaterThan(10 * se);
  });

  it('wins among whole nodes as often as in the reduced model, under both rules', () => {
    const races = 20;
    const shares = { 'most-work': reduced('most-work').won / 400, ghost: reduced('ghost').won / 400 };
    for (const rule of ['most-work', 'ghost'] as const) {
      const { won, heights } = runWholeSpeed({ ...attack, rule, races, seed: rule, networks }, quiet);
      const other = rule === 'ghost' ? 'most-work' : 'ghost';
      expect(Math.abs(checkShare(won, races, shares[rule]).z)).toBeLessThan(3.3);
      expect(Math.abs(checkShare(won, races, shares[other]).z)).toBeGreaterThan(3.3);
      const [whole, few] = [meanOf(heights), meanOf(reduced(rule).heights)];
      expect(agree({ measured: whole.mean, se: whole.se }, { measured: few.mean, se: few.se }, 3.3)).toBe(
        true,
      );
    }
  });
});

describe('victims of an eclipse among whole nodes', () => {
  it('are exactly those who have no honest link', () => {
    // One world's worth: outbound links of all victims are drawn first, then inbound ones.
    const input = { degree: 3, share: 0.8, trials: 25, seed: 'eclipse' };
    const random = seeded(input.seed);
    const outbound = Array.from({ length: 25 }, () => drawOutbound(input, random).length === 0);
    const inbound = Array.from({ length: 25 }, () => drawInbound(input, random).length === 0);
    const expected = {
      outbound: outbound.filter((none) => none).length,
      isolated: outbound.filter((none, i) => none && inbound[i]).length,
    };
    expect(expected.isolated).toBeGreaterThan(0);
    expect(expected.isolated).toBeLessThan(expected.outbound);
    expect(expected.outbound).toBeLessThan(25);
    expect(runWholeEclipse({ ...input, networks }, quiet)).toEqual(expected);
  });

  it('cannot tell a late block from an attack: waits are as long as chance has them', () => {
    const waits = 400;
    const late = (intervals: number) =>
      runWholeAlarms({ intervals, trials: waits, seed: 'w', networks }, quiet);
    expect(Math.abs(checkShare(late(1), waits, exponentialOf(-1)).z)).toBeLessThan(3.3);
    expect(Math.abs(checkShare(late(2), waits, exponentialOf(-2)).z)).toBeLessThan(3.3);
    expect(Math.abs(checkShare(late(2), waits, exponentialOf(-1)).z)).toBeGreaterThan(3.3);
  });
});

describe('a jump of the power of a whole node', () => {
  const looks = [72, 288];
  const jump = { factor: 4, jumps: 4, looks, by: 'time' as const, seed: 'jump', networks };

  it('is made up for by the rule of its network alone', () => {
    expect(runWholeJumps({ ...jump, retarget: { kind: 'none' } }, quiet)).toEqual(
      looks.map(() => [4, 4, 4, 4]),
    );
  });

  it.each(['ema', 'asert'] as const)('is made up for as in the reduced model under %s', (kind) => {
    for (const factor of [4, 0.25]) {
      const whole = runWholeJumps({ ...jump, factor, retarget: { kind, halflifeIntervals: 144 } }, quiet);
      const retarget = { kind, halflifeMs: 144 * SPACING_MS };
      const input = { ...jump, factor, retarget, blocks: 100, jumps: 200 };
      for (const [i, speeds] of runDifficulty(input, quiet).speeds.entries()) {
        const { mean, se } = meanOf(speeds);
        const scatter = se * Math.sqrt(speeds.length);
        const off = Math.abs(meanOf(whole[i]!).mean - mean);
        expect(off).toBeLessThan(3.3 * Math.hypot(se, scatter / Math.sqrt(whole[i]!.length)));
        expect(off).toBeLessThan(Math.abs(factor - mean) / 4);
      }
    }
  });

  it('counts by the window under the rule of Bitcoin', () => {
    const retarget = { kind: 'bitcoin', window: 60 } as const;
    const speeds = runWholeJumps({ ...jump, retarget, factor: 8, by: 'blocks', looks: [30, 90] }, quiet);
    expect(speeds[0]).toEqual([8, 8, 8, 8]);
    for (const speed of speeds[1]!) expect(speed).toBeCloseTo(2, 3);
  });
});

describe('a flood among whole nodes', () => {
  it('takes exactly the hops of the reduced model on the same network', () => {
    const input = { nodes: 60, degree: 5, floods: 3, seed: 'flood' };
    const { hops, reached } = runFlooding(input, quiet);
    expect(runWholeFlooding({ ...input, networks }, quiet)).toEqual({ hops, reached });
    expect(new Set(hops).size).toBeGreaterThan(1);
  });
});
