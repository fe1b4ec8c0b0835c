import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/app/cli/program.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import { CommandLine } from './command-line.ts';

const cli = new CommandLine();

/** Each line in an empty folder that holds `file` (one line of text) and `folder` (empty). */
const CASES: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  up: [
    ['up --data file', 2],
    ['up -n 0', 2],
    ['up --genesis none.json', 3],
    ['up --genesis file', 2],
  ],
  demo: [['demo --data file', 2]],
  down: [['down', 3]],
  save: [
    ['save', 2],
    ['save it.yard', 3],
    ['save it.yard --yard none', 3],
  ],
  load: [
    ['load none.yard --data new', 3],
    ['load file --data new', 2],
    ['load file --data file', 1],
  ],
  status: [['status', 3]],
  tree: [
    ['tree', 3],
    ['tree --last 0', 2],
    ['tree --svg x.png', 2],
    ['tree --svg x.svg --log none.jsonl', 3],
  ],
  watch: [['watch', 3]],
  tx: [
    ['tx', 2],
    ['tx a91f', 3],
  ],
  block: [
    ['block', 2],
    ['block 8A', 3],
  ],
  export: [
    ['export x.html', 3],
    ['export x.txt', 2],
    ['export x.html --log none.jsonl', 3],
    ['export folder/none/x.html --log file', 1],
  ],
  simulator: [['simulator x.txt', 2]],
  stats: [
    ['stats', 3],
    ['stats --log none.jsonl', 3],
    ['stats --log file', 1],
  ],
  mine: [
    ['mine', 3],
    ['mine --blocks 0', 2],
  ],
  hold: [['hold', 3]],
  release: [
    ['release', 3],
    ['release --step', 2],
  ],
  partition: [
    ['partition', 2],
    ['partition A/B', 3],
  ],
  heal: [
    ['heal', 3],
    ['heal --timeout x', 2],
  ],
  reorg: [
    ['reorg', 3],
    ['reorg --depth 0', 2],
  ],
  link: [
    ['link', 3],
    ['link --delay x', 2],
  ],
  freeze: [
    ['freeze', 2],
    ['freeze A', 3],
  ],
  thaw: [['thaw A', 3]],
  set: [
    ['set A --clock x', 2],
    ['set A --clock +1s', 3],
  ],
  kill: [
    ['kill', 2],
    ['kill A', 3],
  ],
  start: [['start A', 3]],
  strategy: [
    ['strategy none -N A', 3],
    ['strategy ./none.mjs --sim', 3],
    ['strategy ./file --sim', 2],
    ['strategy selfish --sim --power 2', 2],
  ],
  keys: [
    ['keys', 3],
    ['keys old zoe', 2],
  ],
  balance: [['balance', 3]],
  send: [
    ['send alice bob', 2],
    ['send alice bob 1', 3],
  ],
  faucet: [['faucet bob', 3]],
  'double-spend': [
    ['double-spend alice carol dave@D', 2],
    ['double-spend alice carol@A dave@D', 3],
  ],
  run: [
    ['run none.yaml', 3],
    ['run folder --sim', 2],
    ['run file --sim', 2],
    ['run first-fork --sim --speed 2', 2],
    ['run first-fork --sim --log none/log.jsonl', 3],
  ],
  grade: [
    ['grade none', 3],
    ['grade folder', 3],
    ['grade folder --scenario none.yaml', 3],
  ],
  experiment: [
    ['experiment none', 2],
    ['experiment quiescence --seed x', 2],
  ],
  swarm: [['swarm --seeds 0', 2]],
  exec: [
    ['exec -n 0 -- true', 2],
    ['exec', 2],
  ],
  rpc: [['rpc getblockcount', 3]],
  node: [
    ['node', 2],
    ['node --datadir d --network none', 2],
    ['node --datadir d --genesis none.json', 3],
    ['node --datadir d --genesis file', 2],
  ],
  replay: [
    ['replay none.fyrec', 3],
    ['replay file', 2],
    ['replay folder', 2],
  ],
  doctor: [['doctor --timeout x', 2]],
};

const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** Rows of README's table: code and meaning. */
function documented(): Map<number, string> {
  const rows = [...readme.matchAll(/^\| (\d+) +\| (.+?) +\|$/gm)];
  return new Map(rows.map(([, code, meaning]) => [Number(code), meaning!]));
}

describe('exit codes', () => {
  it('are those of the table in README, and no others', () => {
    const table = documented();
    expect([...table.keys()]).toEqual([0, 1, 2, 3, 130]);
    expect([...table.values()].map((text) => text.split(':')[0])).toEqual([
      'done',
      'it ran and the answer is no',
      'wrong usage',
      'not there',
      'Ctrl-C',
    ]);
    const used = new Set(Object.values(CASES).flatMap((cases) => cases.map(([, code]) => code)));
    expect([...used].filter((code) => !table.has(code))).toEqual([]);
  });

  it('have a case for the wrong use of every verb', () => {
    const verbs = buildProgram(cli.options)
      .commands.map((c) => c.name())
      .filter((name) => name !== 'nodes');
    expect(Object.keys(CASES).toSorted()).toEqual(verbs.toSorted());
  });

  it.each(Object.keys(CASES))('`%s`: an option that does not exist is 2, and --help is 0', async (verb) => {
    expect(await cli.run(`${verb} --no-such-option`)).toBe(2);
    expect(await cli.run(`${verb} --help`)).toBe(0);
  });

  it.each(Object.values(CASES).flat())('`%s` ends with %i', async (line, code) => {
    writeFileSync(join(cli.dir, 'file'), 'no: such thing\n');
    mkdirSync(join(cli.dir, 'folder'));
    expect(await cli.run(line), cli.stderr).toBe(code);
    expect(cli.stderr).toMatch(/^forkyard( node)?: /);
    expect(cli.stderr).not.toContain('a bug of ours');
    expect(cli.stderr).not.toMatch(/^\s+at /m);
  });

  it('of a yard that does not run are 3, and of a key that it does not have', async () => {
    mkdirSync(join(cli.dir, '.forkyard'));
    createYard(join(cli.dir, '.forkyard'), cli.options.programPath, { network: 'lab' });
    for (const line of ['status', 'kill A', 'send alice bob 1', 'mine', 'rpc getblockcount'])
      expect([line, await cli.run(line)]).toEqual([line, 3]);
    writeFileSync(join(cli.dir, '.forkyard', 'yard.json'), '{}');
    expect(await cli.run('status')).toBe(3);
  });
});
