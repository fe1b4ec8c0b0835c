import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, forkyard, heightOf, type Staying, status, stay } from './yard-helpers.ts';

/** Faults of wires, processes and clocks, on three real nodes, by the commands that a person types. */
const dir = mkdtempSync(join(tmpdir(), 'forkyard-faults-'));
let up: Staying;

const run = (line: string) => forkyard(dir, line);
async function ok(line: string): Promise<string> {
  const ran = await run(line);
  expect(ran.stderr, line).toBe('');
  expect(ran.code, line).toBe(0);
  return ran.stdout;
}
const agree = () =>
  eventually(
    async () => (await status(dir)).json.agree,
    () => 'the nodes agree',
  );
const height = async (letter: string) => heightOf((await status(dir)).json, letter);

beforeAll(async () => {
  up = stay(dir, 'up -n 3 --network regtest');
  await eventually(async () => (await run('status')).code === 0, up.output);
});

afterAll(async () => {
  await run('down');
  await up.ended;
  rmSync(dir, { recursive: true, force: true });
});

describe('faults without root', () => {
  it('a one-way cut: B does not hear A, A hears B, also after a restart of B; heal loses nothing', async () => {
    // C alone could pass it on.
    await ok('partition A>B,C>B');
    await ok('mine -N A --blocks 2');
    expect(await height('C')).toBe(2);
    expect(await height('B')).toBe(0);
    expect((await run('status')).stdout).toContain('FAULTS: A>B C>B cut');
    await ok('kill B');
    const started = run('start B --timeout 2s');
    // It cannot catch up: it hears nobody.
    expect((await started).code).toBe(1);
    expect(await height('B')).toBe(0);
    await ok('mine -N B --blocks 3');
    await eventually(
      async () => (await height('A')) === 3,
      () => 'A takes the branch of B',
    );
    await ok('heal');
    await agree();
    expect((await run('status')).stdout).not.toContain('FAULTS');
  });

  it('a rhythm makes blocks when it says, on other threads for as long as it lasts', async () => {
    const before = await height('A');
    const ran = await run('mine -N A --random 60ms --blocks 3 --threads 2 --kernel javascript --json');
    expect(ran.code).toBe(0);
    const lines = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ height }) => height)).toEqual([1, 2, 3, undefined].map((n) => n && before + n));
    expect(lines.at(-1)).toMatchObject({ blocks: 3, stale: 0 });
    const info = JSON.parse((await run('rpc -N A getminerinfo')).stdout);
    expect(info).toMatchObject({ on: false, threads: 1, kernelOption: 'auto' });
    await agree();
  });

  it('a held wire lets messages in one by one', async () => {
    const before = await height('A');
    await ok('hold --links');
    await ok('mine -N A --blocks 1');
    await eventually(
      async () => /wire held \([1-9]\d* messages?\)/.test((await run('status')).stdout),
      () => 'a block is on the wire',
    );
    expect(await height('B')).toBe(before);
    for (let i = 0; i < 20 && (await height('B')) === before; i++) {
      const said = await ok('release --links --step -N B');
      expect(said).toMatch(/B gets (block|tip|getheaders|headers|getblocks) .*from [AC]|nothing waits for B/);
    }
    expect(await height('B')).toBe(before + 1);
    await ok('release --links');
    await agree();
    expect((await run('release --links --step')).code).toBe(1);
  });

  it('a frozen node is shown, does not stand in the way of others, and catches up', async () => {
    await ok('freeze C');
    const shown = (await run('status')).stdout;
    expect(shown).toContain('FAULTS: C frozen');
    expect(shown).toMatch(/^C .*frozen$/m);
    const refused = await run('rpc -N C getblockcount');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('forkyard thaw C');
    await ok('mine -N A --blocks 1');
    await ok('thaw C');
    await agree();
    expect((await run('thaw C')).code).toBe(1);
  });

  it('a clock that is set off is shown, and kept over a restart', async () => {
    await ok('set B --clock -90s');
    await ok('kill B');
    await ok('start B');
    expect((await run('status')).stdout).toContain('FAULTS: B clock -90s');
    const info = JSON.parse(await ok('rpc -N B getnodeinfo')) as { clockOffsetMs: number };
    expect(info.clockOffsetMs).toBe(-90_000);
    await ok('set B --clock 0s');
    expect((await run('status')).stdout).not.toContain('FAULTS');
  });

  it('links are measured against what was asked: within 10 % or 3 ms', async () => {
    interface Figures {
      readonly links: { from: string; to: string; asked: { delayMs: number }; measuredMs: number }[];
    }
    await ok('link A-C --delay 200ms --jitter 10ms');
    await ok('link A>B --delay 60ms');
    let last: Figures | undefined;
    await eventually(
      async () => {
        last = JSON.parse(await ok('link --json')) as Figures;
        return last.links.every(
          (l) => Math.abs(l.measuredMs - l.asked.delayMs) <= Math.max(3, l.asked.delayMs * 0.1),
        );
      },
      () => JSON.stringify(last),
    );
    expect(Object.fromEntries(last!.links.map((l) => [l.from + l.to, l.asked.delayMs]))).toEqual({
      AB: 60,
      BA: 0,
      AC: 200,
      CA: 200,
      BC: 0,
      CB: 0,
    });
    await ok('link --profile world');
    expect((await run('status')).stdout).toMatch(/FAULTS: A-C 200 ms ± 10 ms · A>B 60 ms · profile world/);
    await ok('partition A>B');
    const healed = await ok('heal --no-wait');
    expect(healed).toContain(
      'links stay as asked, until forkyard link --clear: A-C 200 ms ± 10 ms · A>B 60 ms',
    );
    expect((await run('status')).stdout).toMatch(/FAULTS: A-C 200 ms ± 10 ms · A>B 60 ms · profile world/);
    await ok('link --clear');
    expect((await run('status')).stdout).toContain('FAULTS: profile world');
    await ok('link --profile none');
  });

  it('refuses with exit 2 what cannot be and with 3 what is not there, and changes nothing', async () => {
    for (const [line, why, code] of [
      ['partition A>Z', "no node 'Z'", 3],
      ['partition A>A', 'both sides', 2],
      ['link A-C --delay -5ms', 'negative', 2],
      ['link A-C --delay 5ms --jitter 9ms', 'jitter is at most the delay', 2],
      ['link --profile mars', "no profile 'mars'", 2],
      ['set A --region moon', "no region 'moon'", 2],
      ['freeze Q', "no node 'Q'", 3],
    ] as const) {
      const ran = await run(line);
      expect(ran.code, line).toBe(code);
      expect(ran.stderr, line).toContain(why);
    }
    const dry = await ok('link A-C --delay 5ms --dry-run');
    expect(dry).toContain('Shape A-C');
    expect((await run('status')).stdout).not.toContain('FAULTS');
  });

  it('the faucet pays from whoever has coins, and says when nobody has', async () => {
    const poor = await run('faucet alice --amount 10');
    expect(poor.code).toBe(1);
    expect(poor.stderr).toContain('has most');
    await ok('mine -N A --blocks 101');
    expect(await ok('faucet alice --amount 10')).toMatch(/miner-\w → alice 10, fee/);
  });

  it('ends a frozen node too', async () => {
    await ok('freeze B');
    const { json } = await status(dir);
    expect(json.nodes.find((n) => n.letter === 'B')?.down).toBe(true);
    const stopped = await run('down');
    expect(stopped.code).toBe(0);
    await up.ended;
  });
});
