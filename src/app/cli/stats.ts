import { Command } from 'commander';
import { addShared, example, shared } from './common.ts';
import type { StatsOptions } from './stats-run.ts';

/** `stats`: figures instead of impressions. */
export function statsVerb(): Command {
  const stats = addShared(new Command('stats'))
    .description('figures from the event log, beside what theory predicts')
    .option('--log <file>', 'a saved event log instead of this yard')
    .option(
      '--epoch <number>',
      'a stretch of unchanged conditions by its number, or all (default: the latest)',
    )
    .action(async (options: StatsOptions, command: Command) => {
      const { runStats } = await import('./stats-run.ts');
      await runStats(shared(command), options);
    });
  return example(stats, 'stats', 'stats --log run.jsonl', 'stats --epoch all', 'stats --json');
}
