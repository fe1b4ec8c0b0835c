import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Yard } from 'forkyard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forkyard, status } from './yard-helpers.ts';

/** A yard in the middle of a fault, handed to the next person as one file. */

let dir: string;
let yard: Yard;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-handover-'));
  yard = await Yard.launch({ nodes: 3, dir: join(dir, 'mine') });
});

afterAll(async () => {
  await yard.close();
  rmSync(dir, { recursive: true, force: true });
});

const tips = (of: Yard, letters: string) =>
  Promise.all([...letters].map((letter) => of.node(letter).rpc<string>('getbestblockhash')));

describe('a yard that is cut and has a node down', () => {
  it('is saved while it runs, and goes on undisturbed', async () => {
    await yard.mine(2);
    await yard.partition('AB/C');
    await yard.mine(2, { on: 'C' });
    await yard.mine(3, { on: 'A' });
    await yard.kill('B');
    const before = await tips(yard, 'AC');
    const saved = await forkyard(dir, 'save it.yard --yard mine --json');
    expect(saved).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(saved.stdout)).toMatchObject({ file: join(dir, 'it.yard') });
    expect(await tips(yard, 'AC')).toEqual(before);
    await yard.mine(1, { on: 'A' });
  });

  it('stands there for the next person: both branches, the cut, the node that is down, every key', async () => {
    const loaded = await forkyard(dir, 'load it.yard --data theirs');
    expect(loaded).toMatchObject({ code: 0, stderr: '' });
    expect(loaded.stdout).toContain('forkyard up --yard ./theirs');
    await using theirs = await Yard.launch({ dir: join(dir, 'theirs'), nodes: 3 });
    const [a, c] = await Promise.all(
      ['A', 'C'].map((letter) => theirs.node(letter).rpc<number>('getblockcount')),
    );
    expect([a, c]).toEqual([5, 4]);
    expect(theirs.address('miner-b')).toBe(yard.address('miner-b'));
    const { json } = await status(join(dir, 'theirs'));
    expect(json.groups).toEqual([['A', 'B'], ['C']]);
    expect(json.nodes.find((n) => n.letter === 'B')).toMatchObject({ down: true });
    await theirs.start('B');
    expect(await tips(theirs, 'AB')).toEqual([(await tips(theirs, 'A'))[0], (await tips(theirs, 'A'))[0]]);
    expect(await theirs.heal()).toMatchObject([{ node: 'C', depth: 2, length: 3 }]);
    // Two copies of one yard side by side are two worlds.
    expect(await yard.node('A').rpc('getblockcount')).toBe(6);
  });

  it('is loaded by a test in one line', async () => {
    await using again = await Yard.launch({ load: join(dir, 'it.yard') });
    expect(again.nodes.map((node) => node.letter)).toEqual(['A', 'B', 'C']);
    expect(await again.node('C').rpc('getblockcount')).toBe(4);
  });
});
