import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/app/cli/program.ts';
import { wishesOf } from '../../src/app/cli/verbs-yard.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import { CommandLine } from './command-line.ts';

const cli = new CommandLine();

describe('the command line', () => {
  it('alone shows eight first verbs and whether a yard runs here', async () => {
    expect(await cli.run('')).toBe(0);
    for (const verb of ['demo', 'up', 'status', 'tree', 'send', 'partition', 'heal', 'reorg']) {
      expect(cli.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    }
    expect(cli.stdout).toContain('No yard here. Next: forkyard up');
    mkdirSync(join(cli.dir, '.forkyard'));
    createYard(join(cli.dir, '.forkyard'), cli.options.programPath, { network: 'lab', label: 'mine' });
    expect(await cli.run('')).toBe(0);
    expect(cli.stdout).toContain('A yard is here, and stopped: mine');
  });

  it('guesses an unknown verb, exit 2', async () => {
    expect(await cli.run('statuss')).toBe(2);
    expect(cli.stderr).toBe("forkyard: no verb 'statuss'\nDid you mean status?\n");
    expect(cli.stdout).toBe('');
  });

  it.each([
    ['status --jsn', "unknown option '--jsn'"],
    ['rpc getblockcount --yard five', '--yard must stand before the method'],
    ['rpc getblockcount -N B', '-N must stand before the method'],
    [
      'partition',
      "missing required argument 'groups'\nAn example: forkyard partition AB/CD\nAll of it:  forkyard partition --help",
    ],
    ['mine A 3', 'An example: forkyard mine -N A --blocks 3'],
    ['mine --blocks 0', '--blocks must be from 1 to 100000, not 0'],
    [
      'mine --threads 0',
      '--threads 0 would mine nothing: give 1 or more\nTo let its miner rest: forkyard hold',
    ],
    ['mine --hashrate 5bits', "--hashrate: '5bits' is not a hash rate; write it as 50kH/s"],
    ['mine --kernel fast', "there is no kernel 'fast'; there are auto, simd4, simd5, javascript, reference"],
    ['mine --every 2', "--every: '2' has no unit"],
    ['mine --random 10ms', '--random: 10ms is shorter than 50ms'],
    ['mine --every 2s --on-tx', 'give one of them'],
    ['mine --uncapped --hashrate 5kH/s', 'give one of them'],
    ['node --datadir d --threads 0', '--threads 0 would mine nothing'],
    ['up --pace 5', "--pace: '5' has no unit"],
    ['up --hashrate fast', "--hashrate: 'fast' is not a hash rate"],
    ['up -n 65', '--nodes: the number of nodes must be from 1 to 64'],
    ['up --weather foggy', "--weather: 'foggy'"],
    ['up --topology ring', "--topology: 'ring'"],
    ['send alice bob 1.123456789', '1.123456789'],
    ['send alice bob 0', 'an amount of 0 pays nobody'],
    ['double-spend alice carol dave@D', "'carol' must say who and where"],
    ['tree --last 0', '--last must be from 1'],
    ['heal --timeout 5', "--timeout: '5' has no unit"],
    ['node', "required option '--datadir <dir>' not specified"],
  ])('refuses `%s` with one sentence and exit 2', async (line, sentence) => {
    expect(await cli.run(line)).toBe(2);
    expect(cli.stderr).toContain(sentence);
    expect(cli.stderr).not.toContain('    at ');
  });

  it.each([
    ['--network mainet', "no network 'mainet'\nThere is yard, lab, regtest."],
    ['--network regtset', "no network 'regtset'\nDid you mean regtest?"],
    ['--network main-headers', 'main-headers is for header chains'],
    ['--miners A,Z', "no node 'Z' to mine"],
    ['--hashrate 50k,60k', '2 hash rates for 4 nodes'],
    ['--profile world --delay 5s', 'profile world sets the delay of every link'],
    ['--regions europe', 'no profile asks for one'],
    ['--network regtest --pace 2s', 'regtest has no pace'],
    ['--network regtest --retarget ema', 'regtest has its own retarget rule'],
    ['--genesis file', 'cannot read'],
    ['--data file', 'is a file, so no yard can live in'],
    ['--data file/below', 'is a file, so no yard can live in'],
  ])('refuses `up %s` before it says that it starts, and makes nothing', async (options, sentence) => {
    writeFileSync(join(cli.dir, 'file'), '');
    expect(await cli.run(`up ${options}`)).toBe(2);
    expect(cli.stdout).toBe('');
    expect(cli.stderr).toContain(sentence);
    expect(cli.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect(readdirSync(cli.dir)).toEqual(['file']);
  });

  it.each([
    ['demo --data file', 2, 'is a file'],
    ['run first-fork --sim --out file', 2, '--out: cannot make the folder file: a file is there'],
    ['run first-fork --sim --log none/log.jsonl', 3, '--log: there is no folder'],
    ['experiment quiescence --out file', 2, '--out: cannot make the folder file'],
    ['grade file', 3, 'there is no folder'],
    ['load it.yard --data file', 1, 'file is not empty'],
  ])('refuses `%s` before any work, exit %i', async (line, code, sentence) => {
    writeFileSync(join(cli.dir, 'file'), '');
    expect(await cli.run(line)).toBe(code);
    expect(cli.stdout).toBe('');
    expect(cli.stderr).toContain(sentence);
  });

  it.each([
    'status',
    'tree',
    'watch',
    'tx a91f',
    'mine --blocks 1',
    'partition AB/CD',
    'heal',
    'down',
    'kill A',
    'rpc',
    'balance',
    'keys',
  ])('says what to do where there is no yard: `%s` is exit 3', async (line) => {
    expect(await cli.run(line)).toBe(3);
    expect(cli.stderr).toBe('forkyard: no yard here or in any folder above\nStart one: forkyard up\n');
  });

  it('knows a yard that is stopped from none', async () => {
    mkdirSync(join(cli.dir, '.forkyard'));
    createYard(join(cli.dir, '.forkyard'), cli.options.programPath, { network: 'lab' });
    expect(await cli.run('status')).toBe(3);
    expect(cli.stderr).toContain('is not running\nStart it again, it goes on where it was: forkyard up\n');
  });

  it('lists keys of a stopped yard, makes one, and keeps --json to one object', async () => {
    mkdirSync(join(cli.dir, '.forkyard'));
    createYard(join(cli.dir, '.forkyard'), cli.options.programPath, { network: 'lab' });
    expect(await cli.run('keys new zoe')).toBe(0);
    expect(await cli.run('keys new zoe')).toBe(2);
    expect(await cli.run('keys --json')).toBe(0);
    const keys = JSON.parse(cli.stdout) as { name: string; kind: string }[];
    expect(keys.map((k) => k.name)).toEqual([
      'alice',
      'bob',
      'carol',
      'dave',
      'erin',
      'frank',
      'grace',
      'heidi',
      'ivan',
      'judy',
      'zoe',
    ]);
    expect(await cli.run('keys')).toBe(0);
    expect(cli.stdout).toContain('Worthless test keys');
  });

  it('gives a refusal as JSON too, where JSON was asked for', async () => {
    expect(await cli.run('status --json')).toBe(3);
    expect(JSON.parse(cli.stdout)).toEqual({
      error: 'no yard here or in any folder above',
      hint: 'Start one: forkyard up',
      exit: 3,
    });
  });

  it('has an example in the help of every verb, and each example parses', async () => {
    const program = buildProgram(cli.options);
    for (const verb of program.commands) {
      expect(await cli.run(`${verb.name()} --help`)).toBe(0);
      const examples = [...cli.stdout.matchAll(/^ {2}\$ forkyard (\S+)(.*)$/gm)];
      expect(examples.length, verb.name()).toBeGreaterThan(0);
      for (const [, name] of examples) {
        expect([verb.name(), ...verb.aliases()]).toContain(name);
      }
    }
  });
});

describe('what `up` is asked', () => {
  it('becomes wishes', () => {
    expect(
      wishesOf({
        nodes: '5',
        miners: 'A,B',
        hashrate: '50kH/s,100kH/s',
        pace: '2s',
        delay: '400ms',
        network: 'lab',
      }),
    ).toEqual({
      nodes: 5,
      miners: ['A', 'B'],
      hashrates: [50_000, 100_000],
      paceMs: 2_000,
      delayMs: 400,
      network: 'lab',
    });
    expect(wishesOf({ miners: 'none' })).toEqual({ miners: [] });
    expect(wishesOf({ weather: 'stormy', pace: '3s' })).toEqual({ paceMs: 3_000, delayMs: 400 });
  });
});
