import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { type EventLogOptions, openEventLog } from '../../src/host/log/event-log.ts';

let dir: string;
let problems: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-log-'));
  problems = [];
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const open = (o: Partial<EventLogOptions> = {}) =>
  openEventLog({ dir, node: 'A', problem: (text) => problems.push(text), ...o });
const note = (text: string) => ({ kind: 'note', text }) as const;
const path = () => join(dir, 'events.jsonl');
const lines = (file = path()): LogEvent[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogEvent);
const seqs = (events: readonly LogEvent[]) => events.map((event) => event.seq);
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('the event log', () => {
  it('writes one line an event, numbered, with time and node', async () => {
    let time = 1_000.5;
    const log = open({ time: () => time });
    log.append(note('one'));
    time = 900; // A clock that goes back does not make the log go back.
    const second = log.append({ kind: 'heal' });
    expect(second).toEqual({ v: 1, seq: 2, t: 1_000.5, node: 'A', kind: 'heal' });
    await log.close();
    expect(lines()).toEqual([{ v: 1, seq: 1, t: 1_000.5, node: 'A', kind: 'note', text: 'one' }, second]);
    expect(statSync(path()).mode & 0o077).toBe(0);
  });

  it('takes what happened a while ago, but never puts it before the line above', async () => {
    let time = 1_000;
    const log = open({ time: () => time });
    log.append(note('one'));
    time = 1_100;
    expect(log.append(note('two'), 40).t).toBe(1_060);
    expect(log.append(note('three'), 70).t).toBe(1_060);
    await log.close();
  });

  it('has the machine clock', async () => {
    const log = open();
    const { t } = log.append({ kind: 'heal' });
    expect(Math.abs(t - Date.now())).toBeLessThan(60_000);
    await log.close();
  });

  it('goes on counting after a restart, and remembers', async () => {
    const first = open();
    for (let i = 0; i < 5; i++) first.append(note('x'));
    await first.close();
    const second = open();
    expect(second.lastSeq).toBe(5);
    expect(second.append(note('y')).seq).toBe(6);
    expect(seqs(second.since(3))).toEqual([4, 5, 6]);
    await second.close();
    expect(seqs(lines())).toEqual(upTo(1, 6));
    expect(problems).toEqual([]);
  });

  it('cuts off a line torn by a crash, and says so', async () => {
    const first = open();
    first.append(note('whole'));
    first.append(note('also whole'));
    await first.close();
    appendFileSync(path(), '{"v":1,"seq":3,"t":17');
    const second = open();
    expect(seqs(second.since(0))).toEqual([1, 2, 3]);
    const [said] = second.since(2);
    expect(said).toMatchObject({ kind: 'note', text: expect.stringContaining('torn by a crash: 21 bytes') });
    await second.close();
    expect(seqs(lines())).toEqual([1, 2, 3]);
  });

  it('cuts off a torn line longer than a chunk, and a file that is nothing else', async () => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path(), `{"v":1,"seq":1,"t":1,"node":"A","kind":"heal"}\n${'x'.repeat(600_000)}`);
    const log = open();
    expect(log.lastSeq).toBe(2);
    await log.close();
    writeFileSync(path(), '{"v":1');
    const again = open();
    expect(seqs(again.since(0))).toEqual([1]);
    await again.close();
    expect(lines().length).toBe(1);
  });

  it('counts on from a line whose kind only a newer version knows', async () => {
    writeFileSync(path(), '{"v":1,"seq":7,"t":1,"node":"A","kind":"later"}\n{"v":1,"seq":8,"kind":"heal"}\n');
    const log = open();
    expect(log.lastSeq).toBe(7);
    await log.close();
  });

  it('skips lines that are no events', async () => {
    writeFileSync(
      path(),
      '{"v":1,"seq":4,"t":1,"node":"A","kind":"heal"}\nrubbish\n\0\0\0\n{"v":2,"seq":9}\n',
    );
    const log = open();
    expect(log.lastSeq).toBe(4);
    expect(log.append(note('next')).seq).toBe(5);
    await log.flush();
    expect(seqs(log.since(0, 100))).toEqual([4, 5]);
    await log.close();
  });

  it('tells subscribers as it goes, until they leave', async () => {
    const log = open();
    const heard: number[] = [];
    const leave = log.subscribe((event) => heard.push(event.seq));
    log.append(note('a'));
    log.append(note('b'));
    leave();
    log.append(note('c'));
    expect(heard).toEqual([1, 2]);
    await log.close();
  });

  it('keeps the newest in memory and reads back to the oldest on disk', async () => {
    const log = open({ ring: 10 });
    for (let i = 0; i < 1_000; i++) log.append(note(`event ${i}`));
    await log.flush();
    const recent = log.since(0);
    expect(recent.length).toBeGreaterThanOrEqual(10);
    expect(recent.length).toBeLessThan(20);
    expect(recent.at(-1)?.seq).toBe(1_000);
    expect(log.oldestSeq).toBe(1);
    // Page by page through everything, in pages that fit nothing evenly.
    const all: number[] = [];
    for (let at = 0; ; ) {
      const page = log.since(at, 37);
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(37);
      all.push(...seqs(page));
      at = all.at(-1)!;
    }
    expect(all).toEqual(upTo(1, 1_000));
    expect(seqs(log.since(500, 3))).toEqual([501, 502, 503]);
    expect(seqs(log.since(20, 2))).toEqual([21, 22]);
    expect(log.since(1_000, 5)).toEqual([]);
    await log.close();
    // After a restart nothing is remembered of where lines begin.
    const again = open({ ring: 10 });
    expect(seqs(again.since(700, 2))).toEqual([701, 702]);
    expect(seqs(again.since(100, 2))).toEqual([101, 102]);
    expect(seqs(again.since(702, 2))).toEqual([703, 704]);
    await again.close();
  });

  it('puts a full file aside, and one only', async () => {
    const log = open({ fileBytes: 2_000, ring: 5 });
    for (let i = 1; i <= 100; i++) {
      log.append(note('some text that takes up room'));
      await log.flush();
    }
    const current = lines();
    const older = lines(join(dir, 'events.1.jsonl'));
    expect(older.at(-1)!.seq + 1).toBe(current[0]!.seq);
    expect(current.at(-1)!.seq).toBe(100);
    expect(statSync(path()).size).toBeLessThan(2_200);
    expect(log.oldestSeq).toBe(older[0]!.seq);
    expect(seqs(log.since(0, 1_000))).toEqual(upTo(older[0]!.seq, log.since(0)[0]!.seq - 1));
    expect(seqs(log.since(older.at(-2)!.seq, 3))).toEqual(upTo(older.at(-1)!.seq, older.at(-1)!.seq + 2));
    await log.close();
    const again = open({ fileBytes: 2_000, ring: 5 });
    expect(again.lastSeq).toBe(100);
    expect(again.oldestSeq).toBe(older[0]!.seq);
    await again.close();
  });

  it('lives on when the disk refuses, and says so once', async () => {
    const log = openEventLog({ dir: join(dir, 'sub'), node: 'A', problem: (text) => problems.push(text) });
    log.append(note('fine'));
    await log.flush();
    rmSync(join(dir, 'sub'), { recursive: true });
    await log.close();
    const broken = openEventLog({ dir: join(dir, 'sub'), node: 'A', problem: (text) => problems.push(text) });
    rmSync(join(dir, 'sub'), { recursive: true });
    for (let i = 0; i < 3; i++) {
      broken.append(note('lost'));
      await broken.flush();
    }
    expect(problems).toEqual([expect.stringContaining('cannot be written')]);
    expect(broken.since(0).length).toBe(3);
    // Whoever makes room again hears how much is missing.
    mkdirSync(join(dir, 'sub'));
    broken.append(note('back'));
    await broken.flush();
    expect(problems[1]).toContain('lost 3 lines');
    expect(seqs(lines(join(dir, 'sub', 'events.jsonl')))).toEqual([4]);
    await broken.close();
  });
});
