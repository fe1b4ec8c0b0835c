import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Grade, gradeAll } from '../../src/lab/scenario/grade.ts';
import { HAND_IN, type HandIn, readHandIn, writeHandIn } from '../../src/lab/scenario/handin.ts';

const FILES = ['scenario.yaml', 'result.json', 'log.jsonl', 'report.html'];
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-handin-'));
  for (const name of FILES.slice(1)) writeFileSync(join(dir, name), `what was in ${name}`);
  const result = { title: 'x', passed: true, verdicts: [], answers: [], steps: [], ms: 1 };
  writeHandIn({ dir, student: 's1', scenarioText: 'title: x\nsteps: []\n', result, speed: 1 });
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const change = (name: string, edit: (text: string) => string) =>
  writeFileSync(join(dir, name), edit(readFileSync(join(dir, name), 'utf8')));

describe('a hand-in', () => {
  it('is read back as it was written', () => {
    expect(readHandIn(dir)).toMatchObject({ ok: true, value: { student: 's1', speed: 1, passed: true } });
  });

  it.each(FILES)('whose %s was changed or removed is found', (name) => {
    change(name, (text) => `${text} `);
    expect(readHandIn(dir)).toEqual({ ok: false, error: `${name} was changed after the run` });
    rmSync(join(dir, name));
    expect(readHandIn(dir)).toEqual({ ok: false, error: `${name} is missing` });
  });

  it.each([
    ['"student": "s1"', '"student": "s2"'],
    ['"speed": 1', '"speed": 50'],
    ['"passed": true', '"passed": false'],
    ['"at": "20', '"at": "19'],
  ])('that says %s may not say %s later', (was, is) => {
    change(HAND_IN, (text) => text.replace(was, is));
    expect(readHandIn(dir)).toEqual({ ok: false, error: `${HAND_IN} was changed after the run` });
  });

  /** As somebody would who knows how the seal is made. */
  function forge(change: Record<string, unknown>): void {
    const handIn = { ...(JSON.parse(readFileSync(join(dir, HAND_IN), 'utf8')) as HandIn), ...change };
    const { v, student, at, speed, passed, files } = handIn;
    const told = [v, student, at, speed, passed, FILES.map((name) => [name, files?.[name]])];
    const seal = createHash('sha256').update(JSON.stringify(told)).digest('hex');
    writeFileSync(join(dir, HAND_IN), JSON.stringify({ ...handIn, seal }));
  }

  it('may be made anew by whoever knows how, as it is run again', () => {
    forge({ passed: false });
    expect(readHandIn(dir)).toMatchObject({ ok: true, value: { passed: false } });
  });

  it.each([
    ['speed', 0],
    ['speed', 0.0001],
    ['speed', 1e308],
    ['speed', -1],
    ['speed', null],
    ['speed', '1'],
    ['student', '../../x'],
    ['student', ''],
    ['student', '\u001b[2J'],
    ['student', 'x'.repeat(65)],
    ['at', 'soon'],
    ['passed', 'yes'],
    ['files', { toString: 1 }],
    ['files', []],
  ])('whose %s is %j is refused by that name', (field, value) => {
    forge({ [field]: value });
    const read = readHandIn(dir);
    expect(read.ok ? 'taken' : read.error).toMatch(
      new RegExp(`^handin\\.json is not a hand-in: ${field}[ .]`),
    );
  });

  it.each([...FILES, HAND_IN])('whose %s is no plain file is refused without waiting', (name) => {
    const path = join(dir, name);
    const bad: readonly (readonly [string, () => void])[] = [
      ['is a directory', () => mkdirSync(path)],
      ['is not a plain file', () => execFileSync('mkfifo', [path])],
      ['is a link', () => symlinkSync('/dev/zero', path)],
      ['is a link', () => symlinkSync(join(dir, 'other'), path)],
      [
        'is the most',
        () => {
          writeFileSync(path, '');
          truncateSync(path, 2e9);
        },
      ],
    ];
    for (const [words, make] of bad) {
      rmSync(path, { recursive: true, force: true });
      make();
      const read = readHandIn(dir);
      expect(read.ok ? 'taken' : read.error).toMatch(new RegExp(`^${name} .*${words}`));
    }
  });

  it.each(['', '{', 'null', '{ "v": 1, "files": null }'])('that is %s is none', (text) => {
    writeFileSync(join(dir, HAND_IN), text);
    expect(readHandIn(dir)).toMatchObject({ ok: false, error: expect.stringContaining(HAND_IN) });
  });
});

describe('grading', () => {
  it('gives every hand-in its row, whatever is in one of them', async () => {
    const all = join(dir, 'all');
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names)
      for (const file of [...FILES, HAND_IN]) cpSync(join(dir, file), join(all, name, file));
    // b: a directory in the place of its log; c: nothing readable; d: waits for days.
    rmSync(join(all, 'b', 'log.jsonl'));
    mkdirSync(join(all, 'b', 'log.jsonl'));
    writeFileSync(join(all, 'c', HAND_IN), '\0');
    const result = { title: 'x', passed: true, verdicts: [], answers: [], steps: [], ms: 1 };
    const steps = Array.from({ length: 900 }, () => '  - wait: 1h\n').join('');
    const scenarioText = `title: x\nsteps:\n${steps}`;
    writeHandIn({ dir: join(all, 'd'), student: 's4', scenarioText, result, speed: 100 });
    const told: Grade[] = [];
    const grades = await gradeAll({
      dir: all,
      // Nothing can be run by it: as a machine that has no port left, or a bug.
      programPath: join(dir, 'no', 'such', 'program.js'),
      signal: new AbortController().signal,
      say: () => undefined,
      onGrade: (grade) => told.push(grade),
    });
    expect(told).toEqual(grades);
    expect(grades.map((g) => [g.folder, g.state])).toEqual([
      ['a', 'not run'],
      ['b', 'changed'],
      ['c', 'changed'],
      ['d', 'not run'],
      ['e', 'not run'],
    ]);
    expect(grades[3]!.remark).toMatch(/^its waits and timeouts take up to 9\.2 hours; 4 is the most$/);
  });
});
