import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { isAlive } from '../../src/lab/yard/processes.ts';
import { eventually, forkyard, heightOf, type Staying, status, stay } from './yard-helpers.ts';

/** One yard of three real nodes, driven from "a second terminal" as a person would. */

let dir: string;
let up: Staying;

function log(): LogEvent[] {
  const text = readFileSync(join(dir, '.forkyard', 'yard.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogEvent);
}

async function ready(yard: Staying): Promise<void> {
  await eventually(() => yard.output().includes('Try, in a second terminal'), yard.output);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-live-'));
  up = stay(dir, 'up -n 3 --network lab --pace 700ms');
  await ready(up);
});

afterAll(async () => {
  if (up.child.exitCode === null && up.child.signalCode === null) {
    up.child.kill('SIGTERM');
    await up.ended;
  }
  rmSync(dir, { recursive: true, force: true });
});

describe('a yard of three', () => {
  it('says where everything is, mines, and agrees', async () => {
    expect(up.output()).toMatch(/^A +http:\/\/127\.0\.0\.1:\d+ +\/ip4\/127\.0\.0\.1\/tcp\/\d+ +50 kH\/s/m);
    for (const name of ['alice', 'judy']) expect(up.output()).toMatch(new RegExp(`^  ${name} +lab1q`, 'm'));
    const found = await eventually(
      async () => {
        const now = await status(dir);
        return now.json.agree && heightOf(now.json, 'A') >= 3 && now;
      },
      () => up.output(),
    );
    expect(found.code).toBe(0);
    expect(statSync(join(dir, '.forkyard', 'control.cookie')).mode & 0o777).toBe(0o600);
    const tree = await forkyard(dir, 'tree --last 3');
    expect(tree.stdout).toContain('◄');
  });

  it('refuses a second `up` in the same place, and leaves the first alone', async () => {
    const second = await forkyard(dir, 'up');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('a yard runs here already');
    expect((await forkyard(dir, 'balance alice')).stdout).toMatch(/alice .*100 /);
  });

  it('pays, and every node has the payment', async () => {
    const sent = await forkyard(dir, 'send alice bob 1.5 -N B --json');
    expect(sent.stderr).toBe('');
    const { txid, seen, amount } = JSON.parse(sent.stdout) as {
      txid: string;
      seen: string[];
      amount: string;
    };
    expect([seen.length, amount]).toEqual([3, '1.50000000']);
    const place = await eventually(
      async () => {
        const ran = await forkyard(dir, `tx ${txid.slice(-8)}`);
        return ran.stdout.includes('confirmed on every node') && ran;
      },
      () => up.output(),
    );
    expect(place.stdout).toMatch(/^ {2}C {2}\d+[ABC] depth \d+$/m);
    const poor = await forkyard(dir, 'send zoe bob 1');
    expect([poor.code, poor.stderr]).toEqual([3, expect.stringContaining("no key 'zoe'")]);
    const rich = await forkyard(dir, 'send alice bob 5000');
    expect([rich.code, rich.stderr]).toEqual([1, expect.stringContaining('insufficient funds')]);
  });

  it('is cut, grows two branches with two payments of one coin, heals, and undoes one of them', async () => {
    const cut = await forkyard(dir, 'partition A/BC');
    expect([cut.code, cut.stdout]).toEqual([0, expect.stringContaining('2 links cut')]);
    const twice = await forkyard(dir, 'double-spend carol dave@A erin@B --json');
    expect(twice.code).toBe(0);
    const { txids } = JSON.parse(twice.stdout) as { txids: [string, string] };
    const apart = await eventually(
      async () => {
        const now = await status(dir);
        const [a, b] = await Promise.all(txids.map((id) => forkyard(dir, `tx ${id} --json`)));
        const both = a!.stdout.includes('"state":"block"') && b!.stdout.includes('"state":"block"');
        return both && now.json.conflictDepth > 0 && now;
      },
      () => up.output(),
    );
    expect(apart.code).toBe(1);
    expect(apart.json.groups).toEqual([['A'], ['B', 'C']]);
    const healed = await forkyard(dir, 'heal --timeout 90s');
    expect([healed.code, healed.stdout]).toEqual([
      0,
      expect.stringMatching(/all agree on \d+[ABC] …\w{6} after/),
    ]);
    expect(healed.stdout).toMatch(/reorg depth \d/);
    await eventually(
      async () => (await status(dir)).json.agree,
      () => up.output(),
    );
    expect(log().some((e) => e.kind === 'reorg')).toBe(true);
    // Nodes agree a moment before the payments of what they left are judged, and the log is written a little later.
    const undone = (e: LogEvent) =>
      e.kind === 'tx-lost' && txids.includes(e.txid) && txids.includes(e.by ?? '');
    await eventually(
      () => log().some(undone),
      () => up.output(),
    );
  });

  it('reorganises as deep as asked, by work', async () => {
    const before = log().length;
    const plan = await forkyard(dir, 'reorg --depth 2 --on C --dry-run');
    expect(plan.stdout).toContain('Reorganise C 2 deep');
    const ran = await forkyard(dir, 'reorg --depth 2 --on C --timeout 90s');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    for (const step of ['1/4 cut AB|C', '2/4 C mined 2', '3/4 AB'.slice(0, 5), '4/4 healed']) {
      expect(ran.stdout).toContain(step);
    }
    const reorg = log()
      .slice(before)
      .find((e) => e.kind === 'reorg' && e.node === 'C');
    expect(reorg?.kind === 'reorg' && [reorg.depth, reorg.length]).toEqual([2, 3]);
  });

  it('loses a node to -9 and takes it back', async () => {
    const killed = await forkyard(dir, 'kill B');
    expect([killed.code, killed.stdout]).toEqual([0, expect.stringMatching(/B was at \d+[ABC]; killed/)]);
    const without = await status(dir);
    expect(without.json.nodes.find((n) => n.letter === 'B')?.down).toBe(true);
    const rpc = await forkyard(dir, 'rpc -N B getblockcount');
    expect([rpc.code, rpc.stderr]).toEqual([3, expect.stringContaining('forkyard start B')]);
    const started = await forkyard(dir, 'start B --timeout 90s');
    expect([started.stderr, started.code, started.stdout]).toEqual([
      '',
      0,
      expect.stringMatching(/B reopened at .*caught up to \d+[ABC]/),
    ]);
    const blocks = await forkyard(dir, 'rpc -N B getblockcount');
    expect(Number(blocks.stdout)).toBeGreaterThan(0);
  });

  it('ends with `down`, goes on where it was, and ends with Ctrl-C', async () => {
    const height = heightOf((await status(dir)).json, 'A');
    expect((await forkyard(dir, 'down')).code).toBe(0);
    expect(await up.ended).toBe(0);
    expect((await forkyard(dir, 'status')).code).toBe(3);
    up = stay(dir, 'up');
    await ready(up);
    expect(up.output()).toContain('(goes on) · 3 nodes');
    const again = await status(dir);
    expect(heightOf(again.json, 'A')).toBeGreaterThanOrEqual(height);
    up.child.kill('SIGINT');
    expect(await up.ended).toBe(130);
  });

  it('leaves no node behind when the launcher is killed, and starts over its stale state', async () => {
    up = stay(dir, 'up');
    await ready(up);
    const pids = (await status(dir)).json.nodes.map((n) => n.pid!);
    up.child.kill('SIGKILL');
    await up.ended;
    await eventually(
      () => pids.every((pid) => !isAlive(pid)),
      () => `nodes ${pids.join(' ')} have ended`,
    );
    expect((await forkyard(dir, 'status')).code).toBe(3);
    up = stay(dir, 'up');
    await ready(up);
    expect((await forkyard(dir, 'down')).code).toBe(0);
    expect(await up.ended).toBe(0);
  });
});
