import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostNews, LogEvent, News } from '../../src/events/events.ts';
import { agreementOf } from '../../src/observe/state/agreement.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { momentTitle, momentWords, newReorgMoments } from '../../src/observe/state/reorg-moment.ts';
import { drawTree } from '../../src/observe/tree/draw.ts';

/** Blocks named by what they should be labelled; `work` is 100 a block unless it is given. */
function log() {
  const forest = newForest();
  const moments = newReorgMoments();
  const heights = new Map<string, number>([['g', 0]]);
  const works = new Map<string, number>([['g', 0]]);
  let t = 1_000;
  const id = (name: string) => name.padStart(64, '0');
  const tell = (node: string, news: News | HostNews) => {
    t += 10;
    const event = { v: 1, seq: t, t, node, ...news } as LogEvent;
    for (const reader of [forest, moments]) reader.apply(event);
  };
  tell('A', {
    kind: 'start',
    genesis: id('g'),
    network: 'lab',
    id: id('g'),
    height: 0,
    work: '0',
    pid: 1,
    peer: '',
  });
  const block = (name: string, prev: string, on: string, work = 100) => {
    const height = heights.get(prev)! + 1;
    heights.set(name, height);
    works.set(name, works.get(prev)! + work);
    const miner = /[A-Z]/.exec(name)![0];
    const place = { id: id(name), height, miner, work: works.get(name)!.toString(16) };
    for (const node of on) {
      tell(node, { kind: 'block', ...place, prev: id(prev), time: 0, txs: 1, size: 1, from: 'self' });
      tell(node, { kind: 'tip', ...place, old: id(prev), because: 'work' });
    }
  };
  const ref = (name: string) => ({
    id: id(name),
    height: heights.get(name)!,
    miner: /[A-Z]/.exec(name)?.[0] ?? '',
  });
  return { forest, moments, id, tell, block, ref };
}

describe('more branches than rows', () => {
  it('folds those with the lowest work, dead ones first', () => {
    const s = log();
    s.block('1A', 'g', 'ABCD');
    s.block('2A', '1A', 'A', 500);
    s.block('2B', '1A', 'B', 100);
    s.block('2C', '1A', 'C', 200);
    s.block('2D', '1A', 'D', 900);
    s.block('2E', '1A', 'D', 950);
    const drawing = drawTree(s.forest, { nodes: ['A', 'B', 'C', 'D'], last: 9, maxRows: 4 });
    // 2D has much work but nobody is on it any more, so it goes before 2B, on which B still stands.
    expect(drawing.rows.map((r) => r.end.label)).toEqual(['2A', '2C', '2E']);
    expect(drawing.hidden).toBe('+2 branches');
    expect(drawTree(s.forest, { nodes: [], last: 9, maxRows: 5 }).hidden).toBe('');
  });

  it('never hides a row that one which stays grows from, and joins what is drawn', () => {
    const s = log();
    s.block('1A', 'g', 'AB');
    s.block('2A', '1A', 'A');
    s.block('3A', '2A', 'A');
    s.block('2B', '1A', 'B');
    s.block('3B', '2B', 'B');
    s.block('3C', '2B', 'B');
    s.block('4C', '3C', 'AB');
    const { rows, hidden } = drawTree(s.forest, { nodes: ['A', 'B'], last: 9, maxRows: 3 });
    expect(rows.map((r) => r.text).join('\n')).toContain('[3C]──[4C]◄AB');
    const shown = new Set(rows.flatMap((r) => r.cells.map((c) => c.block.id)));
    for (const { cells } of rows) {
      const first = cells[0]!.block;
      expect(first.height === 1 || shown.has(first.prev)).toBe(true);
    }
    expect(hidden).toBe('');
  });

  it('property: whatever the forks, cells stand where they are said to, and no track moves when rows are folded', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 6 }),
        (parents, maxRows) => {
          const s = log();
          const names = ['g'];
          for (const [i, pick] of parents.entries()) {
            const name = `${'x'.repeat(i)}${'ABC'[i % 3]}`;
            s.block(name, names[pick % names.length]!, 'ABC'[i % 3]!);
            names.push(name);
          }
          const all = drawTree(s.forest, { nodes: ['A', 'B', 'C'], last: 30 });
          const few = drawTree(s.forest, { nodes: ['A', 'B', 'C'], last: 30, maxRows });
          for (const row of [...all.rows, ...few.rows]) {
            for (const { block, at, width } of row.cells) {
              expect(row.text.slice(at + 1, at + width - 1)).toBe(block.label);
              expect('[('.includes(row.text[at]!) && '])'.includes(row.text[at + width - 1]!)).toBe(true);
            }
          }
          const tracks = all.rows.map((r) => r.end.track);
          expect(few.rows.every((r) => tracks.includes(r.end.track))).toBe(true);
          expect(few.rows.length + Number(few.hidden !== '')).toBeGreaterThan(0);
        },
      ),
      { numRuns: 100, seed: 5 },
    );
  });
});

describe('looking back', () => {
  it('draws older heights, and flags that are on their way', () => {
    const s = log();
    s.block('1A', 'g', 'AB');
    s.block('2A', '1A', 'A');
    s.block('2B', '1A', 'B');
    s.block('3B', '2B', 'B');
    s.block('4B', '3B', 'AB');
    const nodes = ['A', 'B'];
    const back = drawTree(s.forest, { nodes, last: 2, until: 3 });
    expect(back.ruler).toBe('         2     3');
    expect(back.rows.map((r) => r.text)).toEqual(['┄1 more┄(2A)', '       ─[2B]──[3B]  A at 4B  B at 4B']);
    const tips = new Map([
      ['A', s.id('2A')],
      ['B', s.id('4B')],
    ]);
    const walking = drawTree(s.forest, { nodes, last: 9, tips, late: false });
    expect(walking.rows.map((r) => r.text)).toEqual(['─[1A]┬─[2A]◄A', '     └─[2B]──[3B]──[4B]◄B']);
  });
});

describe('do they agree', () => {
  it('tells lag from conflict, and how deep two answers differ', () => {
    const s = log();
    s.block('1A', 'g', 'ABC');
    s.block('2A', '1A', 'A');
    expect(agreementOf(s.forest, ['A', 'B', 'C'])).toMatchObject({ depth: 0, behind: ['B', 'C'] });
    s.block('2B', '1A', 'BC');
    s.block('3B', '2B', 'BC');
    expect(agreementOf(s.forest, ['A', 'B', 'C'])).toMatchObject({
      answers: [
        { id: s.id('3B'), nodes: ['B', 'C'] },
        { id: s.id('2A'), nodes: ['A'] },
      ],
      depth: 1,
      behind: [],
    });
    // Of three tips in conflict the deepest pair counts, whoever has more work.
    s.block('3A', '2A', 'A');
    expect(agreementOf(s.forest, ['A', 'B', 'C']).depth).toBe(2);
  });
});

describe('the moment of a reorg', () => {
  it('is one for all nodes that leave the same tip, with the time since the heal and the fate of payments', () => {
    const s = log();
    s.block('1A', 'g', 'ABCD');
    for (const [name, prev] of [
      ['2A', '1A'],
      ['3A', '2A'],
      ['4A', '3A'],
    ] as const)
      s.block(name, prev, 'AB');
    for (const [name, prev] of [
      ['2D', '1A'],
      ['3D', '2D'],
    ] as const)
      s.block(name, prev, 'CD');
    s.tell('', { kind: 'heal' });
    const sizes = { depth: 2, because: 'work' } as const;
    const out = [s.ref('3D'), s.ref('2D')];
    s.tell('D', {
      kind: 'reorg',
      fork: s.ref('1A'),
      out,
      in: [s.ref('2A'), s.ref('3A')],
      length: 2,
      ...sizes,
    });
    const all = [s.ref('2A'), s.ref('3A'), s.ref('4A')];
    s.tell('C', { kind: 'reorg', fork: s.ref('1A'), out, in: all, length: 3, ...sizes });
    s.tell('C', { kind: 'tx-returned', txid: 'f1' });
    // To C the block that takes its coin comes only after the reorg.
    s.tell('C', { kind: 'tx-returned', txid: 'd1' });
    s.tell('D', { kind: 'tx-lost', txid: 'd1', by: 'c1', block: s.id('2A') });
    s.tell('C', { kind: 'tx-lost', txid: 'd1', by: 'c1', block: s.id('2A') });
    const moment = s.moments.latest!;
    expect(momentTitle(moment, s.forest, 99)).toBe(
      'REORG on C D · 2 out (3D 2D) · 3 in (2A 3A 4A) · 10 ms after heal',
    );
    expect(momentTitle(moment, s.forest, 50)).toBe('REORG on C D · 2 out · 3 in · 10 ms after heal');
    expect(momentWords(moment, s.forest, (txid) => `payment ${txid}`)).toEqual([
      'Fork point 1A. UNDONE: payment d1, its coin is spent in 2A by payment c1',
      'RETURNED: payment f1 waits again',
    ]);
  });
});
