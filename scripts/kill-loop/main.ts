import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseCount, parseDuration } from '../../src/observe/words/units.ts';
import { seeded } from '../../src/util/random.ts';
import type { Result } from '../../src/util/result.ts';
import { KillLoop, type LoopFigures } from './loop.ts';
import { createPowerCut } from './power-cut.ts';

const USAGE = `npm run kill-loop [-- options]
  Kills mining nodes with SIGKILL at drawn instants, opens each alone, and compares it with what it had announced.
  --kills N       stop after N kills (default 100)
  --for DURATION  stop after this time instead, such as 2h
  --nodes N       nodes, 2 to 6 (default 3)
  --seed S        draws the instants (default: the time; printed)
  --no-power      never tear unflushed writes away
  --lying-disk    flushes of the database's log do nothing: shows that the check finds losses
  --keep          keep the data directories
  Exit code: 0 no loss, 1 losses, 2 wrong use.`;

/** Bundled to dist/kill-loop.js; the sources stay where they are. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Wishes {
  readonly kills: number;
  readonly forMs: number | undefined;
  readonly nodes: number;
  readonly seed: string;
  readonly power: boolean;
  readonly lying: boolean;
  readonly keep: boolean;
}

function wishesOf(args: readonly string[]): Wishes | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '100' },
      for: { type: 'string' },
      nodes: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now()) },
      'no-power': { type: 'boolean', default: false },
      'lying-disk': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    kills: must(parseCount(values.kills, 'kills', 1, 10_000_000), '--kills'),
    forMs: values.for === undefined ? undefined : must(parseDuration(values.for), '--for'),
    nodes: must(parseCount(values.nodes, 'nodes', 2, 6), '--nodes'),
    seed: values.seed,
    power: !values['no-power'],
    lying: values['lying-disk'],
    keep: values.keep,
  };
}

function must<T>(result: Result<T, string>, option: string): T {
  if (result.ok) return result.value;
  throw new Error(`${option}: ${result.error}`);
}

async function main(args: readonly string[]): Promise<number> {
  let wishes: Wishes | 'help';
  try {
    wishes = wishesOf(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    return 2;
  }
  if (wishes === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-kill-loop-'));
  try {
    return await play(wishes, dir);
  } finally {
    if (wishes.keep) process.stdout.write(`The data directories are in ${dir}\n`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

async function play(wishes: Wishes, dir: string): Promise<number> {
  const source = join(ROOT, 'scripts', 'kill-loop', 'flush-journal.c');
  const power = wishes.power ? createPowerCut(dir, source, wishes.lying) : 'no power cuts: --no-power';
  if (typeof power === 'string') process.stdout.write(`${power}\n`);
  const networks: unknown = JSON.parse(readFileSync(join(ROOT, 'genesis.json'), 'utf8'));
  const loop = new KillLoop(
    {
      program: join(ROOT, 'dist', 'forkyard.js'),
      dir,
      nodes: wishes.nodes,
      random: seeded(wishes.seed),
      power: typeof power === 'string' ? undefined : power,
    },
    networks,
  );
  const end = wishes.forMs === undefined ? undefined : performance.now() + wishes.forMs;
  const { figures } = loop;
  process.stdout.write(`seed ${wishes.seed}, ${wishes.nodes} nodes\n`);
  let printed = 0;
  let failed: string | undefined;
  try {
    await loop.start();
    while (
      figures.losses.length === 0 &&
      (end === undefined ? figures.kills < wishes.kills : performance.now() < end)
    ) {
      await loop.round();
      if (figures.kills - printed >= 20) {
        printed = figures.kills;
        process.stdout.write(`${line(figures)}\n`);
      }
    }
    if (figures.losses.length === 0) await loop.finish();
  } catch (error) {
    // A node that does not open, or a network that does not agree, has lost something too.
    failed = (error as Error).message;
  } finally {
    await loop.close();
  }
  process.stdout.write(`${line(figures)}\n`);
  for (const loss of [...figures.losses, ...(failed === undefined ? [] : [failed])])
    process.stdout.write(`LOST: ${loss}\n`);
  return figures.losses.length === 0 && failed === undefined ? 0 : 1;
}

function line(f: LoopFigures): string {
  return `${f.kills} kills (${f.opening} while opening, ${f.powerCuts} as power cuts, ${f.tornBytes} bytes torn away), ${f.checks} checks, ${f.blocks} blocks announced, ${f.mined} mined, ${f.payments} payments accepted, ${f.reorgs} reorgs (deepest ${f.deepest}), ${f.losses.length} losses`;
}

process.exitCode = await main(process.argv.slice(2));
