import { afterAll, describe, expect, it, vi } from 'vitest';
import { EXPERIMENT_OPTIONS } from '../../src/app/cli/measure-verbs.ts';
import { EXPERIMENTS, findExperiment } from '../../src/lab/experiment/catalogue.ts';
import { readValues } from '../../src/lab/experiment/parameters.ts';
import { renderReport } from '../../src/lab/experiment/report.ts';
import { resultJson, runExperiment } from '../../src/lab/experiment/run.ts';
import { checkSlope, slopeOf } from '../../src/lab/experiment/slope.ts';
import { clusterRace } from '../../src/observe/theory/clusters.ts';
import { runClusters } from '../../src/sim/models/reduced/clusters.ts';
import { NETWORKS_JSON } from '../dsl/networks.ts';

// On a busy machine seconds of work can take minutes.
vi.setConfig({ testTimeout: 900_000 });
afterAll(() => vi.resetConfig());

/** In this thread: workers need a build. */
const HERE = { threads: 0, networks: NETWORKS_JSON };

function run(name: string, typed: Record<string, string>, seed = 1) {
  const experiment = findExperiment(name);
  return runExperiment(experiment, readValues(experiment, typed), seed, HERE);
}

function refusal(name: string, typed: Record<string, string>): string {
  try {
    readValues(findExperiment(name), typed);
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
}

describe('settings of an experiment', () => {
  it('are offered by the command line, all of them and no others', () => {
    const wanted = new Set(EXPERIMENTS.flatMap((e) => e.parameters.map((p) => p.name)));
    expect([...EXPERIMENT_OPTIONS].sort()).toEqual([...wanted].sort());
  });

  it('are read as lists and ranges', () => {
    const values = readValues(findExperiment('doublespend'), { q: '0.2,.3', z: '1..4,7', model: 'tie' });
    expect(values).toEqual({ q: [0.2, 0.3], z: [1, 2, 3, 4, 7], races: [20_000], model: ['tie'] });
  });

  it.each([
    ['disagreement', { x: '-1' }, /--x: '-1' is not a number from/],
    ['disagreement', { x: '' }, /--x: '' is not a number/],
    ['disagreement', { blocks: '1e12' }, /--blocks: '1e12' is not a whole number from 1000 to 5,000,000/],
    ['disagreement', { blocks: '2000.5' }, /not a whole number/],
    ['disagreement', { blocks: '2000,3000' }, /--blocks takes one value/],
    ['doublespend', { q: '1' }, /--q: '1' is not a number from 0.001 to 0.49/],
    ['doublespend', { z: '9..1' }, /runs backwards; write 1..9/],
    ['doublespend', { z: '1..99' }, /at most 40 values/],
    ['doublespend', { z: '3,3' }, /--z: 3 is there twice/],
    ['doublespend', { model: 'strickt' }, /--model: 'strickt' is not one of strict, tie, nakamoto, premined/],
    ['doublespend', { x: '1' }, /experiment doublespend has no --x/],
  ])('of %s that make no sense are refused: %j', (name, typed, message) => {
    expect(refusal(name, typed as Record<string, string>)).toMatch(message);
  });

  it('and names, with the nearest one', () => {
    expect(() => findExperiment('doublespent')).toThrow("no experiment 'doublespent'");
  });

  it('asks for two shares', async () => {
    await expect(run('disagreement', { shares: '0.2,0.3,0.5' })).rejects.toThrow(/two shares/);
  });
});

describe('measured beside predicted', () => {
  it('disagreement, equal and unequal shares', async () => {
    const equal = await run('disagreement', { x: '0.5', blocks: '10000' });
    expect(equal.rows.filter((r) => !r.ok)).toEqual([]);
    expect(resultJson(equal).rows[0]).toMatchObject({ quantity: 'stale', x: 0.5, n: 10_000, ok: true });
    const unequal = await run('disagreement', { x: '1', blocks: '10000', shares: '0.7,0.3' });
    expect(unequal.ok).toBe(true);
    // The test can fail: the figures of equal shares are not those.
    const [stale] = unequal.rows;
    expect(Math.abs(stale!.measured - 0.25)).toBeGreaterThan(4 * stale!.se);
  });

  it('the slope of disagreement has a row of its own, of both models', async () => {
    const { rows } = await run('disagreement', { x: '1', blocks: '10000' });
    const slopes = rows.filter((r) => r.keys['quantity'] === 'slope');
    expect(slopes.map((r) => r.model)).toEqual(['reduced', 'whole nodes']);
    expect(slopes[0]!.predicted).toBeCloseTo(0.3679, 4);
  });

  it('the slope: batch means scatter as much as theory says, and another x is found out', () => {
    const slope = slopeOf(clusterRace(0.5, 0.5));
    let ratio = 0;
    for (const seed of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      const figures = runClusters({ x: 0.5, share: 0.5, blocks: 20_000, seed }, () => undefined);
      const check = checkSlope(slope, figures);
      expect(Math.abs(check.z)).toBeLessThan(3.3);
      ratio += check.se / slope.theorySe(check.n) / 8;
      expect(Math.abs(checkSlope(slopeOf(clusterRace(0.4, 0.5)), figures).z)).toBeGreaterThan(3.3);
    }
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  it('partition', async () => {
    const result = await run('partition', { runs: '300' });
    expect(result.rows.filter((r) => !r.ok)).toEqual([]);
    expect(resultJson(result).parameters).toEqual({ blocks: 10, split: [0.5, 0.7], runs: 300 });
    const times = (rows: typeof result.rows) =>
      rows.filter((r) => r.keys['quantity'] === 'time to agreement').map((r) => r.model);
    expect(times(result.rows)).toEqual(['reduced', 'whole nodes', 'reduced', 'whole nodes']);
    // Six ties are expected of a hundred: too few to say how long they last.
    expect(times((await run('partition', { runs: '100', split: '0.7' })).rows)).toEqual(['reduced']);
  });

  it.each(['strict', 'tie', 'nakamoto', 'premined'])('doublespend, %s', async (model) => {
    const result = await run('doublespend', { model, q: '0.3', z: '2', races: '2000' }, 2);
    expect(result.rows.filter((r) => !r.ok)).toEqual([]);
    expect(result.rows.map((r) => r.model)).toEqual(['reduced', 'whole nodes']);
    // Its own z, the confirmations, is not the score.
    expect(resultJson(result).rows.map((r) => (r as { z?: number }).z)).toEqual([2, 2]);
  });

  it('selfish has whole nodes as far as few of them can be on both sides of a tie', async () => {
    const { rows } = await run('selfish', { alpha: '0.3', gamma: '0,0.5,0.95', blocks: '10000' });
    expect(rows.map((r) => [r.keys['gamma'], r.model])).toEqual([
      [0, 'reduced'],
      [0, 'whole nodes'],
      [0.5, 'reduced'],
      [0.5, 'whole nodes'],
      [0.95, 'reduced'],
    ]);
  });

  it.each([
    [{ nodes: '40,100' }, ['reduced 40', 'whole nodes 40', 'reduced 100', 'whole nodes 100']],
    // Those asked for are too large for whole nodes, so there is one more size for both.
    [{ nodes: '2000' }, ['reduced 100', 'whole nodes 100', 'reduced 2000']],
    // Gossip does not use so many links.
    [{ nodes: '100', degree: '14' }, ['reduced 100']],
  ])('flooding has whole nodes where they can be: %j', async (typed, models) => {
    const { rows, remarks } = await run('flooding', typed as Record<string, string>);
    expect(rows.map((r) => `${r.model} ${r.keys['nodes']}`)).toEqual(models);
    expect(remarks[1]).toContain(models.length === 1 ? 'no whole nodes' : 'Whole nodes flood');
  });

  it('is one page, light and without a script', async () => {
    const result = await run('doublespend', { races: '500', q: '0.2', z: '1,2' });
    const page = renderReport([result]);
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<script|prefers-color-scheme/);
    expect(page).toContain('forkyard experiment doublespend --q 0.2 --z 1,2 --races 500 --seed 1');
  });
});

describe('the other experiments', () => {
  it.each([
    ['quiescence', { x: '0.5', runs: '400' }],
    ['selfish', { alpha: '0.4', gamma: '0.5', blocks: '20000' }],
    ['flooding', { nodes: '100', degree: '6' }],
    ['eclipse', { share: '0.8' }],
    ['forkrate', { nodes: '6', interval: '2' }],
    ['speed', { beta: '0.46', rule: 'most-work' }],
    ['difficulty', { rule: 'bitcoin', factor: '3' }],
  ])('%s: all within what is allowed', async (name, typed) => {
    const result = await run(name, typed as Record<string, string>, 2);
    expect(new Set(result.rows.map((r) => r.model))).toEqual(new Set(['reduced', 'whole nodes']));
    expect(result.rows.filter((r) => !r.ok)).toEqual([]);
    expect(result.sentence).toMatch(/^[A-Z].*\.$/);
  });

  it('quiescence under lowest-id never differs', async () => {
    const { rows } = await run('quiescence', { x: '1', tie: 'lowest-id', runs: '300' });
    expect(rows.map((r) => [r.model, r.measured, r.predicted])).toEqual([
      ['reduced', 0, 0],
      ['whole nodes', 0, 0],
    ]);
  });
});
