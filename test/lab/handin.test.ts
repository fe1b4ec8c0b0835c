import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HAND_IN, readHandIn, writeHandIn } from '../../src/lab/handin.ts';

const FILES = ['scenario.yaml', 'result.json', 'log.jsonl', 'report.html'];
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-handin-'));
  for (const name of FILES.slice(1)) writeFileSync(join(dir, name), `what was in ${name}`);
  const result = { title: 'x', passed: true, verdicts: [], answers: [], steps: [], ms: 1 };
  writeHandIn({ dir, student: 's1', scenarioText: 'title: x\n', result, speed: 1 });
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

  it.each(['', '{', 'null', '{ "v": 1, "files": null }'])('that is %s is none', (text) => {
    writeFileSync(join(dir, HAND_IN), text);
    expect(readHandIn(dir)).toMatchObject({ ok: false, error: expect.stringContaining(HAND_IN) });
  });
});
