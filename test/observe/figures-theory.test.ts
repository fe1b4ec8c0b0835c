import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { figureRows, figureSentence, predictedWords } from '../../src/observe/figures/rows.ts';
import { LogWriter } from './log-writer.ts';
import { type RaceOptions, race } from './race-log.ts';

function measure(o: RaceOptions) {
  const figures = newFigures();
  for (const event of race(o)) figures.apply(event);
  const { epochs } = figures.read();
  expect(epochs).toHaveLength(1);
  return epochs[0]!;
}

describe('figures of races beside the formulas', () => {
  it.each([0.1, 0.5, 1])('two clusters at x = %d', (x) => {
    const figures = measure({
      powers: [1, 1],
      lambda: 1,
      delay: () => x * 1_000,
      blocks: 15_000,
      seed: `two ${x}`,
    });
    expect(figures.shape.kind).toBe('two-clusters');
    const rows = figureRows(figures, figures.shape);
    const judged = rows.filter(
      (row) => row.se !== undefined && row.predicted !== undefined && row.predicted * row.n >= 30,
    );
    // stale, forked, D0, A0, V0 at least; deeper ones where there is enough to count
    expect(judged.length).toBeGreaterThanOrEqual(x === 0.1 ? 6 : 9);
    for (const { name, value, predicted, se } of judged) {
      // 1 % for what the formulas themselves are off by.
      expect(Math.abs(value - predicted!), `${name} ${value} for ${predicted}`).toBeLessThan(
        4 * se! + 0.01 * predicted!,
      );
    }
    expect(figures.commonPrefixFrom).toBe(Math.max(figures.deepestReorg, figures.deepestConflict));
    expect(figures.workDecreases).toBe(0);
  });

  it('four nodes in two clusters: pairs within a cluster never differ', () => {
    const near = (i: number, j: number) => i < 2 === j < 2;
    const figures = measure({
      powers: [3, 1, 2, 2],
      lambda: 1,
      delay: (i, j) => (near(i, j) ? 0 : 500),
      blocks: 15_000,
      seed: 'four',
    });
    expect(figures.shape).toMatchObject({
      kind: 'two-clusters',
      groups: [
        ['A', 'B'],
        ['C', 'D'],
      ],
    });
    const row = (name: string) => figureRows(figures, figures.shape).find((r) => r.name.startsWith(name))!;
    expect(row('D0').predicted! / row('A0').predicted!).toBeCloseTo(2 / 3, 12);
    for (const name of ['stale', 'heights', 'D0', 'A0', 'V0', 'D1', 'V1']) {
      const { value, predicted, se } = row(name);
      expect(Math.abs(value - predicted!), name).toBeLessThan(4 * se! + 0.01 * predicted!);
    }
  });

  it('many miners at one delay', () => {
    const powers = [4, 2, 2, 1, 1, 1, 1, 1, 1, 1];
    const figures = measure({ powers, lambda: 0.2, delay: () => 1_000, blocks: 8_000, seed: 'many' });
    expect(figures.shape).toMatchObject({ kind: 'clique', delayMs: 1_000, nodes: 10 });
    const [stale, forked] = figureRows(figures, figures.shape);
    for (const { name, value, predicted, se } of [stale!, forked!]) {
      expect(Math.abs(value - predicted!), name).toBeLessThan(3.3 * se! + 0.012 * predicted!);
    }
    expect(figures.body).toMatchObject({ p50: expect.closeTo(1_000, 0), p99: expect.closeTo(1_000, 0) });
    // Only the miner that lost ever holds the block that lost, so hardly any pair differs, and nothing is deep.
    expect(figures.depths[0]!.a).toBeGreaterThan(figures.depths[0]!.d);
  });
});

describe('where the difficulty follows the blocks', () => {
  it.each([
    ['two-clusters', [1, 1]],
    ['clique', [1, 1, 1, 1]],
  ] as const)('%s: races of one block are predicted, and marked; conflicts are not', (kind, powers) => {
    const figures = measure({
      ...{ powers, lambda: 0.5, delay: () => 400, blocks: 15_000, seed: kind },
      adjusted: true,
    });
    expect(figures.shape).toMatchObject({ kind, adjusted: true });
    // The target holds the growth of the branch to the pace; what ends stale is found on top of it.
    expect(figures.blocksPerS).toBeGreaterThan(0.52);
    const rows = figureRows(figures, figures.shape);
    const predicted = rows.filter((row) => row.predicted !== undefined);
    expect(predicted.map((row) => row.name)).toEqual(['stale blocks', 'heights with a fork']);
    for (const row of predicted) {
      expect(row.approximate).toBe(true);
      expect(predictedWords(row)).toMatch(/^≈ /);
      // 3 % for what the formula is off by here: see ADJUSTED_WORDS.
      expect(Math.abs(row.value - row.predicted!), row.name).toBeLessThan(
        3.3 * row.se! + 0.03 * row.predicted!,
      );
    }
  });
});

describe('predictions appear only where they hold', () => {
  const blocks = 60;
  const base = { powers: [1, 1, 1], lambda: 1, blocks, seed: 'shape' };
  const shapeOf = (events: Iterable<LogEvent>) => {
    const figures = newFigures();
    for (const event of events) figures.apply(event);
    return figures.read().epochs.at(-1)!;
  };
  const changed = (change: (log: LogWriter) => void) => {
    const opening = new LogWriter().yard('ABC').start('ABC', 'g', 100);
    change(opening);
    return shapeOf([...opening.at(5_000).mine('A', 'a1').at(6_000).mine('A', 'a2').events]);
  };

  const calm = { oneWay: [], wireHeld: false, frozen: [], clockMs: {}, shapes: {}, profile: '', regions: {} };

  it('looks through shapes that only delay', () => {
    const clusters = changed((log) => {
      const far = { delayMs: 100, jitterMs: 0, loss: 0, bitsPerSecond: 0 };
      const near = { ...far, delayMs: 2 };
      for (const node of 'ABC') {
        const to = (peer: string) => (node === 'C' || peer === 'C' ? far : near);
        const shapes = Object.fromEntries(
          [...'ABC'].filter((p) => p !== node).map((p) => [`peer-${p}`, to(p)]),
        );
        log.tell(node, { kind: 'links', refuse: [], delayMs: 0, deaf: [], hold: false, shapes });
      }
      log.tell('C', { kind: 'power', on: true, held: false, hashrate: 100_000 });
    });
    expect(clusters.shape).toMatchObject({ kind: 'two-clusters', groups: [['A', 'B'], ['C']], delayMs: 100 });
  });

  it('begins an epoch with a fault of the launcher, once', () => {
    const log = new LogWriter().yard('AB').start('AB', 'g', 100).at(5_000).mine('A', 'a1').at(6_000);
    log
      .tell('', { kind: 'conditions', text: 'A frozen', ...calm, frozen: ['A'] })
      .at(8_000)
      .mine('B', 'b1', 'g');
    log.at(20_000).tell('', { kind: 'conditions', text: 'again', ...calm, frozen: ['A'] });
    expect(shapeOf(log.events)).toMatchObject({ epoch: 2, because: 'A frozen' });
  });

  it('names what stands in the way', () => {
    expect(shapeOf(race({ ...base, delay: (i, j) => 100 * (i + j) })).shape).toEqual({
      kind: 'other',
      why: 'delays differ from link to link',
    });
    expect(shapeOf(race({ ...base, delay: (i) => 100 + i })).shape).toMatchObject({
      why: 'A-B is not the same both ways',
    });
    const whys = [
      (log: LogWriter) => log.yard('ABC', { topology: 'line' }).start('ABC'),
      (log: LogWriter) => log.tell('', { kind: 'partition', groups: [['A'], ['B', 'C']] }),
      (log: LogWriter) => log.tell('A', { kind: 'links', refuse: ['peer-B'], delayMs: 100 }),
      (log: LogWriter) => {
        const shape = { delayMs: 100, jitterMs: 20, loss: 0, bitsPerSecond: 0 };
        log.tell('A', { kind: 'links', refuse: [], delayMs: 100, shapes: { 'peer-B': shape } });
      },
      (log: LogWriter) => log.tell('A', { kind: 'links', refuse: [], delayMs: 100, deaf: ['peer-B'] }),
      (log: LogWriter) => log.tell('A', { kind: 'links', refuse: [], delayMs: 100, hold: true }),
      (log: LogWriter) => log.tell('', { kind: 'conditions', text: 'B frozen', ...calm, frozen: ['B'] }),
      (log: LogWriter) => {
        for (const node of 'BC') log.tell(node, { kind: 'power', on: false, held: false, hashrate: 1 });
      },
      (log: LogWriter) => {
        for (const node of 'BC') log.tell(node, { kind: 'stop', why: 'SIGTERM' });
      },
    ].map((change) => changed((log) => void change(log)).shape);
    expect(whys.map((shape) => (shape.kind === 'other' ? shape.why : shape.kind))).toEqual([
      'blocks travel over several hops',
      'a cut is open',
      'A refuses peers',
      'the wire of A does more than delay',
      'the wire of A does more than delay',
      'the wire of A does more than delay',
      'B frozen',
      'fewer than two nodes mine',
      'fewer than two nodes are up',
    ]);
    const bare = new LogWriter().start('AB');
    expect(shapeOf(bare.events).shape).toMatchObject({
      why: 'the log does not say how its nodes are linked',
    });
  });

  it('predicts nothing beyond x = 1, and no share of an uncapped miner before enough blocks', () => {
    const fast = shapeOf(race({ ...base, delay: () => 5_000 }));
    expect(fast.shape.kind).toBe('clique');
    expect(figureRows(fast, fast.shape).some((row) => row.predicted !== undefined)).toBe(false);
    const few = changed((log) => log.tell('A', { kind: 'power', on: true, held: false, hashrate: 0 }));
    expect(few.shape).toMatchObject({ kind: 'clique', hhi: undefined });
    expect(figureRows(few, few.shape).some((row) => row.predicted !== undefined)).toBe(false);
  });

  it('ends in one sentence, with a count where a percentage would be noise', () => {
    const few = changed(() => undefined);
    // Nor is anything predicted then: the rate that it would rest on is as uncertain.
    expect(figureSentence(few, few.shape)).toBe(
      "0 of 2 blocks ended on nobody's branch; two nodes asked at one moment contradicted each other " +
        'about the tip for 0 of 6.0 s, one block deeper for 0 of 6.0 s.',
    );
    const many = shapeOf(race({ ...base, delay: () => 200, blocks: 300 }));
    expect(figureSentence(many, many.shape)).toMatch(
      /^\d+ of 300 blocks \([\d.]+ ± [\d.]+ %\) ended on nobody's branch, predicted 1\d %; .* [\d.]+ % of the time, one block deeper for [\d.]+ % of the time\.$/,
    );
    expect(figureSentence(newFigures().read().whole, few.shape)).toMatch(/^No block/);
  });
});
