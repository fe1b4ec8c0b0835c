import { describe, expect, it } from 'vitest';
import { statsLines } from '../../src/app/cli/stats-report.ts';
import { exportRun } from '../../src/app/page/export-file.ts';
import { parseLog } from '../../src/app/page/log-file.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { lineFaultWords, readEventLine } from '../../src/events/read.ts';
import { evidenceOf } from '../../src/observe/figures/evidence.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { agreementPanel } from '../../src/observe/figures/panel.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { newLanes } from '../../src/observe/state/lanes.ts';
import { Story } from '../../src/observe/state/story.ts';
import { drawTree } from '../../src/observe/tree/draw.ts';
import { pictureSvg } from '../../src/observe/tree/picture.ts';
import { newTimeRows } from '../../src/observe/tree/time-rows.ts';
import { Run } from '../../src/page/state/run.ts';
import { type Random, seeded } from '../../src/util/random.ts';
import { LogWriter } from './log-writer.ts';
import { RUNS } from './sim-logs.ts';

/** Logs that somebody has changed: every line is an event or is refused by name, and no face hangs or throws. */

const PAGE =
  '<meta charset="utf-8"><title>forkyard</title><link rel="stylesheet" href="/style.css"><script type="module" src="/page.js"></script>';
const NODES = ['A', 'B', 'C', 'D'];
const PAYLOAD = '<script>alert(1)</script>"\'&\u0000\u001b[2J\ud800';

/** Values of every type and size. */
const JUNK: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 1.5, -0, 1e21, 1e308, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, 8.64e15],
  ...['', '0', '1x', 'ff', 'A', 'B', 'self', 'work', PAYLOAD, '__proto__', 'constructor', 'f'.repeat(64)],
  ...[[], [[]], [['A'], ['B']], [[], []], ['A', 1], {}, { A: 1 }, { id: '1', height: 1, miner: PAYLOAD }],
];

type Json = Record<string, unknown>;

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)]!;
}

/** One change of a log of parsed lines: a field, or a line, or its place. */
function mutate(lines: Json[], random: Random): void {
  const at = random.below(lines.length);
  const line = { ...lines[at]! };
  const other = pick(random, lines);
  const name = pick(random, Object.keys(line));
  lines[at] = line;
  switch (random.below(9)) {
    case 0:
      delete line[name];
      break;
    case 1:
    case 2:
      line[name] = pick(random, JUNK);
      break;
    case 3:
      // Of the right type, from another line: ids that make circles, heights that do not fit.
      if (other[name] !== undefined) line[name] = other[name];
      break;
    case 4:
      if (typeof line['prev'] === 'string') line['prev'] = pick(random, [line['id'], other['id'], '']);
      break;
    case 5:
      if (typeof line['height'] === 'number') line['height'] = pick(random, [0, 1, 5_000, 2 ** 32 - 1]);
      break;
    case 6:
      line['t'] = pick(random, [0, 8.64e15, line['t'], other['t']]);
      break;
    case 7:
      lines[at] = other;
      break;
    default:
      lines.splice(at, 1 + random.below(3));
  }
}

/** All that is made of a log, part by part: each log is put through one of them, besides figures and tree. */
const USES: readonly ((events: readonly LogEvent[], seen: ReturnType<typeof read>) => string)[] = [
  (_events, { figures }) => {
    const run = figures.read();
    const reading = { events: 1, skipped: 0, faults: [], torn: false, from: undefined, to: undefined };
    const setting = { strong: (text: string) => text, columns: 100, rows: () => [] };
    const lines = [...statsLines({ run, epochs: run.epochs, reading, paths: [] }, setting)].join('\n');
    expect(lines).not.toMatch(/NaN|undefined|Infinity/);
    agreementPanel(run);
    return '';
  },
  (events, { forest, story, lanes }) =>
    pictureSvg(forest, story, {
      ...{ label: 'x', moment: 'end' },
      lanes: { lanes, until: events.at(-1)?.t ?? 0 },
    }),
  (events, { forest, story, rows }) => {
    const [zero, now] = [events[0]?.t ?? 0, events.at(-1)?.t ?? 0];
    const time = { rows, spacingMs: 1_000, now, zero, cutAt: story.cutAt };
    return pictureSvg(forest, story, { label: 'x', moment: 'end', time });
  },
  (events) => {
    const page = new Run();
    page.append(events);
    page.figures();
    page.seek(events.length >> 1);
    return '';
  },
  (events, { forest }) => {
    for (const id of ['stale', 'forked', 'D0', 'V1']) evidenceOf(events, id, 0, 8.64e15);
    return drawTree(forest, { nodes: NODES, last: 12, maxRows: 8 }).ruler;
  },
];

function read(events: readonly LogEvent[]) {
  const figures = newFigures();
  const forest = newForest();
  const story = new Story();
  const rows = newTimeRows();
  const lanes = newLanes(events.find((event) => event.kind === 'tx-seen')?.txid ?? '', NODES);
  for (const event of events) {
    figures.apply(event);
    forest.apply(event);
    story.apply(event, forest);
    rows.apply(event, forest);
    lanes.apply(event, forest);
  }
  return { figures, forest, story, rows, lanes };
}

/** `turn`: which of the uses it is for this log. */
function use(events: readonly LogEvent[], turn: number): void {
  const text = USES[turn % USES.length]!(events, read(events));
  expect(text).not.toContain('<script');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what XML forbids is what is looked for
  expect(text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
}

const BASE = ['partitioned', 'double spend', 'killed and back'].map((name) =>
  RUNS[name]!('hostile')
    .slice(0, 120)
    .map((event) => event as unknown as Json),
);

describe('a log that somebody has changed', () => {
  it.each([0, 1, 2])('in thousands of ways: nothing hangs or throws (log %d)', (which) => {
    const random = seeded(`hostile logs ${which}`);
    let refused = 0;
    for (let i = 0; i < 700; i++) {
      const lines = [...BASE[which]!];
      for (let n = 1 + random.below(6); n > 0; n--) mutate(lines, random);
      const { events, damaged, faults } = parseLog(
        lines.map((line) => JSON.stringify(line)).join('\n'),
        'x.jsonl',
      );
      expect(events.length + damaged).toBe(lines.length);
      for (const fault of faults)
        expect(lineFaultWords(fault)).toMatch(/^x\.jsonl line \d+: [ -~…]+ \([a-z-]+\)$/);
      refused += damaged;
      use(events, i);
    }
    expect(refused).toBeGreaterThan(300);
  });

  it('byte by byte: what is read is an event', () => {
    const random = seeded('bytes');
    const text = BASE[0]!
      .slice(0, 60)
      .map((line) => JSON.stringify(line))
      .join('\n');
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(text);
      for (let n = 1 + random.below(20); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      use(parseLog(bytes.toString('utf8'), 'x.jsonl').events, i);
    }
  });

  it('can be exported', () => {
    const random = seeded('export');
    const files = { html: PAGE, script: '', style: '' };
    const facts = {
      label: 'x',
      network: 'lab',
      nodes: NODES,
      spacingMs: 0,
      delayMs: 0,
      topology: 'full' as const,
    };
    for (let i = 0; i < 20; i++) {
      const lines = [...BASE[1]!];
      for (let n = 0; n < 10; n++) mutate(lines, random);
      const { events } = parseLog(lines.map((line) => JSON.stringify(line)).join('\n'), 'x.jsonl');
      expect(exportRun(files, facts, events).kept).toBeGreaterThan(0);
    }
  });
});

describe('a line of a log', () => {
  const event = (change: Json) =>
    JSON.stringify({ ...BASE[0]!.find((line) => line['kind'] === 'block'), ...change });
  const faultOf = (line: string) => {
    const read = readEventLine(line);
    return read.ok ? undefined : `${read.error.rule}: ${read.error.detail}`;
  };

  it.each([
    [event({}), undefined],
    [event({ more: [1, { x: 2 }] }), undefined],
    ['{', 'bad-json: not JSON'],
    ['7', 'bad-json: not an object'],
    [event({ v: 2 }), 'bad-version: v must be 1, not 2'],
    [event({ kind: 'toString' }), 'unknown-kind: no event is of kind "toString"'],
    [
      event({ height: '1x' }),
      'bad-field: height of block must be a whole number from 0 to 4294967295, not "1x"',
    ],
    [event({ height: -1 }), 'bad-field: height of block must be a whole number from 0 to 4294967295, not -1'],
    [event({ work: '0x1' }), 'bad-field: work of block must be 1 to 64 hex digits, not "0x1"'],
    [event({ miner: '\u001b[2J' }), undefined],
    [event({ id: undefined }), 'bad-field: id of block must be text of at most 128 characters, not nothing'],
    [
      event({ id: ['\u001b'] }),
      'bad-field: id of block must be text of at most 128 characters, not ["\\u001b"]',
    ],
    [event({ t: '1' }), 'bad-field: t of block must be a number from 0 to 8640000000000000, not "1"'],
    [
      event({ kind: 'partition' }),
      'bad-field: groups of partition must be a list, each of it a list, each of it text of at most 128 characters, not nothing',
    ],
    [event({ kind: 'reorg' }), 'bad-field: fork of reorg must be a block { id, height, miner }, not nothing'],
    ['['.repeat(200_000), 'bad-json: not JSON'],
  ])('%.80s', (line, fault) => {
    expect(faultOf(line)).toBe(fault);
  });

  it('is no way into a circle of parents', () => {
    const log = new LogWriter().start('A').at(1).mine('A', 'a1').mine('A', 'a2').mine('A', 'a3');
    const circle = log.events.map((e) =>
      e.kind === 'block' && e.height === 1 ? { ...e, prev: log.id('a3') } : e,
    );
    const own = log.events.map((e) => (e.kind === 'block' && e.height === 2 ? { ...e, prev: e.id } : e));
    for (const events of [circle, own, [...own].reverse(), [...circle].reverse()]) {
      const forest = newForest();
      for (const e of events) forest.apply(e);
      expect(forest.branch(log.id('a3')).length).toBeLessThanOrEqual(4);
      for (const turn of USES.keys()) use(events, turn);
    }
  });
});
