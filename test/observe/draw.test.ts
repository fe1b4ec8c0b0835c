import { describe, expect, it } from 'vitest';
import type { HostNews, LogEvent, News } from '../../src/events/events.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { narrate } from '../../src/observe/state/narrate.ts';
import { newPayments } from '../../src/observe/state/payments.ts';
import { drawTree } from '../../src/observe/tree/draw.ts';

/** A log written by hand: blocks are named by what they should be labelled, ids are made from the name. */
function story() {
  const forest = newForest();
  const payments = newPayments(forest);
  let seq = 0;
  const work = new Map<string, number>([['g', 0]]);
  const height = new Map<string, number>([['g', 0]]);
  const id = (name: string) => name.replace("'", 'x').padStart(64, '0');
  function tell(
    node: string,
    news:
      | News
      | {
          kind: 'start';
          genesis: string;
          network: string;
          id: string;
          height: number;
          work: string;
          pid: number;
          peer: string;
        }
      | HostNews,
  ) {
    const event = { v: 1, seq: ++seq, t: seq, node, ...news } as LogEvent;
    forest.apply(event);
    payments.apply(event);
    return event;
  }
  return {
    forest,
    payments,
    id,
    tell,
    start(...nodes: string[]) {
      for (const node of nodes) {
        tell(node, {
          kind: 'start',
          genesis: id('g'),
          network: 'lab',
          id: id('g'),
          height: 0,
          work: '0',
          pid: 1,
          peer: '',
        });
      }
    },
    block(name: string, prev: string, on: string, txids: string[] = []) {
      const at = (height.get(prev) ?? 0) + 1;
      height.set(name, at);
      work.set(name, (work.get(prev) ?? 0) + 400_000);
      const miner = name.replace(/\d+/, '')[0] ?? '';
      for (const node of on) {
        tell(node, {
          kind: 'block',
          id: id(name),
          prev: id(prev),
          height: at,
          work: (work.get(name) ?? 0).toString(16),
          miner,
          time: 0,
          txs: 1,
          size: 1,
          from: 'self',
        });
        tell(node, { kind: 'connected', id: id(name), height: at, miner, txids });
        tell(node, {
          kind: 'tip',
          id: id(name),
          height: at,
          work: (work.get(name) ?? 0).toString(16),
          miner,
          old: id(prev),
          because: 'work',
        });
      }
    },
  };
}

const text = (s: ReturnType<typeof story>, nodes: string[], last = 12, ascii = false) => {
  const drawing = drawTree(s.forest, { nodes, last, ascii });
  return [drawing.ruler, ...drawing.rows.map((row) => row.text)].join('\n');
};

describe('the tree as text', () => {
  it('draws two branches with flags, a stale block, and the ruler above the cells', () => {
    const s = story();
    s.start('A', 'B', 'C', 'D');
    s.block('1C', 'g', 'ABCD');
    s.block('2A', '1C', 'ABCD');
    s.block('3C', '2A', 'ABC');
    s.block('3D', '2A', 'D');
    s.block('4B', '3C', 'ABCD');
    s.block('5A', '4B', 'AB');
    s.block('5D', '4B', 'CD');
    s.block('6C', '5D', 'CD');
    s.block('6B', '5A', 'AB');
    s.block('7A', '6B', 'AB');
    expect(`\n${text(s, ['A', 'B', 'C', 'D'])}`).toBe(`
  1     2     3     4     5     6     7
─[1C]──[2A]┬─[3C]──[4B]┬─[5A]──[6B]──[7A]◄AB
           └─(3D)      └─[5D]──[6C]◄CD`);
  });

  it('never moves a block that is drawn: the branch that wins later stays on its row', () => {
    const s = story();
    s.start('A', 'B');
    s.block('1A', 'g', 'AB');
    s.block('2A', '1A', 'A');
    s.block('2B', '1A', 'B');
    const before = new Map([...s.forest.blocks.values()].map((b) => [b.id, b.track]));
    s.block('3B', '2B', 'AB');
    s.block('4B', '3B', 'AB');
    for (const [block, track] of before) expect(s.forest.blocks.get(block)?.track).toBe(track);
    expect(`\n${text(s, ['A', 'B'])}`).toBe(`
  1     2     3     4
─[1A]┬─(2A)
     └─[2B]──[3B]──[4B]◄AB`);
  });

  it('three branches from one block, one of them crossing a row, in ASCII, and a late node', () => {
    const s = story();
    s.start('A', 'B', 'C');
    s.block('1A', 'g', 'ABC');
    s.block('2A', '1A', 'A');
    s.block('2B', '1A', 'B');
    s.block('2C', '1A', 'C');
    s.block('3A', '2A', 'A');
    s.block('3B', '2B', 'B');
    s.block('4A', '3A', 'B');
    expect(`\n${text(s, ['A', 'B', 'C'], 12, true)}`).toBe(`
  1     2     3     4
-[1A]+-[2A]--[3A]--[4A]<B  A at 3A
     +-(2B)--(3B)
     +-[2C]<C`);
  });

  it('goes back up where a row is free again, so that a tree that forks for long does not sink', () => {
    const s = story();
    s.start('A', 'B');
    s.block('1A', 'g', 'A');
    s.block('1B', 'g', 'B');
    // B's branch wins; two heights on the upper row is free behind 1A.
    s.block('2B', '1B', 'B');
    s.block('3B', '2B', 'B');
    s.block('3A', '2B', 'A');
    s.block('4A', '3A', 'A');
    s.block('4B', '3A', 'B');
    expect(drawTree(s.forest, { nodes: ['A', 'B'], last: 12 }).rows.map((r) => r.text)).toEqual([
      '─(1A)      ┌─[3A]┬─[4A]◄A',
      '─[1B]──[2B]┴─(3B)',
      '                 └─[4B]◄B',
    ]);
    for (const b of s.forest.blocks.values()) expect(b.track).toBeLessThan(3);
  });

  it('folds what is older than asked, and names a second block by one miner at one height', () => {
    const s = story();
    s.start('A');
    let prev = 'g';
    for (let h = 1; h <= 9; h++) {
      s.block(`${h}A`, prev, 'A');
      prev = `${h}A`;
    }
    s.block("9A'", '8A', 'A');
    expect(`\n${text(s, ['A'], 3)}`).toBe(`
         7     8     9
┄6 more┄[7A]──[8A]┬─(9A)
                  └─[9A']◄A`);
  });

  it('says where a branch forks that has left the others before what is drawn', () => {
    const s = story();
    s.start('A', 'B');
    s.block('1A', 'g', 'AB');
    s.block('2A', '1A', 'A');
    s.block('2B', '1A', 'B');
    s.block('3A', '2A', 'A');
    s.block('3B', '2B', 'B');
    s.block('4A', '3A', 'A');
    const forks = (last: number) =>
      drawTree(s.forest, { nodes: ['A', 'B'], last }).rows.map((row) => [row.end.label, row.fork?.label]);
    expect(forks(2)).toEqual([
      ['4A', undefined],
      ['3B', '1A'],
    ]);
    // In sight it needs no words.
    expect(forks(4)).toEqual([
      ['4A', undefined],
      ['3B', undefined],
    ]);
  });

  it('is bounded: old heights are forgotten, and the drawing goes on', () => {
    const forest = newForest(100);
    const at = (h: number) => String(h).padStart(64, '0');
    for (let h = 0; h < 1_000; h++) {
      forest.apply({
        v: 1,
        seq: h,
        t: h,
        node: 'A',
        kind: 'block',
        id: at(h + 1),
        prev: at(h),
        height: h + 1,
        work: (h + 1).toString(16),
        miner: 'A',
        time: 0,
        txs: 1,
        size: 1,
        from: 'self',
      });
    }
    expect(forest.blocks.size).toBeLessThanOrEqual(111);
    expect(drawTree(forest, { nodes: ['A'], last: 2 }).rows[0]?.text).toContain('[1000A]');
  });
});

describe('payments across a reorg', () => {
  it('tells kept, returned and undone apart, and remembers how deep each was', () => {
    const s = story();
    s.start('A', 'C');
    s.block('1A', 'g', 'AC', ['kept']);
    s.tell('C', { kind: 'tx-seen', txid: 'frank', fee: 1, vsize: 1, from: 'self' });
    s.block('2C', '1A', 'C', ['frank', 'dave']);
    s.block('3C', '2C', 'C');
    expect(s.payments.standing('dave', 'C')).toEqual({ kind: 'confirmed', block: s.id('2C'), depth: 2 });
    expect(s.payments.standing('dave', 'A')).toEqual({ kind: 'unknown' });
    s.block('2A', '1A', 'A', ['carol']);
    s.block('3A', '2A', 'A');
    s.block('4A', '3A', 'A');
    s.block('2A', '1A', 'C', ['carol']);
    s.block('3A', '2A', 'C');
    s.block('4A', '3A', 'C');
    s.tell('C', { kind: 'tx-returned', txid: 'frank' });
    s.tell('C', { kind: 'tx-lost', txid: 'dave', by: 'carol', block: s.id('2A') });
    expect(s.payments.standing('kept', 'C')).toMatchObject({ kind: 'confirmed', depth: 4 });
    expect(s.payments.standing('frank', 'C')).toEqual({ kind: 'waiting', returned: true });
    expect(s.payments.standing('dave', 'C')).toMatchObject({ kind: 'gone', by: 'carol', block: s.id('2A') });
    expect(s.payments.deepest('dave', 'C')).toBe(2);
    s.block('5C', '4A', 'AC', ['frank']);
    expect(s.payments.standing('frank', 'A')).toMatchObject({ kind: 'confirmed', depth: 1 });
    expect(s.payments.wasReturned('frank', 'C')).toBe(true);
  });
});

describe('one line an event', () => {
  it('closes a block with one line, when the last node that can hear of it has followed', () => {
    const s = story();
    s.start('A', 'B', 'C', 'D');
    s.tell('', { kind: 'partition', groups: [['A', 'B', 'C'], ['D']] });
    s.block('1A', 'g', 'A');
    s.tell('A', { kind: 'mined', id: s.id('1A'), height: 1, miner: 'A', tries: 10, ms: 1 });
    const follow = (node: string) => {
      const news = {
        kind: 'tip',
        id: s.id('1A'),
        height: 1,
        work: '1',
        miner: 'A',
        old: s.id('g'),
        because: 'work',
      } as const;
      return narrate(s.tell(node, news), s.forest);
    };
    expect(follow('C')).toBeUndefined();
    expect(follow('B')).toBe('B C on 1A after 2 ms');
  });

  it('does not wait for a node that is down', () => {
    const s = story();
    s.start('A', 'B', 'C');
    s.tell('', { kind: 'process', what: 'killed', of: 'C', code: null, signal: 'SIGKILL' });
    s.block('1A', 'g', 'A');
    s.tell('A', { kind: 'mined', id: s.id('1A'), height: 1, miner: 'A', tries: 10, ms: 1 });
    const news = {
      kind: 'tip',
      id: s.id('1A'),
      height: 1,
      work: '1',
      miner: 'A',
      old: s.id('g'),
      because: 'work',
    } as const;
    expect(narrate(s.tell('B', news), s.forest)).toBe('B on 1A after 1 ms');
  });

  it('speaks of more work, names blocks, and stays silent about what only the file needs', () => {
    const s = story();
    s.start('A', 'B');
    s.block('1A', 'g', 'A');
    const mined = s.tell('A', {
      kind: 'mined',
      id: s.id('1A'),
      height: 1,
      miner: 'A',
      tries: 1_250_000,
      ms: 900,
    });
    expect(narrate(mined, s.forest)).toBe('A found 1A …00001A after 1.25 million tries');
    const reorg = s.tell('B', {
      kind: 'reorg',
      fork: { id: s.id('g'), height: 0, miner: '' },
      depth: 1,
      length: 1,
      out: [{ id: 'ff'.repeat(32), height: 1, miner: 'B' }],
      in: [{ id: s.id('1A'), height: 1, miner: 'A' }],
      because: 'work',
    });
    expect(narrate(reorg, s.forest)).toBe('B REORG 1 block deep (more work): out 1B …ffffff, fork 0, in 1A');
    expect(
      narrate(s.tell('B', { kind: 'header', id: 'x', prev: 'y', height: 1, work: '1', from: '' }), s.forest),
    ).toBeUndefined();
  });
});
