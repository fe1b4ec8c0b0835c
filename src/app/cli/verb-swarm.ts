import { Command } from 'commander';
import { addShared, example, shared } from './common.ts';

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
