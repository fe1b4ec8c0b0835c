import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compare, readFigures, toJson, toMarkdown, updateFile } from '../../scripts/bench/report.ts';
import { type BenchTable, rowOf } from '../../scripts/bench/table.ts';

const dir = mkdtempSync(join(tmpdir(), 'forkyard-bench-'));
afterAll(() => rmSync(dir, { recursive: true }));

const table = (rate: number[], late: number[]): BenchTable => ({
  suite: 'hash',
  says: 'What was done.',
  rows: [rowOf('fast', rate, 'MH/s', { name: 'noble', value: 0.5 }), rowOf('late', late, 'ms')],
});
const before = table([7, 8, 9], [1, 2, 3]);

describe('figures', () => {
  it('as JSON have exactly these fields', () => {
    const json = toJson(before);
    expect(Object.keys(json)).toEqual(['suite', 'machine', 'node', 'rows']);
    expect(json.rows).toEqual([
      { name: 'fast', value: 8, unit: 'MH/s', min: 7, max: 9, n: 3, peer: { name: 'noble', value: 0.5 } },
      { name: 'late', value: 2, unit: 'ms', min: 1, max: 3, n: 3 },
    ]);
    expect(json.node).toBe(process.versions.node);
  });

  it('as Markdown show the spread, what stands beside, and the load', () => {
    const text = toMarkdown(before, 1.25);
    expect(text).toContain('| fast | 8.00 | MH/s | 7.00 – 9.00, n = 3 | 16.0 × noble (0.500) |');
    expect(text).toMatch(/load before: 1\.[23]\.$/);
  });

  it('of two runs are compared: moved is what lies beyond both spreads', () => {
    const file = join(dir, 'old.json');
    writeFileSync(file, `${JSON.stringify(toJson(before))}\n`);
    const now = table([11, 12, 13], [1, 2.5, 9]);
    const text = compare(readFigures(file), [now, { ...now, suite: 'parse' }]);
    expect(text).toContain('| hash: fast, MH/s | 8.00 | 12.0 | +50 % | moved |');
    expect(text).toContain('| hash: late, ms | 2.00 | 2.50 | +25 % |  |');
    expect(text).toContain('| parse: fast, MH/s | | 12.0 | | new |');
    expect(compare(readFigures(file), [{ ...now, rows: now.rows.slice(1) }])).toContain(
      '| hash: fast | | | | gone |',
    );
  });

  it('from a file that is none are refused with a sentence', () => {
    const file = join(dir, 'no.json');
    expect(() => readFigures(file)).toThrow('cannot read');
    for (const text of ['', 'x', '{}', '{"suite":"hash"}', 'null']) {
      writeFileSync(file, text);
      expect(() => readFigures(file)).toThrow(/line 1 is no figures; make such a file with/);
    }
  });

  it('take the place of those of the same suite in a file', () => {
    const file = join(dir, 'B.md');
    writeFileSync(file, '# Head\n\n<!-- hash -->\nold\n<!-- /hash -->\n\nTail\n');
    updateFile(
      file,
      new Map([
        ['hash', 'new'],
        ['parse', 'other'],
      ]),
    );
    updateFile(file, new Map([['parse', 'again']]));
    expect(readFileSync(file, 'utf8')).toBe(
      '# Head\n\n<!-- hash -->\nnew\n<!-- /hash -->\n\nTail\n\n<!-- parse -->\nagain\n<!-- /parse -->\n',
    );
  });
});
