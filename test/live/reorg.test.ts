import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Yard } from 'forkyard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seeded } from '../../src/util/random.ts';
import { eventually, forkyard, stay } from './yard-helpers.ts';

/** `reorg` in its other forms: again and again, and with payments that meet a fate. */

let dir: string;
let yard: Yard;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-reorg-'));
  yard = await Yard.launch({ nodes: 2, dir });
  await yard.mine(5);
});

afterAll(async () => {
  await yard.close();
  rmSync(dir, { recursive: true, force: true });
});

interface RoundJson {
  readonly n?: number;
  readonly depth: number;
  readonly done: { readonly reorgs: { readonly node: string; readonly depth: number }[] };
}

describe('reorg --every', () => {
  const line = 'reorg --every 100ms --depth 1..3 --seed 7 --json --count 2';

  it('undoes what the seed says, one line each, and sums up', async () => {
    const ran = await forkyard(dir, line);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const lines = ran.stdout.trim().split('\n');
    const rounds = lines.slice(0, -1).map((text) => JSON.parse(text) as RoundJson);
    expect(rounds.map((r) => r.n)).toEqual([1, 2]);
    for (const { depth, done } of rounds)
      expect(done.reorgs.map((r) => [r.node, r.depth])).toEqual([
        ['A', depth],
        ['B', depth],
      ]);
    const undone = rounds.reduce((sum, r) => sum + r.depth, 0);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ reorgs: 2, blocksUndone: undone, failed: 0, seed: 7 });
    const random = seeded(7);
    expect(rounds.map((r) => r.depth)).toEqual(rounds.map(() => 1 + random.below(3)));
  });

  it('goes on until Ctrl-C, sums up then too, and leaves the yard whole', async () => {
    const running = stay(dir, 'reorg --every 50ms');
    await eventually(
      () => / 2\. depth 1: /.test(running.output()),
      () => running.output(),
    );
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(130);
    expect(running.output()).toMatch(/^\d+ reorgs in .*deepest 1, \d+ blocks undone/m);
    expect((await yard.settled()).height).toBeGreaterThan(5);
  });
});

describe('reorg without --on', () => {
  it('reorganises the same nodes as the library does: every one, and a chain that is too short grows first', async () => {
    await using short = await Yard.launch({ nodes: 3, dir: join(dir, 'short') });
    const ran = await forkyard(dir, 'reorg --yard short --depth 2 --json');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const typed = JSON.parse(ran.stdout) as RoundJson['done'];
    expect(typed.reorgs.map((r) => [r.node, r.depth])).toEqual([
      ['A', 2],
      ['B', 2],
      ['C', 2],
    ]);
    const mark = (await forkyard(dir, 'status --yard short --json')).stdout;
    expect(JSON.parse(mark)).toMatchObject({ agree: true });
    const since = short.events();
    await short.reorg({ depth: 2 });
    const nodes = new Set<string>();
    for await (const event of since) {
      if (event.kind === 'reorg') nodes.add(event.node);
      if (nodes.size === 3) break;
    }
    expect([...nodes].toSorted()).toEqual(['A', 'B', 'C']);
  });

  it('--on undoes blocks on these nodes alone', async () => {
    const ran = await forkyard(dir, 'reorg --depth 1 --on B --json');
    expect(ran.code).toBe(0);
    const { reorgs } = JSON.parse(ran.stdout) as RoundJson['done'];
    expect(reorgs.map((r) => r.node)).toEqual(['B']);
    const odd = await forkyard(dir, 'reorg --capped');
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('it goes with --on')]);
  });
});

describe('reorg --tx', () => {
  it('gives a payment the fate that was asked, on every node', async () => {
    await yard.fund('alice', 3);
    const dropped = await yard.send('alice', 'carol', 1);
    const lost = await yard.send('miner-a', 'carol', 1);
    await yard.mine(1);
    const fates = `${dropped.slice(-8)}=drop ${lost.slice(-8)}=conflict:dave`;
    const ran = await forkyard(dir, `reorg --depth 1 --tx ${fates}`);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/REORG on A B · 1 out .* 2 in/);
    const stateOf = async (txid: string) =>
      (await yard.node('B').rpc<{ state: string }[]>('findtx', txid))[0]?.state;
    expect(await stateOf(dropped)).toBe('pool');
    expect(await stateOf(lost)).toMatch(/conflict|stale/);
    const wrong = await forkyard(dir, 'reorg --tx 1234567=drop');
    expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('no node knows a payment')]);
  });
});
