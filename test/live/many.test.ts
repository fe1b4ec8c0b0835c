import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, forkyard, type Staying, status, stay } from './yard-helpers.ts';

/** More nodes than a machine has room for processes. */
const dir = mkdtempSync(join(tmpdir(), 'forkyard-many-'));
const run = (line: string) => forkyard(dir, line);
let up: Staying;

beforeAll(async () => {
  up = stay(dir, 'up -n 12 --per-process 6 --network regtest --log');
  await eventually(() => up.output().includes('KEYS'), up.output);
});

afterAll(async () => {
  await run('down');
  await up.ended;
  rmSync(dir, { recursive: true, force: true });
});

const pids = async () => (await status(dir)).json.nodes.map(({ pid }) => pid);

describe('twelve nodes in two processes', () => {
  it('are linked in a random net, which is said, and agree on a block', async () => {
    expect(up.output()).toMatch(/LINKS a random net, not all with all: \d+ links, \d to \d a node/);
    expect(up.output()).toContain('PROCESSES 6 nodes share one');
    const of = await pids();
    expect(of).toHaveLength(12);
    expect(new Set(of).size).toBe(2);
    expect((await run('mine -N A --blocks 2')).code).toBe(0);
    await eventually(async () => (await status(dir)).json.agree, up.output);
  });

  it('cannot be killed or frozen alone, which is said; politely they end and come back alone', async () => {
    for (const verb of ['kill', 'freeze']) {
      const refused = await run(`${verb} C`);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /C shares its process with A B D E F: \w+ it would strike them too\. .*kill C --clean/,
      );
    }
    expect((await run('kill C --clean')).code).toBe(0);
    const down = (await status(dir)).json.nodes;
    expect(down.filter((node) => node.down === true).map(({ letter }) => letter)).toEqual(['C']);
    expect((await run('start C')).code).toBe(0);
    expect(new Set(await pids()).size).toBe(2);
    await eventually(async () => (await status(dir)).json.agree, up.output);
  });
});
