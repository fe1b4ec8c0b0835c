import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forkyard, type Ran } from './yard-helpers.ts';

/** Each lesson that ships, in short form: the same file, so many times as fast. */

const LESSONS = join(import.meta.dirname, '..', '..', 'scenarios');
const SPEED = 5;
/** Yards at a time: they mostly wait. */
const ABREAST = 3;

const names = readdirSync(LESSONS)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length));

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-scenarios-'));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('the lessons that ship', () => {
  const ran = new Map<string, Ran>();

  beforeAll(async () => {
    const todo = [...names];
    const worker = async () => {
      for (let name = todo.shift(); name !== undefined; name = todo.shift())
        ran.set(name, await forkyard(dir, `run ${name} --json --speed ${SPEED}`));
    };
    await Promise.all(Array.from({ length: ABREAST }, worker));
    // Fourteen yards on a machine that may be busy with others: the bound only ends a hopeless wait.
  }, 900_000);

  it.each(names)('%s: every assertion holds, and there is a report and a log', (name) => {
    const { code, stdout, stderr } = ran.get(name)!;
    expect(stderr).toBe('');
    const result = JSON.parse(stdout) as { verdicts: { text: string; holds: boolean; found: string }[] };
    expect(result.verdicts.filter((verdict) => !verdict.holds)).toEqual([]);
    expect(code).toBe(0);
    const report = readFileSync(join(dir, `${name}.run`, 'report.html'), 'utf8');
    expect(report).toContain('✓ passed');
    expect(report.match(/<svg /g)!.length).toBeGreaterThanOrEqual(2);
    const log = readFileSync(join(dir, `${name}.run`, 'log.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(log.map((line) => (JSON.parse(line) as { kind: string }).kind)).toContain('mined');
  });
});

describe('a homework', () => {
  const homework = (answer: string) =>
    [
      'title: Make a reorg two deep',
      'network: regtest',
      'nodes: 2',
      'timeout: 20s',
      'steps:',
      '  - mine: A',
      '  - partition: A/B',
      '  - mine: B 2',
      '  - mine: A 3',
      '  - heal:',
      'assert:',
      '  - deepest reorg of B = 2 blocks',
      'ask:',
      `  - { id: depth, question: How deep was it?, figure: deepest reorg of B, answer: ${answer} }`,
      '',
    ].join('\n');

  it('is handed in, run again and graded; a changed file is refused', async () => {
    const at = (name: string) => join(dir, name);
    writeFileSync(at('hw.yaml'), homework('2'));
    const handed = await forkyard(dir, 'run hw.yaml --student s1 --out handins/s1');
    expect(handed).toMatchObject({ code: 0, stderr: '' });
    cpSync(at('handins/s1'), at('handins/s2'), { recursive: true });
    const changed = readFileSync(at('handins/s2/result.json'), 'utf8').replace('"passed"', '"Passed"');
    writeFileSync(at('handins/s2/result.json'), changed);
    writeFileSync(at('given.yaml'), homework(''));
    const graded = await forkyard(dir, 'grade handins --scenario given.yaml');
    expect(graded.stdout).toContain('1 of 2 passed, 1 refused');
    expect(graded.code).toBe(1);
    const [head, first, second] = readFileSync(at('handins/grades.csv'), 'utf8').split('\n');
    expect(head).toBe(
      'student,folder,state,passed,held,asserted,depth: answer,depth: measured,depth: right,remark',
    );
    expect(first).toBe('s1,s1,ok,yes,1,1,2,2 blocks,yes,');
    expect(second).toBe('s2,s2,changed,no,0,0,,,,result.json was changed after the run');
  });

  it('a wait that cannot come true says what it waited for and what is true instead', async () => {
    const text = 'title: x\nnetwork: regtest\nnodes: 2\nsteps:\n  - when: A leads by 5\n    timeout: 300ms\n';
    writeFileSync(join(dir, 'never.yaml'), text);
    const ran = await forkyard(dir, 'run never.yaml');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("line 5: waited for 'A leads by 5', but A at height 0, B at 0");
    expect(ran.stdout).toContain('FAILED');
  });

  it('a file with a fault does not run: exit 2, line and field', async () => {
    writeFileSync(join(dir, 'typo.yaml'), 'title: x\nsteps:\n  - mien: A\n');
    const ran = await forkyard(dir, 'run typo.yaml');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/typo\.yaml:3:5 steps\[0\]\.mien: no such field\. Did you mean mine\?/);
  });
});

describe('faults of wires and clocks', () => {
  it('are steps too: shaped, cut one way, held, delivered one by one', async () => {
    const steps = [
      'mine: A',
      'when: all agree',
      'cut: A>B',
      'mine: A 2',
      'wait: 200ms',
      'check: A leads by 2',
    ];
    steps.push(
      'heal:',
      'link: { on: A-B, clear: true }',
      'set: { node: B, clock: +90s }',
      'freeze: B',
      'thaw: B',
    );
    steps.push('hold: links', 'mine: A', 'deliver: B', 'check: all agree', 'release: links');
    const head =
      'title: x\nnetwork: regtest\nnodes: 2\nlinks: { A-B: { delay: 80ms, jitter: 5ms } }\nsteps:\n';
    writeFileSync(join(dir, 'wires.yaml'), `${head}${steps.map((step) => `  - ${step}\n`).join('')}`);
    const ran = await forkyard(dir, 'run wires.yaml');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const words of [
      'link: A-B 80 ms ± 5 ms',
      'A>B: 1 direction cut',
      'B: clock +90s',
      'B gets block 4A',
    ])
      expect(ran.stdout).toContain(words);
  });
});

describe('exec', () => {
  it('gives a command of any language a yard, and its exit code back', async () => {
    writeFileSync(
      join(dir, 'suite.mjs'),
      `const rpc = async (method, ...params) => {
        const auth = Buffer.from(process.env.FORKYARD_USER + ':' + process.env.FORKYARD_PASSWORD).toString('base64');
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
        const answer = await fetch(process.env.FORKYARD_URL, { method: 'POST', headers: { authorization: 'Basic ' + auth }, body });
        return (await answer.json()).result;
      };
      await rpc('generatetoaddress', 2, 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080');
      const tip = await rpc('getbestblockhash');
      await rpc('invalidateblock', tip);
      await rpc('reconsiderblock', tip);
      console.log(process.env.FORKYARD_NODES, await rpc('getblockcount'));
      process.exit(7);`,
    );
    const ran = await forkyard(dir, 'exec -n 2 -- node suite.mjs');
    expect(ran.stdout).toBe('A,B 2\n');
    expect(ran.stderr).toMatch(
      /^your suite failed \(exit 7\) in a yard with 0 forks and \d reorgs?, deepest 1, /,
    );
    expect(ran.stderr).toMatch(/^the last reorg, [\d.]+ m?s before its end: A out 2A, fork 1A, in nothing$/m);
    expect(ran.code).toBe(7);
    const missing = await forkyard(dir, 'exec -n 1 -- no-such-command-here');
    expect(missing.stderr).toContain('there is no such command');
    expect(missing.code).toBe(3);
  });
});
