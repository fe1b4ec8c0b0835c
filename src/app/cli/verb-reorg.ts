import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { parseCount, parseDuration } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { MAX_REORG } from '../../yard/limits.ts';
import { must, Problem } from '../../yard/problem.ts';
import type { SeriesWishes } from '../../yard/verbs/reorg-series.ts';
import { addDryRun, addShared, ending, example, perform, type Shared, shared } from './common.ts';

/** `reorg`: once, with payments that meet a fate, or again and again. */

const TIMEOUT_MS = 600_000;
const LONGEST_PAUSE_MS = 86_400_000;

interface Options {
  readonly depth: string;
  readonly lead: string;
  readonly on?: string;
  readonly capped?: boolean;
  readonly tx?: readonly string[];
  readonly every?: string;
  readonly count?: string;
  readonly seed?: string;
}

export function reorgVerb(): Command {
  const reorg = addDryRun(addShared(new Command('reorg')))
    .description('undo blocks by competing work, for real: on every node, or --on some after a cut')
    .option('--depth <blocks>', 'how many blocks are undone; a range such as 1..4 is drawn from', '1')
    .option('--lead <blocks>', 'by how many the winners are ahead', '1')
    .option('--on <nodes>', 'cut these off, such as CD, and have both sides mine (default: every node)')
    .option('--capped', "with --on: mine at the nodes' own rates")
    .option('--tx <fates...>', 'without --on: a91f=drop, =keep, =later:2 or =conflict:ADDRESS')
    .option('--every <duration>', 'one after the other, until Ctrl-C')
    .option('--count <times>', 'with --every: stop after so many')
    .option('--seed <number>', 'of the depths that are drawn (default: by chance)')
    .action((options: Options, command: Command) => run(shared(command), options));
  return example(
    reorg,
    'reorg --depth 3',
    'reorg --depth 2 --lead 2 --on D',
    'reorg --depth 2 --tx a91f=drop',
    'reorg --every 30s --depth 1..4 --seed 7',
  );
}

async function run(s: Shared, o: Options): Promise<void> {
  const [{ parseDepths, reorgSeries }, { YardClient }, { liveYard }] = await Promise.all([
    import('../../yard/verbs/reorg-series.ts'),
    import('../../lab/client/client.ts'),
    import('../../lab/live/yard.ts'),
  ]);
  const depths = must(parseDepths(o.depth, MAX_REORG));
  const lead = must(parseCount(o.lead, '--lead', 1, MAX_REORG));
  const seed =
    o.seed === undefined ? randomInt(1_000_000) : must(parseCount(o.seed, '--seed', 0, 4_294_967_295));
  const wishes: SeriesWishes = {
    depths,
    lead,
    ...defined({ losers: o.on }),
    capped: o.capped === true,
    everyMs: o.every === undefined ? 0 : must(parseDuration(o.every), '--every'),
    count: o.count === undefined ? undefined : must(parseCount(o.count, '--count', 1, 1_000_000)),
    seed,
  };
  const isRange = depths.least !== depths.most;
  if (wishes.everyMs > LONGEST_PAUSE_MS) throw new Problem(2, `--every: ${o.every} is longer than a day`);
  if (o.every === undefined && o.count !== undefined)
    throw new Problem(2, '--count goes with --every', 'forkyard reorg --every 30s --count 5');
  if (o.seed !== undefined && !isRange)
    throw new Problem(2, '--seed draws a depth, so it needs a range', 'forkyard reorg --depth 1..4 --seed 7');
  if (o.capped === true && o.on === undefined)
    throw new Problem(
      2,
      '--capped is for two sides that mine: it goes with --on',
      'forkyard reorg --on CD --capped',
    );
  if (o.tx !== undefined) {
    if (o.every !== undefined || o.on !== undefined || o.capped === true || isRange)
      throw new Problem(
        2,
        '--tx undoes blocks on every node, once: it goes with --depth and --lead only',
        'forkyard reorg --depth 2 --tx a91f=drop',
      );
    const { undoPayments } = await import('../../lab/live/undo-payments.ts');
    const client = YardClient.open(s.yard, process.cwd());
    await perform(s, undoPayments(client, { depth: depths.least, lead, tx: o.tx }), TIMEOUT_MS);
    return;
  }
  const client = YardClient.open(s.yard, process.cwd());
  if (o.every === undefined && !isRange) {
    const { reorganise } = await import('../../yard/verbs/reorg.ts');
    await perform(s, reorganise(liveYard(client), { ...wishes, depth: depths.least }), TIMEOUT_MS);
    return;
  }
  const series = { ...wishes, count: o.every === undefined ? 1 : wishes.count };
  const done = await perform(
    s,
    reorgSeries(liveYard(client), series, (round) => s.out.object(round)),
    TIMEOUT_MS,
  );
  if (done?.interrupted === true) ending.code = 130;
}
