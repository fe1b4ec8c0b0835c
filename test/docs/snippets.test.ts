import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEventLine } from '../../src/events/read.ts';
import { parseScenario } from '../../src/lab/scenario/parse.ts';
import { runScenario } from '../../src/lab/scenario/run.ts';
import { DOCUMENTS, HOW, linesOf, ROOT, SHOWN, snippetsOf } from './snippets.ts';

/** What a reader may copy from the documents, as far as it needs no process (the rest: test/live/snippets.test.ts). */

const all = DOCUMENTS.flatMap(snippetsOf);
const of = (language: string) => all.filter((snippet) => snippet.language === language);

describe('the snippets of the documents', () => {
  it('are all of a language that is run, parsed or held by a test', () => {
    expect(all.length).toBeGreaterThan(60);
    const unknown = all.filter(({ language }) => !['sh', 'ts', 'yaml', 'jsonl', 'text'].includes(language));
    expect(unknown.map(({ place }) => place)).toEqual([]);
    const shown = of('text').map(({ text }) => text.split('\n')[0]!);
    expect(shown).toEqual(Object.keys(SHOWN));
  });

  it('use every row of the tables, and rows name tests that exist', () => {
    const lines = new Set(of('sh').flatMap(linesOf));
    expect(Object.keys(HOW).filter((line) => !lines.has(line))).toEqual([]);
    const tests = [...Object.values(HOW).flatMap(({ by }) => by ?? []), ...Object.values(SHOWN)];
    expect(tests.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it.each(of('jsonl'))('$place is lines of an event log', ({ text }) => {
    for (const line of text.split('\n')) expect(readEventLine(line)).toMatchObject({ ok: true });
  });

  it.each(of('yaml'))('$place is a scenario whose assertions hold', async ({ text }) => {
    const parsed = parseScenario(text);
    if (!('scenario' in parsed)) throw new Error(JSON.stringify(parsed.faults));
    for (const seed of [1, 2, 3]) {
      const { result } = await runScenario({
        scenario: parsed.scenario,
        programPath: join(ROOT, 'dist', 'forkyard.js'),
        speed: 1,
        say: () => undefined,
        signal: new AbortController().signal,
        simulate: { seed },
      });
      expect([result.failure, result.verdicts.filter((verdict) => !verdict.holds)]).toEqual([undefined, []]);
      expect(result.verdicts.length).toBeGreaterThan(0);
    }
  });
});
