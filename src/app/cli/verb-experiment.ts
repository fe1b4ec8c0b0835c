import { Command, Option } from 'commander';
import { addShared, example, shared } from './common.ts';

/**
 * The settings of all experiments: each takes some of them, and refuses the others by name. Kept here as bare words so
 * that the command line starts without loading ten experiments; a test holds the two equal.
 */
export const EXPERIMENT_OPTIONS: readonly (readonly [string, string])[] = [
  ['x', 'blocks per delay: disagreement, quiescence, speed'],
  ['blocks', 'how many blocks: disagreement, partition, selfish'],
  ['shares', 'hash power of two clusters: disagreement'],
  ['interval', 'seconds between blocks: forkrate'],
  ['nodes', 'size of the network: forkrate, flooding'],
  ['split', 'hash power of the larger side: partition'],
  ['runs', 'how many times: partition, quiescence'],
  ['q', "the attacker's share: doublespend"],
  ['z', 'confirmations: doublespend'],
  ['races', 'how many attacks: doublespend'],
  ['model', 'strict, tie or nakamoto: doublespend'],
  ['tie', 'first-seen or lowest-id: quiescence'],
  ['alpha', "the selfish miner's share: selfish"],
  ['gamma', 'honest power on its branch in a tie: selfish'],
  ['beta', "the attacker's share: speed"],
  ['rule', 'most-work or ghost: speed; ema, asert or bitcoin: difficulty'],
  ['degree', 'links of a node: flooding, eclipse'],
  ['factor', 'jump of the hash rate: difficulty'],
  ['share', "the attacker's share of addresses: eclipse"],
];

/** `experiment`: what theory says, measured. */
export function experimentVerb(): Command {
  const verb = addShared(new Command('experiment'))
    .description('measure what theory predicts, on simulated nodes; without a name: list the experiments')
    .argument('[name]', 'which one, or all')
    .option('--seed <number>', 'same seed, same figures', '1')
    .option('--out <dir>', 'write a report of one page, report.html, and its plots as SVG')
    .option('--live <log>', 'lay the event log of a yard of two real nodes beside: disagreement');
  for (const [name, says] of EXPERIMENT_OPTIONS) verb.addOption(new Option(`--${name} <value>`, says));
  verb.action(async (name: string | undefined, options: Record<string, string>, command: Command) => {
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
