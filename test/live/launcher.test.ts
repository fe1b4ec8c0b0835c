import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, forkyard, PROGRAM } from './yard-helpers.ts';

/** A yard in a directory that others may read, started under the most careless umask. */

let dir: string;
let launcher: ChildProcess;
let output = '';

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-open-'));
  mkdirSync(join(dir, 'yard'));
  chmodSync(join(dir, 'yard'), 0o777);
  const line = ['up', '-n', '3', '--network', 'lab', '--per-process', '2', '--data', 'yard'];
  launcher = spawn('sh', ['-c', 'umask 000; exec "$0" "$@"', process.execPath, PROGRAM, ...line], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [launcher.stdout!, launcher.stderr!]) stream.on('data', (d) => (output += String(d)));
  await eventually(
    () => output.includes('Try, in a second terminal'),
    () => output,
  );
});

afterAll(async () => {
  const ended = new Promise((done) => launcher.once('close', done));
  launcher.kill('SIGTERM');
  await ended;
  rmSync(dir, { recursive: true, force: true });
});

it('nothing in it is for others: no file, no folder, whatever the umask', async () => {
  // Every node has a block in its database and a line in its log.
  expect((await forkyard(dir, 'mine --blocks 1 --yard yard')).code).toBe(0);
  const open = readdirSync(join(dir, 'yard'), { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0);
  expect(open).toEqual([]);
  const names = readdirSync(join(dir, 'yard'), { recursive: true }).map(String);
  for (const name of [
    'yard.json',
    'control.cookie',
    'A/node.json',
    'A/identity',
    'C/db/CURRENT',
    'C/events.jsonl',
  ])
    expect(names).toContain(name);
});

it.each([
  ['kill Z', 3],
  ['start Z', 3],
  ['freeze Z', 3],
  ['thaw Z', 3],
  ['set Z --clock +1s', 3],
  ['mine -N Z', 3],
  ['hold -N Z', 3],
  ['release -N Z', 3],
  ['release --links --step -N Z', 3],
  ['partition AZ/B', 3],
  ['partition A>Z', 3],
  ['link A-Z', 3],
  ['link A-Z --delay 5ms', 3],
  ['reorg --on Z', 3],
  ['strategy selfish -N Z', 3],
  ['rpc -N Z getblockcount', 3],
  ['send alice nobody-here 1', 3],
  ['send nobody-here bob 1', 3],
  ['send alice bob 1 -N Z', 3],
  ['double-spend alice carol@A dave@Z', 3],
  ['faucet nobody-here', 3],
  ['tx ffffffffffff', 3],
  ['block ffffffffffff', 3],
  ['save none/it.yard', 3],
  ['partition AB', 2],
  ['tx xyz', 2],
  ['thaw A', 1],
  ['start A', 1],
  ['rpc getblockhash 99999', 1],
  ['up --data yard', 1],
])('while it runs, `%s` ends with %i', async (line, code) => {
  const [verb, ...rest] = line.split(' ');
  const ran = await forkyard(dir, verb === 'up' ? line : [verb, '--yard', 'yard', ...rest].join(' '));
  expect([line, ran.code, ran.stderr]).toEqual([line, code, expect.stringMatching(/^forkyard: /)]);
  expect(ran.stderr).not.toContain('a bug of ours');
});
