import { Command, Option } from 'commander';
import { addShared, example, shared } from './common.ts';
import type { StatsOptions } from './stats-run.ts';

/** `experiment`, `stats`, `swarm`: verbs that measure. What does the work loads with the action. */

/**
 * The settings of all experiments: each takes some of them, and refuses the others by name. Kept here as bare words so
 * that the command line starts without loading ten experiments; a test holds the two equal.
 */
export const EXPERIMENT_OPTIONS: readonly string[] = [
  ...['x', 'blocks', 'shares', 'interval', 'nodes', 'split', 'runs', 'q', 'z', 'races', 'model', 'tie'],
  ...['alpha', 'gamma', 'beta', 'rule', 'degree', 'factor', 'share'],
];

/** `experiment`: what theory says, measured. */
export function experimentVerb(): Command {
  const verb = addShared(new Command('experiment'))
    .description('measure what theory predicts, on simulated nodes; without a name: list the experiments')
    .argument('[name]', 'which one, or all')
    .option('--seed <number>', 'same seed, same figures', '1')
    .option('--out <dir>', 'write a report of one page, report.html, and its plots as SVG')
    .option('--live <log>', 'lay the event log of a yard of two real nodes beside: disagreement');
  for (const name of EXPERIMENT_OPTIONS) verb.addOption(new Option(`--${name} <value>`).hideHelp());
  // Its own, because what it tells depends on the name, and the experiments load with the action.
  verb.helpOption(false).option('-h, --help', 'display help, with a name that of one experiment');
  verb.action(async (name: string | undefined, options: Record<string, string>, command: Command) => {
    if (options['help'] !== undefined) {
      const { tellExperimentHelp } = await import('./experiment-help.ts');
      return tellExperimentHelp(shared(command), name, command);
    }
    const { runExperimentVerb } = await import('./experiment-run.ts');
    await runExperimentVerb(shared(command), name, options);
  });
  return example(
    verb,
    'experiment',
    'experiment disagreement --x 0.1,0.5 --out report',
    'experiment doublespend --q 0.3 --z 1..6',
    'experiment all --out report',
  );
}

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

/** `swarm`: many short lives of networks where everything goes wrong, each drawn from a seed. */
export function swarmVerb(programPath: string): Command {
  const verb = addShared(new Command('swarm'))
    .description(
      'live through many simulated networks with drawn faults and liars; every invariant must hold',
    )
    .option('--seeds <count>', 'how many lives (default: 200, or 1 with --seed)')
    .option('--seed <number>', 'the first one, to repeat it (default: drawn, and printed)')
    .action(async (options: Record<string, string>, command: Command) => {
      const { runSwarmVerb } = await import('./swarm-run.ts');
      await runSwarmVerb(shared(command), programPath, options);
    });
  return example(verb, 'swarm --seeds 50', 'swarm --seed 7', 'swarm --seed 1 --seeds 1000 --json');
}
