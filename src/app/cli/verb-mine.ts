import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import type { LiveMining, MineReport } from '../../lab/live/mine-on.ts';
import type { Rhythm } from '../../lab/live/mining-rhythm.ts';
import {
  formatCount,
  formatMs,
  formatSpeed,
  parseCount,
  parseDuration,
  parseRate,
} from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import { MAX_MINED, MAX_THREADS } from '../../yard/limits.ts';
import type { MinePower } from '../../yard/port.ts';
import { must, Problem } from '../../yard/problem.ts';
import {
  addDryRun,
  addShared,
  ending,
  example,
  perform,
  performVerb,
  type Shared,
  shared,
} from './common.ts';

/** A block may take its time at a node's own rate; nobody wants to be told after a minute that mining is slow. */
const MINE_TIMEOUT_MS = 3_600_000;
/** Faster, and blocks would only wait for each other. */
const SHORTEST_BEAT_MS = 50;

interface MineOptions {
  readonly node: string;
  readonly blocks?: string;
  readonly every?: string;
  readonly onTx?: boolean;
  readonly random?: string;
  readonly uncapped?: boolean;
  readonly hashrate?: string;
  readonly threads?: string;
  readonly kernel?: string;
}

export function mineVerb(): Command {
  const mine = addDryRun(addShared(new Command('mine')))
    .description('mine on one node: some blocks, or until Ctrl-C; at its own rate, or by a rhythm')
    .option('-N, --node <node>', 'which node (default A)', 'A')
    .option('--blocks <count>', 'stop after so many')
    .option('--every <duration>', 'a block at this beat, such as 2s')
    .option('--on-tx', 'a block whenever a payment waits')
    .option('--random <duration>', 'blocks at random, so far apart on average')
    .option('--uncapped', "faster than the node's share of the yard")
    .option('--hashrate <rate>', 'at this rate, such as 200kH/s')
    .option('--threads <count>', 'on so many worker threads')
    .option('--kernel <name>', 'with this hash kernel; auto: the fastest that works')
    .action(async (options: MineOptions, command: Command) => {
      const s = shared(command);
      const { blocks: many } = options;
      const blocks = many === undefined ? undefined : count(many, '--blocks', MAX_MINED);
      const rhythm = rhythmOf(options);
      const power = await powerOf(options);
      const { YardClient } = await import('../../lab/client/client.ts');
      const client = await YardClient.open(s.yard, process.cwd());
      const { minedLine } = await import('../../yard/mined.ts');
      if (!s.dryRun) warn(s, power, rhythm);
      const { node } = options;
      if (rhythm === undefined && blocks !== undefined) {
        const fields = { node, blocks, ...power };
        await performVerb(s, 'mine', fields, { timeoutMs: MINE_TIMEOUT_MS });
        return;
      }
      const report: MineReport = {
        onLive: (live) => s.out.live(`  ${liveLine(live)} · Ctrl-C ends`),
        onBlock: (block) => {
          s.out.endLive();
          s.out.step(`  ${minedLine(block)}`);
          s.out.object(block);
        },
      };
      const [{ mineOn }, { mineByRhythm }] = await Promise.all([
        import('../../lab/live/mine-on.ts'),
        import('../../lab/live/mining-rhythm.ts'),
      ]);
      const action =
        rhythm === undefined
          ? mineOn(client, node, power, report)
          : mineByRhythm(client, { node, rhythm, blocks, power }, report);
      await perform(s, action, Number.MAX_SAFE_INTEGER);
      if (s.signal.aborted) ending.code = 130;
    });
  return example(
    mine,
    'mine -N A --blocks 3',
    'mine -N B',
    'mine --every 2s',
    'mine --random 5s --blocks 10',
    'mine --on-tx',
  );
}

function count(text: string, what: string, most: number): number {
  const parsed = parseCount(text, what, 1, most);
  if (!parsed.ok) throw new Problem(2, parsed.error);
  return parsed.value;
}

function rhythmOf({ every, onTx, random }: MineOptions): Rhythm | undefined {
  if ([every, onTx, random].filter((given) => given !== undefined).length > 1)
    throw new Problem(2, '--every, --on-tx and --random say when to mine: give one of them');
  if (onTx === true) return { kind: 'on-tx' };
  const text = every ?? random;
  if (text === undefined) return undefined;
  const option = every === undefined ? '--random' : '--every';
  const ms = must(parseDuration(text), option);
  if (ms < SHORTEST_BEAT_MS)
    throw new Problem(
      2,
      `${option}: ${text} is shorter than ${SHORTEST_BEAT_MS}ms, in which a block cannot settle`,
    );
  return { kind: every === undefined ? 'random' : 'every', ms };
}

async function powerOf(options: MineOptions): Promise<MinePower> {
  const rate = options.hashrate === undefined ? undefined : must(parseRate(options.hashrate), '--hashrate');
  if (rate !== undefined && rate > 0 && options.uncapped === true)
    throw new Problem(2, '--hashrate is a cap, --uncapped is none: give one of them');
  if (options.threads === '0')
    throw new Problem(
      2,
      '--threads 0 would mine nothing: give 1 or more',
      `To let its miner rest: forkyard hold -N ${options.node}`,
    );
  const { threads: many } = options;
  const threads = many === undefined ? undefined : count(many, '--threads', MAX_THREADS);
  if (options.kernel !== undefined) {
    const { kernelNameProblem } = await import('../../host/miner/kernels/select.ts');
    const problem = kernelNameProblem(options.kernel);
    if (problem !== undefined) throw new Problem(2, `--kernel: ${problem}`);
  }
  return {
    uncapped: options.uncapped === true || rate === 0,
    ...(rate === undefined || rate === 0 ? {} : { hashrate: rate }),
    threads,
    kernel: options.kernel,
  };
}

function warn(s: Shared, power: MinePower, rhythm: Rhythm | undefined): void {
  const say = (text: string): void => s.out.error(s.out.style('yellow', text));
  if (power.uncapped || (rhythm !== undefined && power.hashrate === undefined))
    say('Warning: uncapped, so figures of pace and share do not hold for these blocks.');
  const cores = availableParallelism();
  if (power.threads !== undefined && power.threads > cores)
    say(`Note: ${power.threads} threads share the ${plural(cores, 'core')} of this machine.`);
}

/** `50 kH/s (25 kH/s + 25 kH/s) · 3 blocks in 12 s, 1 stale · difficulty 250k: one in 5.0 s`. */
export function liveLine({ rate, rates, found, stale, difficulty, seconds }: LiveMining): string {
  const workers = rates.length > 1 ? ` (${rates.map(formatSpeed).join(' + ')})` : '';
  const blocks = `${plural(found, 'block')} in ${formatMs(seconds * 1000)}`;
  const expected = rate > 0 ? `: one in ${formatMs((difficulty / rate) * 1000)}` : '';
  const next = difficulty === 0 ? '' : ` · difficulty ${formatCount(difficulty)}${expected}`;
  return `${formatSpeed(rate)}${workers} · ${blocks}${stale === 0 ? '' : `, ${stale} stale`}${next}`;
}
