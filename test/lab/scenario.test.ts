import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCondition } from '../../src/lab/scenario/assertions.ts';
import { gradesCsv } from '../../src/lab/scenario/grade.ts';
import { parseScenario } from '../../src/lab/scenario/parse.ts';
import { describeFault } from '../../src/lab/scenario/scenario.ts';

const LESSONS = join(import.meta.dirname, '..', '..', 'scenarios');
const WORDS = { nodes: ['A', 'B', 'C', 'D'], payments: ['rent'], marks: ['cut'] };

function faultsOf(text: string): string[] {
  const parsed = parseScenario(text);
  return 'faults' in parsed ? parsed.faults.map((fault) => describeFault('x.yaml', fault)) : [];
}

describe('the lessons that ship', () => {
  const names = readdirSync(LESSONS).filter((name) => name.endsWith('.yaml'));

  it('are ten at least', () => {
    expect(names.length).toBeGreaterThanOrEqual(10);
  });

  it.each(names)('%s is sound, and says what to look for and how it is judged', (name) => {
    const parsed = parseScenario(readFileSync(join(LESSONS, name), 'utf8'));
    expect('faults' in parsed ? parsed.faults : []).toEqual([]);
    if (!('scenario' in parsed)) return;
    const { scenario } = parsed;
    expect(scenario.lesson.length).toBeGreaterThan(200);
    expect(scenario.lesson).not.toMatch(/longer chain wins|longest/);
    expect(scenario.assertions.length).toBeGreaterThanOrEqual(2);
  });
});

describe('a file with faults is refused, each with line and field', () => {
  it('a typo in a field, with what was meant', () => {
    expect(faultsOf('title: x\nsteps:\n  - mine: A\n  - partitoin: AB/CD\n')).toEqual([
      'x.yaml:4:5 steps[1].partitoin: no such field. Did you mean partition?',
    ]);
    expect(faultsOf('title: x\nnetwrok: lab\nsteps: []\n')).toEqual([
      'x.yaml:2:1 netwrok: no such field. Did you mean network?',
    ]);
  });

  it('a strategy that there is not, or of a node that there is not', () => {
    const faults = faultsOf(
      'title: x\nsteps:\n  - strategy: C selfisch\n  - strategy: Z honest\n  - strategy: C stop\n',
    );
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain("'selfisch' is no strategy: write C selfish. Did you mean selfish?");
    expect(faults[1]).toContain("no node 'Z'");
  });

  it('a merchant of a strategy that pays nobody', () => {
    const faults = faultsOf(
      'title: x\nsteps:\n  - strategy: { node: C, play: selfish, as: [one] }\n' +
        '  - strategy: { node: C, play: double-spend, confirmations: 0 }\n',
    );
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain('is for double-spend: selfish pays nobody');
    expect(faults[1]).toContain('must be from 1 to 100, not 0');
  });

  it('all of them at once', () => {
    const text = [
      'title: x',
      'delay: -5ms',
      'nodes: 3',
      'steps:',
      '  - partition: AB/D',
      '  - partition: AB/BC',
      '  - kill: Z',
      '  - wait: 3',
      '  - mine: A 0',
      '  - when: AB leads by two',
      '  - { mine: A, kill: B }',
      'assert:',
      '  - deepest reorg >= 2 s',
      '',
    ].join('\n');
    expect(faultsOf(text)).toEqual([
      "x.yaml:2:8 delay: '-5ms' is before now: a time cannot be negative",
      expect.stringMatching(/^x.yaml:5:16 steps\[0\]\.partition: no node 'D'/),
      expect.stringMatching(/^x.yaml:6:16 steps\[1\]\.partition: node B is in two groups/),
      "x.yaml:7:11 steps[2].kill: no node 'Z' in this scenario: there is A, B, C",
      "x.yaml:8:11 steps[3].wait: '3' has no unit; write 3ms or 3s",
      'x.yaml:9:11 steps[4].mine: from 1 to 100000 blocks, not 0',
      expect.stringMatching(/^x.yaml:10:11 steps\[5\]\.when: /),
      'x.yaml:11:5 steps[6]: does two things, mine and kill: write each as a step of its own',
      'x.yaml:13:5 assert[0]: deepest reorg is counted in blocks, not in s',
    ]);
  });

  it('a forgotten node, a payment that was never made, a double name', () => {
    expect(faultsOf('title: x\nnodes: 3\nsteps:\n  - partition: A/B\n')[0]).toContain('C is in no group');
    expect(faultsOf('title: x\nsteps:\n  - when: rent is lost on A\n')[0]).toContain(
      "no payment is called 'rent' up to here",
    );
    const twice = '{ from: alice, to: bob, amount: 1, as: rent }';
    expect(faultsOf(`title: x\nsteps:\n  - pay: ${twice}\n  - pay: ${twice}\n`)).toEqual([
      "x.yaml:4:49 steps[1].pay.as: there is a payment 'rent' already",
    ]);
  });

  it('what is no YAML, no map, or empty', () => {
    expect(faultsOf('title: "x\nsteps:\n')[0]).toMatch(/^x\.yaml:\d+:\d+ /);
    expect(faultsOf('- a\n- b\n')).toEqual(['x.yaml:1:1 must be fields with values, not a list']);
    expect(faultsOf('')).toEqual(['x.yaml:1:1 must be fields with values, not nothing']);
    expect(faultsOf('title: x\n')).toEqual(["x.yaml:1:1 lacks 'steps'"]);
  });

  it('a file that is too large, too deep or has too many values, in no time', () => {
    const keys = (n: number) => Array.from({ length: n }, (_, i) => `k${i}: 1\n`).join('');
    const cases: readonly (readonly [string, RegExp])[] = [
      [keys(80_000), /^x\.yaml:1:1 is larger than 256000 bytes$/],
      [keys(8_000), /^x\.yaml:1:1 k0: no such field/],
      [`steps: [${'1,'.repeat(60_000)}]`, /^x\.yaml:1:\d+ has more than 50000 values$/],
      ['['.repeat(10_000), /^x\.yaml:1:\d+ is nested deeper than 40 levels$/],
      [`title: ${'{a: '.repeat(800)}1${'}'.repeat(800)}`, /is nested deeper than 40 levels$/],
      [`${'- '.repeat(2_000)}x`, /is nested deeper than 40 levels$/],
      [
        Array.from({ length: 700 }, (_, i) => `${' '.repeat(Math.min(i, 300))}a:`).join('\n'),
        /nested deeper/,
      ],
      [
        `title: x\nsteps:\n  - cut: ${'A'.repeat(100_000)}>${'B'.repeat(100_000)}\n`,
        /has 200001 characters; 1000 is the most$/,
      ],
      [`title: x\nsteps:\n  - wait: ${'y'.repeat(200_000)}\n`, /^x\.yaml:3:11 steps\[0\]\.wait: 'y{1,300}…$/],
    ];
    for (const [text, words] of cases) {
      const [first] = faultsOf(text);
      expect(first).toMatch(words);
    }
  });

  it('a key that is there twice, wherever the second one is', () => {
    expect(faultsOf('title: x\nsteps: []\ntitle: y\n')).toEqual(['x.yaml:3:1 Map keys must be unique']);
    expect(faultsOf('title: x\nsteps:\n  - mine: { node: A, node: B }\n')).toEqual([
      'x.yaml:3:22 Map keys must be unique',
    ]);
  });

  it('nodes are named without a gap, and their rates are rates', () => {
    expect(faultsOf('title: x\nnodes:\n  A:\n  C:\nsteps: []\n')[0]).toContain('node 2 is called B, not C');
    expect(faultsOf('title: x\nnodes:\n  A: { hashrate: fast }\nsteps: []\n')[0]).toMatch(
      /^x\.yaml:3:\d+ nodes\.A\.hashrate: 'fast' is not a hash rate/,
    );
  });
});

describe('sentences', () => {
  it.each([
    ['all agree', { kind: 'agree', nodes: ['A', 'B', 'C', 'D'] }],
    ['AB agree', { kind: 'agree', nodes: ['A', 'B'] }],
    ['AB leads by 2', { kind: 'leads', nodes: ['A', 'B'], over: ['C', 'D'], by: 2 }],
    ['A leads C by 1 block', { kind: 'leads', nodes: ['A'], over: ['C'], by: 1 }],
    ['C is down', { kind: 'process', node: 'C', up: false }],
    ['all at height 5', { kind: 'height', height: 5 }],
    ['rent has 2 confirmations on A', { kind: 'payment', state: 'confirmed', least: 2, nodes: ['A'] }],
    ['rent is lost on all', { kind: 'payment', state: 'lost' }],
    [
      'deepest reorg of C since cut >= 2 blocks',
      { figure: 'deepest reorg', of: 'C', since: 'cut', value: 2 },
    ],
    ['time to agreement <= 1.5 s', { figure: 'time to agreement', op: '<=', value: 1_500 }],
    ['agreement share between 5 and 90 %', { op: 'between', value: 5, upTo: 90 }],
    ['stale blocks at least 1 block', { figure: 'stale blocks', op: '>=', value: 1 }],
  ])('%s', (text, expected) => {
    const parsed = parseCondition(text, WORDS);
    expect(parsed).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    ['A E agree', /no node 'E'/],
    ['stale block >= 1 blocks', /no figure 'stale block'. Did you mean stale blocks\?/],
    ['deepest reorg >= 2', /counted in blocks; write 2 blocks/],
    ['time to agreement <= 5', /has no unit/],
    ['reorgs since heal >= 1 reorgs', /no mark 'heal'/],
    ['share >= 5 %', /'share' is of a node/],
    ['everybody happy', /is no sentence that can be checked/],
    ['all leads by 1', /nobody is left to lead/],
  ])('%s: refused', (text, message) => {
    const parsed = parseCondition(text, WORDS);
    expect(parsed.ok ? 'accepted' : parsed.error).toMatch(message);
  });
});

describe('the table of grades', () => {
  it('quotes what needs it, and no cell is a formula', () => {
    const csv = gradesCsv([
      {
        folder: 'a',
        student: '=HYPERLINK("x")',
        state: 'ok',
        passed: true,
        held: 3,
        asserted: 3,
        answers: [{ id: 'q', question: '?', answer: 'two, or "three"', measured: '2 blocks', right: true }],
        remark: '',
      },
      {
        folder: 'b',
        student: 'b',
        state: 'changed',
        passed: false,
        held: 0,
        asserted: 0,
        answers: [],
        remark: 'log.jsonl was changed after the run',
      },
    ]);
    expect(csv.split('\n')).toEqual([
      'student,folder,state,passed,held,asserted,q: answer,q: measured,q: right,remark',
      `"'=HYPERLINK(""x"")",a,ok,yes,3,3,"two, or ""three""",2 blocks,yes,`,
      'b,b,changed,no,0,0,,,,log.jsonl was changed after the run',
      '',
    ]);
  });
});
