import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../src/observe/figures/evidence.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { basisOf, figureRows } from '../../src/observe/figures/rows.ts';
import { agreementWords, basisWords, figureFormula, figureMeaning } from '../../src/observe/figures/words.ts';
import { agreementOf } from '../../src/observe/state/agreement.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { LogWriter } from './log-writer.ts';

/** A and B find 2A and 2B at the same height; B loses two seconds later, and takes A's 3A. */
function race(): LogWriter {
  const log = new LogWriter().yard('AB').start('AB');
  log.at(1_000).mine('A', '1A').at(1_100).take('B', '1A');
  log.at(2_000).mine('A', '2A').at(2_050).mine('B', '2B').at(2_400).body('A', '2B').body('B', '2A');
  log.at(4_000).mine('A', '3A').at(4_400).take('B', '3A');
  const names = { '2A': 'A', '2B': 'B', '3A': 'A' };
  const ref = (name: keyof typeof names) => ({
    id: log.id(name),
    height: log.height(name),
    miner: names[name],
  });
  return log.tell('B', {
    kind: 'reorg',
    fork: { id: log.id('1A'), height: 1, miner: 'A' },
    depth: 1,
    length: 2,
    out: [ref('2B')],
    in: [ref('2A'), ref('3A')],
    because: 'work',
  });
}

describe('the log lines behind a figure', () => {
  const { events } = race();
  const figures = newFigures();
  for (const event of events) figures.apply(event);
  const { whole, epochs } = figures.read();
  const { shape } = epochs.at(-1)!;
  const linesOf = (id: string, from = 0, to = 9_999) =>
    evidenceOf(events, id, from, to).lines.map((e) => [e.t, e.node, e.kind]);

  it('are as many as the figure counts', () => {
    expect(evidenceOf(events, 'stale', 0, 9_999).total).toBe(whole.stale);
    expect(linesOf('stale')).toEqual([[2_050, 'B', 'mined']]);
    // Both blocks of the height.
    expect(linesOf('forked').map(([t]) => t)).toEqual([2_000, 2_050]);
    expect(evidenceOf(events, 'V0', 0, 9_999).total).toBe(whole.depths[0]!.v);
    expect(evidenceOf(events, 'reorg1', 0, 9_999).total).toBe(whole.reorgs[0]!.count);
    expect(linesOf('V1')).toEqual([]);
  });

  it('bound the time that a share of time is made of', () => {
    const [begins, ends] = linesOf('A0').map(([t]) => Number(t));
    expect([begins, ends]).toEqual([2_050, 4_400]);
    expect(ends! - begins!).toBe(whole.conflictMs);
    const lag = linesOf('lag').map(([t]) => Number(t));
    // 1A is 100 ms ahead of B, 2A 50 ms: then B contradicts.
    expect(lag).toEqual([1_000, 1_100, 2_000, 2_050]);
    expect(whole.lagMs).toBe(150);
    expect(linesOf('D1')).toEqual([]);
  });

  it('are those of the stretch of time that was asked for', () => {
    expect(linesOf('A0', 3_000, 5_000)).toEqual([[4_400, 'B', 'tip']]);
    expect(linesOf('stale', 3_000, 5_000)).toEqual([]);
  });

  it('exist for every row, with a meaning and a formula', () => {
    for (const { id } of figureRows(whole, shape)) {
      expect([id, figureMeaning(id), figureFormula(id)].map((s) => s.length > 0)).toEqual([true, true, true]);
    }
    expect(figureMeaning('reorg2')).toContain('exactly 2 blocks');
    expect(evidenceOf(events, 'nonsense', 0, 9_999).total).toBe(0);
  });

  it('and the words beside it say why a formula holds or not', () => {
    const cut = { kind: 'other', why: 'a cut is open' } as const;
    expect(basisWords(basisOf(whole, cut), cut)).toContain('no depth is safe');
    const line = { kind: 'other', why: 'blocks travel over several hops' } as const;
    expect(basisWords(basisOf(whole, line), line)).toBe(
      'No closed form here (blocks travel over several hops): run it simulated.',
    );
  });
});

describe('do they agree, in words', () => {
  function wordsAt(t: number): string {
    const forest = newForest();
    for (const event of race().events) if (event.t <= t) forest.apply(event);
    return agreementWords(agreementOf(forest, ['A', 'B']), forest);
  }

  it('says yes, nearly, or no and how deep', () => {
    expect(wordsAt(1_100)).toBe('Yes: A and B both say 1A.');
    expect(wordsAt(1_000)).toBe('Nearly: B has not heard the newest yet, nobody contradicts.');
    expect(wordsAt(2_400)).toBe('No: A says 2A, B says 2B. They contradict each other 1 block deep.');
    expect(wordsAt(4_400)).toBe('Yes: A and B both say 3A.');
  });
});
