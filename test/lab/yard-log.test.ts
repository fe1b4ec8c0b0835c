import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { openYardLog } from '../../src/lab/yard/log.ts';
import { fatesIn, reorgsIn } from '../../src/yard/log.ts';
import { MinedWatch, minedLine } from '../../src/yard/mined.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-log-'));
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true, force: true });
});

function note(node: string, t: number, text = ''): LogEvent {
  return { v: 1, seq: 7, t, node, kind: 'note', text };
}

function lines(): LogEvent[] {
  const text = readFileSync(join(dir, 'yard.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l) as LogEvent);
}

describe('the merged log', () => {
  it('puts events of several streams in the order of their clock and numbers them anew', () => {
    const log = openYardLog(dir);
    const seen: string[] = [];
    log.subscribe((e) => seen.push(`${e.seq}${e.node}`));
    log.merge(note('B', 1_000_020));
    vi.advanceTimersByTime(10);
    log.merge(note('A', 1_000_005));
    log.merge(note('C', 1_000_030));
    expect(seen).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(seen).toEqual(['1A', '2B', '3C']);
    expect(log.since(1).map((e) => e.node)).toEqual(['B', 'C']);
    expect(lines().map((e) => e.seq)).toEqual([1, 2, 3]);
    log.close();
  });

  it('does not wait for ever: what comes too late goes behind', () => {
    const log = openYardLog(dir);
    log.merge(note('A', 1_000_050));
    vi.advanceTimersByTime(100);
    log.merge(note('B', 1_000_001));
    log.flush();
    expect(log.since(0).map((e) => e.node)).toEqual(['A', 'B']);
    log.close();
  });

  it('goes on counting after a restart, and writes what waits when it is closed', () => {
    const first = openYardLog(dir);
    first.merge(note('A', 1));
    first.tell({ kind: 'action', text: 'x' });
    first.close();
    const second = openYardLog(dir);
    expect(second.last).toBe(2);
    second.merge(note('B', 2));
    second.close();
    expect(lines().map((e) => [e.seq, e.node])).toEqual([
      [1, 'A'],
      [2, ''],
      [3, 'B'],
    ]);
  });
});

const ref = (height: number, miner: string) => ({ id: `${height}${miner}`.padStart(64, '0'), height, miner });

function mined(node: string, t: number, height: number): LogEvent {
  return { v: 1, seq: 0, t, node, kind: 'mined', ...ref(height, node), tries: 1_100_000, ms: 900 };
}

function connected(node: string, t: number, height: number, miner: string): LogEvent {
  return { v: 1, seq: 0, t, node, kind: 'connected', ...ref(height, miner), txids: [] };
}

describe('stories told from the log', () => {
  it('follows a block from its finder to the last node, in whatever order the lines come', () => {
    const watch = new MinedWatch('A');
    for (const event of [
      connected('B', 103, 8, 'A'),
      mined('A', 100, 8),
      mined('C', 101, 8),
      connected('A', 100, 8, 'A'),
      connected('D', 109, 8, 'A'),
      connected('D', 500, 8, 'A'),
    ]) {
      watch.apply(event);
    }
    expect(watch.blocks).toHaveLength(1);
    const block = watch.at(0)!;
    expect([block.on, block.afterMs, block.tries]).toEqual([['B', 'D'], 9, 1_100_000]);
    expect(minedLine(block)).toBe('8A …00008A 0.9 s 1.1M tries · on B D after 9 ms');
    expect(watch.at(1)).toBeUndefined();
    // A block that lost the race: others have it, and none is on it.
    watch.apply(mined('A', 600, 9));
    expect(minedLine(watch.at(1)!)).toContain('on no other node yet');
    watch.apply({
      v: 1,
      seq: 0,
      t: 610,
      node: 'C',
      kind: 'block',
      ...ref(9, 'A'),
      prev: '',
      work: '1',
      time: 0,
      txs: 1,
      size: 1,
      from: '',
    });
    expect(minedLine(watch.at(1)!)).toContain('C had another block of that height first');
  });

  it('counts as stale an own block in whose place the own branch has another', () => {
    const watch = new MinedWatch('A');
    const on = (height: number, miner: string) => watch.apply(connected('A', 100, height, miner));
    on(7, 'B');
    watch.apply(mined('A', 100, 8));
    on(8, 'A');
    watch.apply(connected('B', 101, 8, 'B'));
    expect(watch.stale).toBe(0);
    // Its own branch is given up, and later taken again.
    on(8, 'B');
    expect(watch.stale).toBe(1);
    on(8, 'A');
    expect(watch.stale).toBe(0);
  });

  it('collects reorgs, returned and lost payments', () => {
    const events: LogEvent[] = [
      {
        v: 1,
        seq: 1,
        t: 1,
        node: 'C',
        kind: 'reorg',
        fork: ref(7, 'B'),
        depth: 2,
        length: 3,
        out: [ref(9, 'C')],
        in: [],
        because: 'work',
      },
      { v: 1, seq: 2, t: 2, node: 'C', kind: 'tx-lost', txid: 'aa', by: 'bb', block: 'cc' },
      { v: 1, seq: 3, t: 2, node: 'D', kind: 'tx-lost', txid: 'aa', by: 'bb', block: 'cc' },
      { v: 1, seq: 4, t: 3, node: 'D', kind: 'tx-returned', txid: 'dd' },
      // Lost by a block that came later, on one of two nodes so far.
      { v: 1, seq: 5, t: 3, node: 'C', kind: 'tx-returned', txid: 'ee' },
      { v: 1, seq: 6, t: 3, node: 'D', kind: 'tx-returned', txid: 'ee' },
      { v: 1, seq: 7, t: 4, node: 'C', kind: 'tx-lost', txid: 'ee', by: 'bb', block: 'ff' },
      { v: 1, seq: 8, t: 4, node: 'C', kind: 'tx-returned', txid: 'gg' },
      { v: 1, seq: 9, t: 5, node: 'C', kind: 'tx-lost', txid: 'gg', by: 'bb', block: 'ff' },
    ];
    expect(reorgsIn(events).map((r) => [r.node, r.depth, r.length])).toEqual([['C', 2, 3]]);
    const fates = fatesIn(events);
    expect([...fates.lost]).toEqual([
      ['aa', { by: 'bb', block: 'cc', nodes: ['C', 'D'] }],
      ['ee', { by: 'bb', block: 'ff', nodes: ['C'] }],
      ['gg', { by: 'bb', block: 'ff', nodes: ['C'] }],
    ]);
    expect([...fates.returned]).toEqual([
      ['dd', ['D']],
      ['ee', ['D']],
    ]);
  });
});
