import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEventLine } from '../../src/events/read.ts';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'event-log.md'), 'utf8');
const source = readFileSync(join(root, 'src', 'events', 'events.ts'), 'utf8');

/** Each member of the two unions: its kind and the names of its own fields, read from the source. */
function kindsOf(text: string): Map<string, string[]> {
  const unions = [...text.matchAll(/^export type (?:News|HostNews) =([\s\S]*?);\n\n/gm)];
  const code = unions
    .map((match) => match[1]!)
    .join('')
    .replace(/\/\*[\s\S]*?\*\//g, '');
  const set = /export interface Conditions \{([\s\S]*?)\n\}/.exec(text)![1]!.replace(/\/\*[\s\S]*?\*\//g, '');
  const conditions = [...set.matchAll(/^ {2}readonly (\w+):/gm)].map((match) => match[1]!);
  const kinds = new Map<string, string[]>();
  for (const member of code.split(/\n {2}\| /)) {
    const kind = /readonly kind: '([^']+)'/.exec(member)?.[1];
    if (kind === undefined) continue;
    const fields = [...member.matchAll(/readonly (\w+)\??:/g)].map((match) => match[1]!);
    if (member.includes('& LostTx')) fields.push('txid', 'by', 'block');
    if (member.includes('& Conditions')) fields.push(...conditions);
    kinds.set(
      kind,
      fields.filter((name) => name !== 'kind'),
    );
  }
  return kinds;
}

const kinds = kindsOf(source);
const sections = new Map(
  [...page.matchAll(/^### (\S+)\n([\s\S]*?)(?=^##|$(?![\s\S]))/gm)].map((match) => [match[1]!, match[2]!]),
);

describe('docs/event-log.md', () => {
  it('knows the kinds from the source', () => {
    expect(kinds.size).toBeGreaterThanOrEqual(29);
    expect(kinds.get('tx-lost')).toEqual(['txid', 'by', 'block']);
    expect(kinds.get('heal')).toEqual([]);
  });

  it('has a section for every kind, and none for others', () => {
    expect([...sections.keys()].sort()).toEqual([...kinds.keys()].sort());
  });

  it.each([...kinds])('tells every field of %s, and shows a line of it', (kind, fields) => {
    const text = sections.get(kind)!;
    for (const field of fields) expect(text, `${kind}.${field}`).toMatch(new RegExp(`\`${field}\``));
    const line = /```jsonl\n(.*)\n```/.exec(text)?.[1];
    const read = readEventLine(line!);
    expect(read).toMatchObject({ ok: true, value: { kind } });
    const event = read.ok ? read.value : {};
    const known = new Set(['v', 'seq', 't', 'node', 'kind', ...fields]);
    expect(Object.keys(event).filter((name) => !known.has(name))).toEqual([]);
  });
});
