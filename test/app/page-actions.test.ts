import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actionFor } from '../../src/app/page/actions.ts';
import { YardClient } from '../../src/lab/client.ts';
import { createYard } from '../../src/lab/create.ts';
import { Problem } from '../../src/lab/problem.ts';
import { seeded } from '../../src/util/random.ts';

/** What a page may send is JSON of any shape: each field makes an action, or is refused in one sentence. */

let dir: string;
let client: YardClient;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-actions-'));
  mkdirSync(join(dir, 'yard'));
  const program = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
  const { yard } = createYard(join(dir, 'yard'), program, { network: 'lab', nodes: 4 });
  client = new YardClient(join(dir, 'yard'), yard);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Fields = Record<string, unknown>;

const GOOD: Readonly<Record<string, Fields>> = {
  hold: {},
  release: {},
  mine: { node: 'A', blocks: '2' },
  send: { from: 'alice', to: 'bob', amount: '1.5', node: 'A' },
  'double-spend': { from: 'alice', first: 'carol@A', second: 'dave@D', amount: '1' },
  partition: { groups: 'AB/CD' },
  link: { links: 'A-C', delay: '200ms', jitter: '', loss: '1%', rate: '', clear: false },
  'hold-links': {},
  'release-links': {},
  'step-links': { node: 'B' },
  freeze: { node: 'C' },
  thaw: { node: 'C' },
  set: { node: 'C', clock: '+90s', hashrate: '50kH/s' },
  heal: {},
  reorg: { depth: '2', lead: 1, losers: 'CD' },
  kill: { node: 'C', clean: 'true' },
  start: { node: 'C' },
};

const RUBBISH: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e300,
  'x'.repeat(300),
  '\u0000',
  '0x10',
  '1e3',
  '-1',
  ' ',
  '../..',
  [],
  [5],
  {},
  { toString: 1 },
  { valueOf: null },
];

function sentence(verb: string, fields: Fields): string | undefined {
  try {
    expect(actionFor(client, verb, fields).plan).not.toBe('');
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.message.length).toBeLessThan(400);
    return error.message;
  }
}

describe('actions of the page', () => {
  it.each(Object.keys(GOOD))('%s: is made of its fields', (verb) => {
    expect(sentence(verb, GOOD[verb]!)).toBeUndefined();
  });

  it.each([null, true, '', ' ', '0x10', '1e3', '2.0', [2], { toString: 1 }, -1, 0, 51, 1.5, '51'])(
    'a depth of %j is refused',
    (depth) => {
      expect(sentence('reorg', { depth, lead: 1 })).toBe('depth must be a whole number from 1 to 50');
    },
  );

  it.each([
    ['kill', { node: 'C', clean: 'yes' }, 'clean must be true or false'],
    ['kill', { node: 5 }, 'node must be a text of at most 200 characters'],
    ['kill', { node: '  ' }, 'node is missing'],
    ['link', { links: 'A-C', clear: 1 }, 'clear must be true or false'],
    ['toString', {}, "no action 'toString'"],
    ['__proto__', {}, "no action '__proto__'"],
    ['x'.repeat(9_000), {}, `no action '${'x'.repeat(40)}'`],
  ])('%.12s with %j is refused in words', (verb, fields, words) => {
    expect(sentence(verb, fields)).toBe(words);
  });

  it('makes an action or a sentence of 4,000 mutations, never an exception', () => {
    const random = seeded('page actions');
    const verbs = Object.keys(GOOD);
    let refused = 0;
    for (let i = 0; i < 4_000; i++) {
      const verb = verbs[random.below(verbs.length)]!;
      const fields = { ...GOOD[verb] };
      const names = Object.keys(fields);
      const name = names[random.below(Math.max(1, names.length))] ?? 'node';
      if (random.below(4) === 0) delete fields[name];
      else fields[name] = RUBBISH[random.below(RUBBISH.length)];
      if (sentence(verb, fields) !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});
