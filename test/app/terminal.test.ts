import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jsonToAscii, toAscii } from '../../src/app/cli/ascii.ts';
import { experimentLines } from '../../src/app/cli/experiment-table.ts';
import { table } from '../../src/app/cli/fit.ts';
import { buildProgram } from '../../src/app/cli/program.ts';
import { EXPERIMENTS } from '../../src/lab/experiment/catalogue.ts';
import type { JudgedRow } from '../../src/lab/experiment/types.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import { LogWriter } from '../observe/log-writer.ts';
import { CommandLine } from './command-line.ts';
import { beyondAscii, tooWide } from './printed-lines.ts';

/** What a terminal of 80 columns shows, and one that has ASCII alone. What needs a running yard: test/live/terminal.test.ts. */

const cli = new CommandLine();

beforeEach(() => {
  vi.stubEnv('COLUMNS', '80');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function stoppedYard(): void {
  mkdirSync(join(cli.dir, '.forkyard'));
  createYard(join(cli.dir, '.forkyard'), cli.options.programPath, { network: 'lab', label: 'mine' });
}

/** Two nodes, every fifth height with two blocks, and a cut at the end: shares, formulas and epochs. */
function logText(): string {
  const writer = new LogWriter().at(1_000).yard('AB').start('AB', 'g', 100);
  for (let i = 1; i <= 400; i++) {
    const [miner, other] = i % 2 === 0 ? ['A', 'B'] : ['B', 'A'];
    writer.at(i * 1_000 + 1_000);
    if (i % 5 === 0) writer.find(other!, `s${i}`);
    writer
      .mine(miner!, `m${i}`)
      .at(i * 1_000 + 1_100)
      .take(other!, `m${i}`);
  }
  writer.at(450_000).tell('', { kind: 'partition', groups: [['A'], ['B']] });
  const { events } = writer.at(451_000).mine('A', 'c1').at(452_000).tell('', { kind: 'action', text: 'end' });
  return events.map((e) => `${JSON.stringify(e)}\n`).join('');
}

const LOG = logText();
const writeLog = (): void => writeFileSync(join(cli.dir, 'run.jsonl'), LOG);

const LINES = [
  '',
  '--help',
  'keys',
  'keys new zoe',
  'stats --log run.jsonl',
  'stats --log run.jsonl --epoch all',
  'stats --log run.jsonl --epoch 1',
  'strategy',
  'strategy selfish --sim --blocks 10',
  'run',
  'run first-fork --dry-run',
  'run first-fork --sim --seed 1',
  'experiment',
  'experiment quiescence --x 0.2 --runs 100',
  'experiment disagreement --x 0.2 --blocks 1000',
  'swarm --seed 1',
  'doctor',
  'simulator out.html --force',
  'export run.html --log run.jsonl --force',
  'tree --svg tree.svg --log run.jsonl --force',
  // Refusals, of verbs and of what they were given.
  'statuss',
  'status',
  'experiment floding',
  'experiment flooding --nodes 3',
  'up --network mainnet',
  'link --profile moon',
  'stats --log none.jsonl',
  'up --weather foggy',
];

describe('on a terminal of 80 columns', () => {
  it.each(LINES)('`%s` fits', async (line) => {
    stoppedYard();
    writeLog();
    await cli.run(line);
    expect(tooWide(cli.stdout + cli.stderr)).toEqual([]);
  });

  it('the help of every verb and of every experiment fits, and is ASCII', async () => {
    const verbs = buildProgram(cli.options).commands.map((c) => c.name());
    for (const line of [...verbs, ...EXPERIMENTS.map((e) => `experiment ${e.name}`)]) {
      expect(await cli.run(`${line} --help`)).toBe(0);
      expect(tooWide(cli.stdout), line).toEqual([]);
      expect(beyondAscii(cli.stdout), line).toEqual([]);
    }
  });
});

describe('with --ascii', () => {
  it.each(LINES)('`%s` prints nothing else', async (line) => {
    stoppedYard();
    writeLog();
    await cli.run(line === '' ? '--ascii' : `${line} --ascii`);
    expect(beyondAscii(cli.stdout + cli.stderr)).toEqual([]);
  });

  it('JSON says the same without other signs', () => {
    const value = { lambda: 'λ → 😀', plain: 'a\n"b"' };
    const json = jsonToAscii(JSON.stringify(value));
    expect(beyondAscii(json)).toEqual([]);
    expect(JSON.parse(json)).toEqual(value);
  });

  it('and so it is where TERM is dumb', async () => {
    vi.stubEnv('TERM', 'dumb');
    writeLog();
    await cli.run('stats --log run.jsonl --epoch 1');
    expect(cli.stdout).toContain('x = lambda d = ');
    expect(beyondAscii(cli.stdout)).toEqual([]);
  });

  it('formulas stay formulas', () => {
    expect(toAscii('x = λd, 1 - e^(-λD), ((2+x)-√(x²+4))/(2x), ≈ρ^2·V_0')).toBe(
      'x = lambda d, 1 - e^(-lambda D), ((2+x)-sqrt(x^2+4))/(2x), ~rho^2*V_0',
    );
    expect(toAscii('A · B ± 2 → …')).toBe('A - B +- 2 -> ..');
  });
});

describe('the rows of an experiment', () => {
  const row = (rule: string, after: string, below = 0): JudgedRow => ({
    ...{ keys: { quantity: 'sd of log2 target', rule, factor: 10, after }, model: 'whole nodes' },
    ...{ measured: 0.05021, predicted: 0.05005, se: 0.001119, n: 400_000, z: -0.302 },
    ...{ tolerance: { below, above: below }, distribution: { kind: 'normal' }, ok: true },
    ...{ origin: 'recomputed', formula: 'f' },
  });
  const rows = [row('ema', '72 intervals'), row('ema', '1152 intervals'), row('bitcoin', '360 blocks')];

  it('say what is the same in all of them once, and group, as the terminal is narrower', () => {
    expect(experimentLines(rows, 200, table)[0]).toMatch(/^QUANTITY +RULE +FACTOR +AFTER +MODEL/);
    const lines = experimentLines(rows, 86, table);
    expect(lines[0]).toBe('in all rows: quantity sd of log2 target, factor 10');
    expect(lines[1]).toMatch(/^RULE +AFTER +MODEL +MEASURED +PREDICTED +SE +N +SCORE +BY$/);
    expect(lines[2]).toMatch(/^ema +72 intervals +whole +0.05021 +0.05005 +0.001119 +400k +-0.30 +✓ +a$/);
    expect(experimentLines(rows, 78, table).slice(1, 4)).toEqual([
      expect.stringMatching(/^ {2}AFTER +MODEL/),
      'ema',
      expect.stringMatching(/^ {2}72 intervals +whole/),
    ]);
  });
});
