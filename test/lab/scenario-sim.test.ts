import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { parseScenario } from '../../src/lab/scenario/parse.ts';
import { renderReport } from '../../src/lab/scenario/report.ts';
import { runScenario } from '../../src/lab/scenario/run.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { sweepScenario } from '../../src/lab/sweep.ts';
import { newFigures } from '../../src/observe/figures/figures.ts';
import { Interrupted } from '../../src/yard/action.ts';

/** The lessons that ship, and others, played by the simulator: what takes minutes live takes a fraction of a second. */

const ROOT = join(import.meta.dirname, '..', '..');
/** Networks are found beside it. */
const PROGRAM = join(ROOT, 'dist', 'forkyard.js');
const names = readdirSync(join(ROOT, 'scenarios')).map((file) => file.replace(/\.yaml$/, ''));

function read(text: string): Scenario {
  const parsed = parseScenario(text);
  if (!('scenario' in parsed)) throw new Error(JSON.stringify(parsed.faults));
  return parsed.scenario;
}

function lesson(name: string): Scenario {
  return read(readFileSync(join(ROOT, 'scenarios', `${name}.yaml`), 'utf8'));
}

const signal = new AbortController().signal;

function play(scenario: Scenario, seed: number, logFile?: string) {
  const log = logFile === undefined ? {} : { logFile };
  const say = () => undefined;
  return runScenario({ scenario, programPath: PROGRAM, speed: 1, say, signal, simulate: { seed }, ...log });
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-sim-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('the lessons that ship, simulated', () => {
  it.each(names)('%s: every assertion holds at several seeds', async (name) => {
    for (const seed of [1, 2, 3]) {
      const { result } = await play(lesson(name), seed);
      expect(result.verdicts.filter((verdict) => !verdict.holds)).toEqual([]);
      expect(result.failure).toBeUndefined();
      expect(result.verdicts.length).toBeGreaterThan(0);
    }
  });

  it('heal opens links, leaves their delays, and says which', async () => {
    const file = [
      'title: x',
      'network: regtest',
      'nodes: 3',
      'links: { A-C: { delay: 300ms } }',
      'steps:',
      '  - cut: A>B',
      '  - heal:',
      '  - cut: AB/C',
      '  - mine: C 1',
      '  - heal: no-wait',
      'assert:',
      '  - reorgs = 0 reorgs',
    ].join('\n');
    const log = join(dir, 'healed.jsonl');
    const { result } = await play(read(file), 1, log);
    const left = '; links stay as asked, until link --clear: A-C 300 ms';
    const lines = result.steps.map((step) => step.text).filter((line) => line.includes(left));
    expect(lines).toHaveLength(2);
    const events = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogEvent);
    const told = events.findLast((e) => e.kind === 'conditions');
    expect(told?.kind === 'conditions' && [told.oneWay, Object.keys(told.shapes)]).toEqual([
      [],
      ['A>C', 'C>A'],
    ]);
  });

  it.each(names)('%s: what a question asks for is shown nowhere before it is answered', async (name) => {
    const said: string[] = [];
    const scenario = lesson(name);
    const { result, watch } = await runScenario({
      ...{ scenario, programPath: PROGRAM, speed: 1, signal, simulate: { seed: 1 } },
      say: (_atMs, line) => said.push(line),
    });
    const page = renderReport({ scenario, result, watch, command: 'forkyard run' });
    const asked = scenario.asks.flatMap(({ figure }) => (figure?.kind === 'figure' ? [figure.text] : []));
    const shown = [...said.filter((line) => /^[✓✗]/.test(line)), ...page.split('<tr')];
    for (const figure of asked) {
      // No file asserts what it asks for as a number either: that is the answer in print.
      const bound = scenario.assertions.filter(({ condition }) => condition.text.startsWith(`${figure} =`));
      expect(bound).toEqual([]);
      for (const line of shown.filter((text) => text.includes(`${figure} `) && /[<>=]/.test(text)))
        expect(line).toContain('not shown before the question is answered');
    }
    expect(result.answers.filter((a) => a.measured !== undefined)).toEqual([]);
    expect(page).not.toMatch(/<td>not answered<\/td><td>[^<]/);
    // With an answer it is: beside it, and whether it is right.
    const answered = { ...scenario, asks: scenario.asks.map((ask) => ({ ...ask, answer: '3' })) };
    const { result: after } = await play(answered, 1);
    expect(after.answers.filter((a) => a.measured !== undefined)).toHaveLength(asked.length);
  });

  it('the same seed tells the same story, another one another', async () => {
    const told = async (seed: number) => (await play(lesson('first-fork'), seed)).result.steps;
    expect(await told(4)).toEqual(await told(4));
    expect(await told(5)).not.toEqual(await told(4));
  });
});

describe('the log of a simulated run', () => {
  it("is a yard's log: every line numbered, and figures and predictions are computed from it", async () => {
    const file = join(dir, 'log.jsonl');
    await play(lesson('first-fork'), 7, file);
    const events = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogEvent);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    expect(events.every(({ t }, i) => i === 0 || t >= events[i - 1]!.t)).toBe(true);
    const kinds = new Set(events.map(({ kind }) => kind));
    for (const kind of [
      'yard',
      'process',
      'start',
      'links',
      'power',
      'mined',
      'block',
      'tip',
      'reorg',
    ] as const)
      expect(kinds).toContain(kind);
    const figures = newFigures();
    for (const event of events) figures.apply(event);
    const [epoch] = figures.read().epochs;
    expect(epoch?.shape).toMatchObject({ kind: 'clique', nodes: 4, delayMs: 400, hhi: 0.25 });
  });
});

describe('a scenario on many seeds', () => {
  it('counts each assertion, and names the first seed at which it fails', async () => {
    const scenario = read(
      'title: x\nnetwork: lab\npace: 1s\ndelay: 300ms\nnodes: 2\nsteps:\n  - when: blocks >= 4 blocks\n' +
        'assert:\n  - height >= 1 blocks\n  - deepest reorg = 0 blocks\n',
    );
    const progress: number[] = [];
    const options = { scenario, programPath: PROGRAM, seed: 1, runs: 30, threads: 0, signal };
    const sweep = await sweepScenario({ ...options, progress: (done) => progress.push(done) });
    const [first, second] = sweep.rows;
    expect(first).toMatchObject({ held: 30, judged: 30 });
    // A fork in four blocks at x = 0.3 is common, and far from certain.
    expect(second!.held).toBeGreaterThan(3);
    expect(second!.held).toBeLessThan(30);
    expect(sweep.passed).toBe(second!.held);
    expect(sweep.firstFailure!.seed).toBe(second!.failingSeed);
    const again = (await play(scenario, second!.failingSeed!)).result.verdicts[1]!;
    expect(again).toMatchObject({ holds: false, found: second!.found });
    expect(progress).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    // Whoever did it, and in whatever order they were done.
    expect(await sweepScenario({ ...options, threads: 2, progress: () => undefined })).toEqual(sweep);
  });

  it('ends when it is told to, in the middle of a run', async () => {
    const scenario = read(
      'title: x\nnetwork: lab\npace: 1s\nnodes: 2\ntimeout: 10m\nsteps:\n  - when: blocks >= 60 blocks\n',
    );
    const stop = new AbortController();
    const options = { scenario, programPath: PROGRAM, seed: 1, runs: 1_000, threads: 2, signal: stop.signal };
    const sweep = sweepScenario({ ...options, progress: () => stop.abort() });
    await expect(sweep).rejects.toThrow(Interrupted);
  });
});

describe('links and clocks in a simulated scenario', () => {
  it('are shaped, cut one way, held and delivered one by one, and set off', async () => {
    const steps = [
      'title: x',
      'network: lab',
      'mining: off',
      'nodes: 3',
      'links:',
      '  A-B: { delay: 200ms }',
      'steps:',
      '  - cut: A>C',
      '  - mine: A',
      '  - when: all agree',
      '  - hold: links',
      '  - mine: B',
      '  - wait: 2s',
      '  - check: A is up',
      '  - deliver: A',
      '  - release: links',
      '  - when: all agree',
      '  - set: { node: C, clock: +30s }',
      '  - heal:',
      'assert:',
      '  - height = 2 blocks',
      '  - propagation >= 200 ms',
    ];
    const { result } = await play(read(`${steps.join('\n')}\n`), 1);
    expect(result.failure).toBeUndefined();
    expect(result.verdicts.filter((verdict) => !verdict.holds)).toEqual([]);
    const told = result.steps.map(({ text }) => text).join('\n');
    expect(told).toContain('link: A-B 200 ms');
    expect(told).toMatch(
      /A gets (?:block|tip|headers|\w+)(?: \d+[A-C])?(?: …[0-9a-f]{6})? from [BC], .* on the wire; \d+ still held/,
    );
  });
});

describe('what a simulated yard cannot do', () => {
  it.each([
    ['  - kill: A\n  - pay: { from: alice, to: bob, amount: 1, node: A }', 'node A is down'],
    ['  - freeze: B\n  - mine: B', 'node B is frozen'],
    ['  - pay: { from: alice, to: bob, amount: 100000 }', 'alice: '],
    [
      '  - when: A leads by 5\n    timeout: 3s',
      "after 3 simulated seconds line 6: waited for 'A leads by 5'",
    ],
  ])('is told in one line: %s', async (steps, words) => {
    const head = 'title: x\nnetwork: lab\nmining: off\nnodes: 2\nsteps:\n';
    const { result } = await play(read(`${head}${steps}\n`), 1);
    expect(result.failure).toContain(words);
    expect(result.passed).toBe(false);
  });
});
