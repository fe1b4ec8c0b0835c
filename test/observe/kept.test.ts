import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../src/observe/figures/evidence.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { keptBlocks } from '../../src/observe/state/fold.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { drawTree } from '../../src/observe/tree/draw.ts';
import { LogWriter } from './log-writer.ts';

/** What the faces draw as stale, the lines behind the figure, and the figure itself. */
function staleBy(log: LogWriter) {
  const forest = newForest();
  const figures = newFigures();
  for (const event of log.events) {
    forest.apply(event);
    figures.apply(event);
  }
  const kept = keptBlocks(forest, forest.tips);
  const { whole } = figures.read();
  return {
    drawn: [...forest.blocks.values()].filter((block) => !kept.has(block.id)).length,
    lines: evidenceOf(log.events, 'stale', whole.from, whole.to).total,
    counted: whole.stale,
    text: drawTree(forest, { nodes: ['A', 'B', 'C'], last: 9 }).rows.map((row) => row.text),
  };
}

describe('a block is drawn as stale when it is counted as stale', () => {
  it('not while its finder is about to connect it', () => {
    const log = new LogWriter().start('AB').at(1).mine('A', 'a1').take('B', 'a1').at(2).find('B', 'b2');
    const found = staleBy(log);
    expect(found).toMatchObject({ drawn: 0, lines: 0, counted: 0 });
    expect(found.text.join('\n')).toContain('[2B]');
    // Another one of that height is there already, and B still has the tip below.
    log.mine('A', 'a2');
    expect(staleBy(log)).toMatchObject({ drawn: 0, lines: 0, counted: 0 });
    log.at(3).take('B', 'a2');
    expect(staleBy(log)).toMatchObject({ drawn: 1, lines: 1, counted: 1 });
  });

  it('not because the node that holds it stops, but when another one has more work', () => {
    const log = new LogWriter().start('ABC').at(1).mine('A', 'a1').mine('B', 'b1', 'g').take('C', 'a1');
    log.at(2).tell('B', { kind: 'stop', why: 'SIGTERM' });
    log.tell('', { kind: 'process', what: 'exited', of: 'B', code: 0, signal: null });
    expect(staleBy(log)).toMatchObject({ drawn: 0, lines: 0, counted: 0 });
    log.at(3).mine('A', 'a2');
    expect(staleBy(log)).toMatchObject({ drawn: 1, lines: 1, counted: 1 });
    for (const node of 'AC') log.at(log.t + 1).tell(node, { kind: 'stop', why: 'SIGTERM' });
    expect(staleBy(log)).toMatchObject({ drawn: 1, lines: 1, counted: 1 });
  });

  it('when it was undone by hand, and when it breaks a rule', () => {
    const log = new LogWriter().start('A').at(1).mine('A', 'a1').mine('A', 'a2').at(2);
    log.tip('A', 'a1', 'invalidated');
    expect(staleBy(log)).toMatchObject({ drawn: 1, counted: 1 });
    const bad = new LogWriter().start('A').at(1).mine('A', 'a1').find('A', 'bad');
    const refused = {
      kind: 'refused',
      id: bad.id('bad'),
      height: 2,
      rule: 'bad-cb-amount',
      detail: '',
      from: 'p',
    };
    bad.tell('A', refused as never);
    expect(staleBy(bad)).toMatchObject({ drawn: 1, counted: 0 });
  });
});
