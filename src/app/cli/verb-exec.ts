import { Command } from 'commander';
import { parseCount } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { Problem } from '../../yard/problem.ts';
import { addShared, ending, example, shared } from './common.ts';

/** `exec`: any test suite, in any language, on a yard of its own. */

interface ExecOptions {
  readonly nodes: string;
  readonly network: string;
  readonly mine?: boolean;
  readonly pace?: string;
  readonly delay?: string;
}

const NETWORKS = ['regtest', 'lab', 'yard'] as const;

export function execVerb(): Command {
  const exec = addShared(new Command('exec'))
    .description('run a command on a yard of its own: URLs and credentials are in its environment')
    .argument('<command...>', 'after --, with its arguments')
    .option('-n, --nodes <count>', 'how many nodes', '3')
    .option('--network <name>', 'regtest, lab or yard', 'regtest')
    .option('--mine', 'miners run from the start (not on regtest)')
    .option('--pace <duration>', 'mean time between blocks')
    .option('--delay <duration>', 'one-way delay on every link')
    .passThroughOptions()
    .action(async (words: string[], options: ExecOptions, command: Command) => {
      const s = shared(command);
      const nodes = parseCount(options.nodes, 'the number of nodes', 1, 64);
      if (!nodes.ok) throw new Problem(2, `--nodes: ${nodes.error}`);
      const network = NETWORKS.find((n) => n === options.network);
      if (network === undefined)
        throw new Problem(2, `--network: '${options.network}' is not ${NETWORKS.join(', ')}`);
      const { describeSurvival, runExec } = await import('../library/exec.ts');
      const lived = await runExec({
        yard: {
          nodes: nodes.value,
          network,
          mining: options.mine === true,
          ...defined({ pace: options.pace, delay: options.delay }),
        },
        command: words[0]!,
        args: words.slice(1),
        signal: s.signal,
      });
      // The command's own output is stdout's; what we add must not end in somebody's pipe.
      if (!s.out.json && !s.out.quiet) s.out.error(describeSurvival(lived));
      s.out.object(lived);
      ending.code = lived.code;
    });
  return example(exec, 'exec -n 3 -- npm test', 'exec --network lab --mine --pace 1s -- pytest');
}
