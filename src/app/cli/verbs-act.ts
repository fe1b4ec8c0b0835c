import { Command } from 'commander';
import { Problem } from '../../yard/problem.ts';
import { addDryRun, addShared, example, performVerb, shared } from './common.ts';
import { mineVerb } from './verb-mine.ts';
import { reorgVerb } from './verb-reorg.ts';

/** `mine`, `hold`, `release`, `partition`, `heal`: what happens to the chain and to the links. */

export function actVerbs(): Command[] {
  return [mineVerb(), holdVerb('hold'), holdVerb('release'), partitionVerb(), healVerb(), reorgVerb()];
}

function holdVerb(name: 'hold' | 'release'): Command {
  const on = name === 'hold';
  const verb = addDryRun(addShared(new Command(name)))
    .description(on ? 'let miners rest, or hold every message on the wire' : 'the opposite of hold')
    .option(
      '-N, --node <nodes...>',
      on ? 'only the miners of these (default all)' : 'only these (default all)',
    )
    .option('--links', on ? 'the wires instead of the miners' : 'the wires: all that is held arrives');
  if (!on) verb.option('--step', 'with --links: only the oldest message (to --node)');
  verb.action(async (options: { node?: string[]; links?: boolean; step?: boolean }, command: Command) => {
    const s = shared(command);
    const { node: nodes = [], links = false, step = false } = options;
    if (step && !links)
      throw new Problem(2, '--step is about messages on the wire', 'forkyard release --links --step');
    if (links && nodes.length > (step ? 1 : 0))
      throw new Problem(2, step ? '--step takes one node' : '--links holds and releases all wires at once');
    if (!links) await performVerb(s, name, { nodes });
    else if (step) await performVerb(s, 'step-links', { node: nodes[0] });
    else await performVerb(s, on ? 'hold-links' : 'release-links', {});
  });
  return on
    ? example(verb, 'hold', 'hold -N C', 'hold --links')
    : example(verb, 'release', 'release -N C', 'release --links --step', 'release --links');
}

function partitionVerb(): Command {
  const partition = addDryRun(addShared(new Command('partition')))
    .alias('cut')
    .description('cut the network into groups that hear nothing of each other')
    .argument('<groups>', 'every node in exactly one: AB/CD; or one direction: "A>B"')
    .action(async (groups: string, _options: object, command: Command) => {
      await performVerb(shared(command), 'partition', { groups }, { places: ['groups'] });
    });
  return example(partition, 'partition AB/CD', 'cut A/BC/D', 'partition "A>B"');
}

function healVerb(): Command {
  const heal = addDryRun(addShared(new Command('heal')))
    .description('open all links and wait until all agree; delays, loss and rates of links stay')
    .option('--no-wait', 'do not wait')
    .action(async (options: { wait: boolean }, command: Command) => {
      await performVerb(shared(command), 'heal', { wait: options.wait });
    });
  return example(heal, 'heal');
}
