import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RULES, type RuleName } from '../../../src/consensus/params/rules.ts';
import { BAD_BLOCKS } from '../../../src/sim/swarm/bad-blocks.ts';
import { COMPACT_LIES } from '../../../src/sim/swarm/lies.ts';
import { drawPlan, type Plan } from '../../../src/sim/swarm/plan.ts';
import { shrink } from '../../../src/sim/swarm/shrink.ts';
import { runSwarm } from '../../../src/sim/swarm/swarm.ts';
import { planWords } from '../../../src/sim/swarm/words.ts';
import { PLANTED } from './planted.ts';

const file = new URL('../../../genesis.json', import.meta.url);
const networks: unknown = JSON.parse(readFileSync(file, 'utf8'));

function lives(seeds: readonly number[]) {
  const reports = runSwarm({ networks, seeds: seeds.map(String) });
  return reports
    .filter(({ failure }) => failure !== undefined)
    .map(({ seed, failure }) => ({ seed, failure }));
}

describe('the swarm', () => {
  it('finds nothing in these lives', () => {
    expect(lives(Array.from({ length: 12 }, (_, i) => i + 1))).toEqual([]);
  });

  it('finds nothing in fresh ones; what it prints repeats them: forkyard swarm --seed', () => {
    const from = Math.floor(Math.random() * 1e9);
    expect(lives([from, from + 1, from + 2])).toEqual([]);
  });

  it('lives the same life again', () => {
    const [once] = runSwarm({ networks, seeds: ['5'] });
    const [again] = runSwarm({ networks, seeds: ['5'] });
    expect(again).toEqual(once);
    expect(once!.figures.blocks).toBeGreaterThan(0);
  });

  it('has blocks announced by short ids, and those who lie about them', () => {
    const plans = Array.from({ length: 60 }, (_, i) => drawPlan(i + 1)).filter(({ compact }) => compact);
    const told = new Set(plans.flatMap(({ events }) => events.map((e) => (e.kind === 'lie' ? e.lie : ''))));
    expect(COMPACT_LIES.filter((lie) => !told.has(lie))).toEqual([]);
    const [report] = runSwarm({ networks, seeds: [plans[0]!.seed] });
    expect(report!.figures.compactBlocks).toBeGreaterThan(0);
  });

  it('has liars for every rule that a block can break', () => {
    const known = new Set<RuleName>(BAD_BLOCKS.map(([rule]) => rule));
    const missing = (Object.keys(RULES) as RuleName[]).filter(
      (rule) => RULES[rule].rung !== 'mempool' && !known.has(rule),
    );
    expect(missing).toEqual([
      // Which is what `future-time` does.
      'time-too-new',
      // Only after another one was shown, which is what `bad-branch` does.
      'duplicate-invalid',
      // Of a proposal, of a network of headers alone, and of one's own node.
      'inconclusive-not-best-prevblk',
      'headers-only',
      'invalidated',
      // No valid chain has so many coins.
      'bad-txns-inputvalues-outofrange',
    ]);
  });
});

describe('a failing plan is made small', () => {
  /** Fails while B is killed after a cut. */
  const fails = (plan: Plan) => {
    const cut = plan.events.findIndex((e) => e.kind === 'partition');
    return cut >= 0 && plan.events.slice(cut).some((e) => e.kind === 'kill' && e.node === 'B');
  };
  const big = Array.from({ length: 400 }, (_, i) => drawPlan(i)).find((p) => fails(p) && p.nodes.length > 4)!;

  it('to the two events that matter, on two nodes, and told in words', () => {
    const { plan, tries } = shrink(big, fails);
    expect(plan.events.map((e) => e.kind)).toEqual(['partition', 'kill']);
    expect(plan.nodes).toHaveLength(2);
    expect(plan).toMatchObject({ jitterMs: 0, loss: 0, tight: false, gossip: true, network: 'lab' });
    expect(tries).toBeLessThan(250);
    const words = planWords(plan);
    expect(words).toHaveLength(4);
    expect(words[2]).toMatch(/^ +\d+\.\d s {2}cut \w\|\w for /);
    expect(words[3]).toMatch(/B is killed \((process|power)\), down for /);
  });

  it('and never tries longer than it may', () => {
    let calls = 0;
    const { tries } = shrink(big, () => ++calls % 2 === 0, 20);
    expect([tries, calls]).toEqual([20, 20]);
  });
});

describe('the bugs that are planted (test/long/swarm-teeth.test.ts)', () => {
  it.each(PLANTED.map((bug) => [bug.name, bug] as const))('has its one place: %s', (_name, bug) => {
    const source = readFileSync(new URL(`../../../src/${bug.file}`, import.meta.url), 'utf8');
    expect(source.split(bug.from)).toHaveLength(2);
  });
});
