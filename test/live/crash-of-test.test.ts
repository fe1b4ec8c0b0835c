import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../../src/lab/yard/processes.ts';
import { eventually } from './yard-helpers.ts';

/** A test that dies takes its yard with it, whatever it died of. */

const ROOT = join(import.meta.dirname, '..', '..');
const SUITE = `
  import { Yard } from 'forkyard';
  const yard = await Yard.launch({ nodes: 2 });
  const pids = (await Promise.all(yard.nodes.map((node) => node.info()))).map((info) => info.pid);
  console.log(JSON.stringify({ dir: yard.dir, pids }));
  if (process.argv[1] === 'throw') throw new Error('a bug of the suite');
  setInterval(() => undefined, 1_000);
`;

async function crash(how: 'throw' | 'SIGKILL'): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SUITE, how], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.on('data', (bytes) => (said += String(bytes)));
  const ended = new Promise((done) => child.once('close', done));
  await eventually(
    () => said.includes('\n'),
    () => `the suite has its yard: ${said}`,
  );
  const { dir, pids } = JSON.parse(said) as { dir: string; pids: number[] };
  if (how === 'SIGKILL') expect([existsSync(dir), ...pids.map(isAlive)]).toEqual([true, true, true]);
  if (how === 'SIGKILL') child.kill('SIGKILL');
  await ended;
  await eventually(
    () => !existsSync(dir) && !pids.some(isAlive),
    () => `nothing is left of ${dir}, ${pids.join(' ')}`,
  );
}

describe('a suite that crashes leaves nothing behind', () => {
  it('by kill -9', () => crash('SIGKILL'));
  it('by an exception', () => crash('throw'));
});
