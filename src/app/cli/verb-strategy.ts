import { Command } from 'commander';
import { parseCount, parseDuration } from '../../observe/words/units.ts';
import type { CheatTerms } from '../../sim/strategy/shipped.ts';
import { must, Problem } from '../../yard/problem.ts';
import { addShared, ending, example, type Shared, shared } from './common.ts';

/** `strategy`: a miner that does not follow the rules of the game, against a running yard or in the simulator. */

interface StrategyOptions {
  readonly node: string;
  readonly for?: string;
  readonly sim?: boolean;
  readonly power?: string;
  readonly blocks?: string;
  readonly seed?: string;
  readonly confirmations?: string;
  readonly patience?: string;
}

const DEFAULT_POWER = 1 / 3;
const DEFAULT_BLOCKS = 1_000;
const MOST_BLOCKS = 50_000;

export function strategyVerb(programPath: string): Command {
  const verb = addShared(new Command('strategy'))
    .description('let a node of a running yard mine by a strategy, until Ctrl-C; alone: list them')
    .argument('[strategy]', 'a name, or a file whose code is run with your rights (examples/strategy.mjs)')
    .option('-N, --node <node>', 'whose hash power plays', 'C')
    .option('--for <duration>', 'end after, such as 60s')
    .option(
      '--confirmations <count>',
      'double-spend: how many the paid merchant waits for before he is cheated (default 6)',
    )
    .option(
      '--patience <blocks>',
      'double-spend: so many blocks behind it gives up and starts anew (default 10)',
    )
    .option('--sim', 'no yard: on simulated nodes, in seconds')
    .option('--power <share>', 'with --sim: its share of the hash power (default 0.333)')
    .option('--blocks <count>', `with --sim: blocks to be found (default ${DEFAULT_BLOCKS})`)
    .option('--seed <seed>', 'with --sim: another run')
    .action(async (given: string | undefined, options: StrategyOptions, command: Command) => {
      const s = shared(command);
      if (given === undefined) return list(s);
      const stray = (['power', 'blocks', 'seed'] as const).find((o) => options[o] !== undefined);
      if (options.sim !== true && stray !== undefined)
        throw new Problem(2, `--${stray} is for --sim: in a live yard the nodes have their own power`);
      await (options.sim === true ? simulated(s, given, options) : live(s, given, options, programPath));
    });
  return example(
    verb,
    'strategy selfish -N C',
    'strategy examples/strategy.mjs -N C --for 2m',
    'strategy selfish --sim --power 0.4',
    'strategy double-spend --sim --power 0.3 --confirmations 2',
  );
}

async function list({ out }: Shared): Promise<void> {
  const { STRATEGIES } = await import('../../sim/strategy/shipped.ts');
  const rows = Object.entries(STRATEGIES).map(([name, { says }]) => ({ name, says }));
  out.table(rows.map(({ name, says }) => [`  ${name}`, says]));
  out.line();
  out.line('Play one: forkyard strategy selfish -N C; or in the simulator: forkyard strategy selfish --sim');
  out.object({ strategies: rows });
}

async function termsOf({ confirmations, patience }: StrategyOptions): Promise<CheatTerms> {
  const { MOST_CONFIRMATIONS, MOST_PATIENCE } = await import('../../sim/strategy/shipped.ts');
  const count = (text: string | undefined, what: string, most: number, option: string) =>
    text === undefined ? undefined : must(parseCount(text, what, 1, most), option);
  return {
    confirmations: count(confirmations, 'the number of confirmations', MOST_CONFIRMATIONS, '--confirmations'),
    patience: count(patience, 'the number of blocks', MOST_PATIENCE, '--patience'),
  };
}

async function live(s: Shared, given: string, options: StrategyOptions, programPath: string): Promise<void> {
  const [{ loadStrategy }, { YardClient }, { LiveStrategy }, { paymentLines, summaryLine }] =
    await Promise.all([
      import('../library/strategy-file.ts'),
      import('../../lab/client/client.ts'),
      import('../../lab/strategy/live.ts'),
      import('../../lab/strategy/story.ts'),
    ]);
  const play = await loadStrategy(given, await termsOf(options));
  const forMs = options.for === undefined ? s.timeoutMs : must(parseDuration(options.for), '--for');
  const client = YardClient.open(s.yard, process.cwd());
  const played = await LiveStrategy.start(client, {
    node: options.node,
    name: given,
    play,
    programPath,
    say: (line) => s.out.step(`  ${line}`),
  });
  const ended = new Promise<'interrupt' | 'time'>((done) => {
    if (s.signal.aborted) done('interrupt');
    s.signal.addEventListener('abort', () => done('interrupt'), { once: true });
    if (forMs !== undefined) setTimeout(() => done('time'), forMs);
  });
  try {
    const why = await Promise.race([ended, played.failed.then(() => 'time' as const)]);
    if (why === 'interrupt' && forMs !== undefined) ending.code = 130;
    const summary = await played.summary();
    for (const line of paymentLines(summary.node, summary.payments)) s.out.line(line);
    s.out.line(summaryLine(summary));
    s.out.object(summary);
  } finally {
    await played.stop();
  }
}

async function simulated(s: Shared, given: string, options: StrategyOptions): Promise<void> {
  const [{ loadStrategy }, { simulateStrategy }, { paymentLines, summaryLine }] = await Promise.all([
    import('../library/strategy-file.ts'),
    import('../library/strategy-sim.ts'),
    import('../../lab/strategy/story.ts'),
  ]);
  const power = Number(options.power ?? DEFAULT_POWER);
  if (!(power > 0 && power < 1))
    throw new Problem(2, `--power must be a share between 0 and 1, not '${options.power}'`);
  const blocks =
    options.blocks === undefined
      ? DEFAULT_BLOCKS
      : must(parseCount(options.blocks, 'the number of blocks', 10, MOST_BLOCKS), '--blocks');
  const play = await loadStrategy(given, await termsOf(options));
  const seed = options.seed ?? '1';
  const summary = await simulateStrategy({
    play,
    name: given,
    power,
    blocks,
    seed,
    signal: s.signal,
    progress: (share) => s.out.live(`  ${Math.floor(share * 100)} %`),
  });
  s.out.endLive();
  for (const line of paymentLines(summary.node, summary.payments)) s.out.line(line);
  s.out.line(summaryLine(summary));
  const waits = (['confirmations', 'patience'] as const)
    .map((option) => (options[option] === undefined ? '' : ` --${option} ${options[option]}`))
    .join('');
  s.out.step(
    `Again, exactly: forkyard strategy ${given}${waits} --sim --power ${power} --blocks ${blocks} --seed ${seed}`,
  );
  s.out.object({ ...summary, seed });
}
