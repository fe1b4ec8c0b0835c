import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Out } from '../../src/app/cli/out.ts';
import { printable, printableJson } from '../../src/util/printable.ts';
import { LogWriter } from '../observe/log-writer.ts';
import { CommandLine } from './command-line.ts';

/** Text of others on the terminal: titles, lessons, faults, names and logs can hold what a terminal obeys. */

const cli = new CommandLine();

/** Sets the title, clears the screen, turns the direction, C1, a bell, and returns to the start of the line. */
const EVIL = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eabc\u2066\rPASSED';
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

afterEach(() => vi.unstubAllEnvs());

const printed = (): string => cli.stdout + cli.stderr;

describe('text of others', () => {
  it('is shown with its control characters as numbers', () => {
    expect(printable(EVIL)).toBe('\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202eabc\\u2066\\x0dPASSED');
    expect(printable('a\tb\nc é → 你 ✓')).toBe('a\tb\nc é → 你 ✓');
    expect(JSON.parse(printableJson(JSON.stringify({ [EVIL]: EVIL })))).toEqual({ [EVIL]: EVIL });
  });

  it('keeps no such character, whatever it is, and is the same when it passes twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const safe = printable(text);
        expect(OBEYED.test(safe)).toBe(false);
        expect(printable(safe)).toBe(safe);
        const json = printableJson(JSON.stringify(text));
        expect(OBEYED.test(json)).toBe(false);
        expect(JSON.parse(json)).toBe(text);
      }),
    );
  });

  it("leaves the program's own colours on a terminal, and nothing else", () => {
    const isTTY = process.stdout.isTTY;
    process.stdout.isTTY = true;
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    try {
      const out = new Out({ json: false, quiet: false, ascii: false });
      expect(out.plain(`${out.style('red', EVIL)}${EVIL}`)).toBe(
        `\u001b[31m${printable(EVIL)}\u001b[39m${printable(EVIL)}`,
      );
    } finally {
      process.stdout.isTTY = isTTY;
    }
  });
});

describe('no verb prints it raw', () => {
  const yaml = JSON.stringify(EVIL);

  it.each([
    [
      'run evil --sim',
      `title: ${yaml}\nlesson: ${yaml}\nnetwork: regtest\nnodes: 2\nsteps:\n  - say: ${yaml}\n  - mine: A 1\n`,
    ],
    ['run evil --sim --dry-run', `title: ${yaml}\nnetwork: regtest\nnodes: 2\nsteps:\n  - mine: A 1\n`],
    ['run evil --sim --json', `title: ${yaml}\nnetwork: regtest\nnodes: 2\nsteps:\n  - say: ${yaml}\n`],
    ['run evil --sim', `${yaml}: 1\n`],
    [
      'run evil --sim',
      `title: x\nnetwork: regtest\nnodes: 2\nsteps:\n  - partition: ${yaml}\n  - mine: ${yaml}\n`,
    ],
  ])('%s', async (line, text) => {
    writeFileSync(join(cli.dir, 'evil'), text);
    await cli.run(line);
    expect(printed()).toContain('owned');
    expect(printed()).not.toMatch(OBEYED);
  });

  it('stats and tree of a log', async () => {
    const writer = new LogWriter().at(1_000).yard('AB').start('AB', 'g', 100);
    writer
      .at(2_000)
      .mine('A', 'a1')
      .at(2_100)
      .take('B', 'a1')
      .at(3_000)
      .tell('', { kind: 'action', text: EVIL });
    const lines = writer.events.map((e) => `${JSON.stringify(e)}\n`).join('');
    writeFileSync(join(cli.dir, 'log.jsonl'), lines.replaceAll('"label":"', `"label":${yaml.slice(0, -1)}`));
    for (const verb of [
      'stats --log log.jsonl',
      'stats --log log.jsonl --json',
      'tree --svg x.svg --log log.jsonl',
    ]) {
      await cli.run(verb);
      expect(printed()).not.toBe('');
      expect(printed()).not.toMatch(OBEYED);
    }
  });

  it('a hand-in', async () => {
    mkdirSync(join(cli.dir, 'all', EVIL.replaceAll('/', '')), { recursive: true });
    writeFileSync(join(cli.dir, 'all', EVIL, 'handin.json'), '{}');
    expect(await cli.run('grade all')).toBe(1);
    expect(printed()).toContain('owned');
    expect(printed()).not.toMatch(OBEYED);
  });

  it('what was typed wrong', async () => {
    for (const line of [EVIL, `status --${EVIL}`, `rpc ${EVIL}`, `replay ${EVIL}`, `up --pace ${EVIL}`]) {
      await cli.run(line);
      expect(cli.stderr).not.toBe('');
      expect(printed()).not.toMatch(OBEYED);
    }
  });
});
