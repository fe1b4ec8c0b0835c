import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { exportRun } from '../../src/app/page/export-file.ts';
import { openTail, parseLog, readYardLog } from '../../src/app/page/log-file.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { answersOf } from '../../src/observe/state/agreement.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { laneWords, newLanes } from '../../src/observe/state/lanes.ts';
import { geometryOf } from '../../src/observe/tree/geometry.ts';
import { layoutOf, sharedBlock } from '../../src/observe/tree/layout.ts';
import { Run } from '../../src/page/state/run.ts';
import { event, extend, fresh, start } from './events.ts';

beforeEach(fresh);

/** A and B share 1A…`shared`A; then A builds `left` blocks and B `right` blocks apart. */
function forked(shared: number, left: number, right: number, tx: readonly string[] = []): LogEvent[] {
  const events = [start(0, 'A'), start(0, 'B')];
  let prev = 'g';
  for (let h = 1; h <= shared; h++) {
    for (const node of ['A', 'B']) events.push(...extend(h, node, `${h}A`, prev));
    prev = `${h}A`;
  }
  for (const [node, count] of [
    ['A', left],
    ['B', right],
  ] as const) {
    let at = prev;
    for (let h = shared + 1; h <= shared + count; h++) {
      // Both miners differ, so labels do too.
      const id = `${h}${node === 'A' ? 'C' : 'D'}`;
      events.push(...extend(100 + h, node, id, at, h === shared + 1 ? tx : []));
      at = id;
    }
  }
  return events;
}

function grown(events: readonly LogEvent[]) {
  const forest = newForest();
  for (const e of events) forest.apply(e);
  return forest;
}

const plain = { opened: new Set<number>(), shown: new Set<string>() };

describe('the end of a log', () => {
  it('is the same in one piece and in many, and begins with a whole line', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'forkyard-log-'));
    try {
      const lines = (count: number, name: string) =>
        Array.from({ length: count }, (_, i) => `${name} ${i} ${'x'.repeat(i % 200)}\n`).join('');
      writeFileSync(join(dir, 'yard.1.jsonl'), lines(3_000, 'before'));
      writeFileSync(join(dir, 'yard.jsonl'), lines(2_000, 'now'));
      const both = Buffer.concat(['yard.1.jsonl', 'yard.jsonl'].map((file) => readFileSync(join(dir, file))));
      const all = both.length;
      for (const most of [0, 1, 100, 70_000, 250_000, 400_000, all - 1, all, all + 1]) {
        const tail = openTail(dir, most);
        const pieces: Buffer[] = [];
        for await (const piece of tail.pieces()) pieces.push(piece);
        tail.close();
        const whole = Buffer.concat(pieces);
        expect(whole.length).toBe(tail.bytes);
        expect(whole.length).toBeLessThanOrEqual(most);
        expect(whole.equals(both.subarray(all - whole.length))).toBe(true);
        if (most >= all) expect(whole.length).toBe(all);
        if (whole.length > 0) expect(whole.toString()).toMatch(/^(before|now) \d+ x*\n/);
        if (most > 200) expect(whole.toString()).toMatch(/now 1999 x*\n$/);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('layout of the tree', () => {
  it('folds a run longer than four where nothing forks, never the newest, and opens it again', () => {
    const forest = grown(forked(20, 2, 1));
    const layout = layoutOf(forest, { tips: forest.tips, ...plain });
    const kinds = layout.columns.map((c) => (c.kind === 'fold' ? `${c.from}-${c.to}` : String(c.height)));
    // 20 is where it forks; above 17 nothing folds.
    expect(kinds).toEqual(['0-17', '18', '19', '20', '21', '22']);
    expect(layout.columnOf({ id: '9A', height: 9 })).toBe(0);
    const open = layoutOf(forest, { ...plain, tips: forest.tips, opened: new Set([0]) });
    expect(open.columns).toHaveLength(23);
  });

  it('never folds a fork, a stale block, a tip, or what is selected', () => {
    const events = forked(6, 20, 2);
    const forest = grown(events);
    const tips = new Map([['A', '26C']]);
    const layout = layoutOf(forest, { tips, opened: new Set(), shown: new Set(['15C']) });
    const hidden = layout.columns.flatMap((c) => (c.kind === 'fold' ? [[c.from, c.to]] : []));
    for (const height of [6, 7, 8, 15, 26]) {
      expect(hidden.some(([from, to]) => height >= from! && height <= to!)).toBe(false);
    }
    expect(hidden.length).toBeGreaterThan(0);
    expect(layout.kept.has('26C') && layout.kept.has('1A')).toBe(true);
    expect(layout.kept.has('7D') || layout.kept.has('8D')).toBe(false);
  });

  it('keeps the branch with most work where nobody is up, as at the end of a run', () => {
    const forest = grown(forked(3, 2, 4));
    const { kept } = layoutOf(forest, { ...plain, tips: new Map() });
    expect([kept.has('7D'), kept.has('1A'), kept.has('5C')]).toEqual([true, true, false]);
  });

  it('names the answers by work, and the height that all share', () => {
    const forest = grown(forked(3, 2, 4));
    expect(answersOf(forest, forest.tips).map((a) => [a.id, ...a.nodes])).toEqual([
      ['7D', 'B'],
      ['5C', 'A'],
    ]);
    expect(sharedBlock(forest, forest.tips)?.height).toBe(3);
  });

  it('puts every block into a cell of its own, inside the picture, in both directions', () => {
    const forest = grown(forked(9, 5, 6));
    const layout = layoutOf(forest, { ...plain, tips: forest.tips });
    for (const isUpright of [false, true]) {
      const geometry = geometryOf(layout, isUpright, 2);
      const cells = [...forest.blocks.values()]
        .filter((b) => layout.columns[layout.columnOf(b)]?.kind === 'height')
        .map((b) => geometry.at(layout.columnOf(b), b.track));
      expect(new Set(cells.map(String)).size).toBe(cells.length);
      for (const [x, y] of cells) {
        expect(x > 20 && x < geometry.size[0] - 20 && y > 20 && y < geometry.size[1] - 20).toBe(true);
      }
      const all = geometry.columnsIn(0, Math.max(...geometry.size), 0);
      expect(all[0]).toBe(0);
      expect(all[1]).toBeGreaterThanOrEqual(layout.columns.length - 1);
    }
  });

  it('lays out five thousand blocks in a few columns', () => {
    const forest = grown(forked(4_900, 50, 40));
    const layout = layoutOf(forest, { ...plain, tips: forest.tips });
    expect(layout.columns.length).toBeLessThan(40);
  });
});

describe('one payment over time', () => {
  it('is waiting, confirmed ever deeper, undone; each node for itself', () => {
    const reorg = [
      event(200, 'A', {
        kind: 'tip',
        id: '5D',
        height: 5,
        work: '32',
        miner: 'D',
        old: '4C',
        because: 'work',
      }),
      event(201, 'A', { kind: 'tx-lost', txid: 'p', by: 'q', block: '4D' }),
    ];
    const seen = event(50, 'A', { kind: 'tx-seen', txid: 'p', fee: 1, vsize: 1, from: 'self' });
    const chain = forked(3, 2, 2, ['p']);
    // Only A's branch holds it.
    const events = [...chain.filter((e) => e.t < 50), seen, ...chain.filter((e) => e.t >= 50), ...reorg].map(
      (e) => (e.kind === 'connected' && e.node === 'B' ? { ...e, txids: [] } : e),
    );
    const forest = grown(events);
    const lanes = newLanes('p', ['A', 'B']);
    for (const e of events) lanes.apply(e, forest);
    const states = lanes.byNode
      .get('A')!
      .map((s) => (s.state.kind === 'confirmed' ? s.state.depth : s.state.kind));
    expect(states).toEqual(['waiting', 1, 2, 'undone']);
    expect(lanes.byNode.get('B')!.every((s) => s.state.kind === 'unknown')).toBe(true);
    const last = lanes.byNode.get('A')!.at(-1)!.state;
    expect(laneWords(last, forest, { nameOf: (id) => id })).toBe('undone: its coin is spent by q in 4D');
  });
});

describe('a run with its position', () => {
  it('is the same at an event whether one came from before or from behind', () => {
    const events = forked(8, 3, 5);
    const run = new Run();
    run.append(events);
    const picture = () => [[...run.forest.tips], [...run.forest.blocks.values()].map((b) => [b.id, b.track])];
    run.isLive = false;
    run.seek(20);
    const back = picture();
    run.seek(1);
    run.seek(20);
    expect(picture()).toEqual(back);
    const other = new Run();
    other.append(events.slice(0, 20));
    expect([[...other.forest.tips], [...other.forest.blocks.values()].map((b) => [b.id, b.track])]).toEqual(
      back,
    );
    expect(run.countOf(events[9]!.seq)).toBe(10);
  });

  it('takes an event once, however often it is told', () => {
    const events = forked(3, 1, 1);
    const run = new Run();
    run.append(events);
    run.append(events.slice(-5));
    expect(run.events).toHaveLength(events.length);
  });
});

describe('a log on disk', () => {
  it('may end in the middle of a line', () => {
    const lines = forked(2, 1, 1).map((e) => JSON.stringify(e));
    const { events, damaged } = parseLog(`${lines.join('\n')}\n{"v":1,"seq":99,"t":1,"nod`, 'run.jsonl');
    expect([events.length, damaged]).toEqual([lines.length, 1]);
    const read = parseLog('[]\n7\nnull\n{}\n', 'run.jsonl');
    expect([read.events.length, read.damaged]).toEqual([0, 4]);
    expect(read.faults.map(({ line, rule }) => [line, rule])).toEqual([
      ...[1, 2, 3].map((line) => [line, 'bad-json']),
      [4, 'bad-version'],
    ]);
  });

  it('has two files, and each fault its own file and line', () => {
    const dir = mkdtempSync(join(tmpdir(), 'forkyard-log-'));
    try {
      const line = (seq: number) => JSON.stringify(event(seq, 'A', { kind: 'heal' }));
      writeFileSync(join(dir, 'yard.1.jsonl'), `${line(1)}\n{`);
      writeFileSync(join(dir, 'yard.jsonl'), `${line(2)}\n\n{"v":1}\n`);
      const read = readYardLog(dir, 1e6);
      expect(read.events).toHaveLength(2);
      expect(read.faults.map(({ file, line, rule }) => `${file}:${line} ${rule}`)).toEqual([
        'yard.1.jsonl:2 bad-json',
        'yard.jsonl:3 unknown-kind',
      ]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('an exported run', () => {
  const files = {
    html: '<meta charset="utf-8"><title>forkyard</title><link rel="stylesheet" href="/style.css"><script type="module" src="/page.js"></script>',
    script: 'let a="</script>"',
    style: 'a{}',
  };
  const facts = {
    label: 'x<y',
    network: 'lab',
    nodes: ['A'],
    spacingMs: 0,
    delayMs: 0,
    topology: 'full' as const,
  };

  it('is one file that loads nothing, and holds every event', () => {
    const events = forked(3, 1, 1);
    const { html, kept, of } = exportRun(files, facts, events);
    expect([kept, of]).toEqual([events.length, events.length]);
    expect(html).not.toMatch(/(?:src|href)="/);
    expect(html).toContain("default-src 'none'");
    expect(html).toContain('x&#60;y');
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    const packed = /id="run">([^<]+)</.exec(html)![1]!;
    const lines = gunzipSync(Buffer.from(packed, 'base64')).toString().split('\n');
    expect(lines.slice(1).map((l) => JSON.parse(l))).toEqual(events);
  });

  it('keeps the newest when all is too much', () => {
    const events = forked(300, 1, 1);
    const { gzipped, kept, of } = exportRun(files, facts, events, 3_000);
    expect(gzipped).toBeLessThanOrEqual(3_000);
    expect(kept).toBeGreaterThan(20);
    expect(kept).toBeLessThan(of);
  });
});
