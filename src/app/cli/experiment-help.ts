import { Command, Option } from 'commander';
import { EXPERIMENTS, findExperiment } from '../../lab/experiment/catalogue.ts';
import { plain } from '../../lab/experiment/parameters.ts';
import type { Parameter } from '../../lab/experiment/types.ts';
import { example, type Shared } from './common.ts';
import { configure } from './configure.ts';

/** Help of one experiment: its own settings alone, each with what it may be. Without a name: all ten, a line each. */
export function tellExperimentHelp(s: Shared, name: string | undefined, verb: Command): void {
  if (name === undefined || name === 'all') {
    verb.outputHelp();
    s.out.line('\nExperiments:');
    s.out.table(EXPERIMENTS.map((e) => [`  ${e.name}`, e.says]));
    s.out.line('\nThe settings of one: forkyard experiment disagreement --help');
    return;
  }
  const { says, parameters } = findExperiment(name);
  const help = new Command(`forkyard experiment ${name}`).description(says).usage('[options]');
  for (const parameter of parameters) help.addOption(new Option(flagOf(parameter), meaningOf(parameter)));
  for (const option of verb.options.filter((o) => !o.hidden && o.long !== '--live')) help.addOption(option);
  if (name === 'disagreement') help.addOption(verb.options.find((o) => o.long === '--live')!);
  configure(help);
  const [first] = parameters;
  example(
    help,
    `experiment ${name}`,
    `experiment ${name} --${first!.name} ${first!.default.join(',')} --out report`,
  );
  help.outputHelp();
}

function flagOf({ name, many }: Parameter): string {
  return `--${name} ${many ? '<list>' : '<value>'}`;
}

function meaningOf({ says, range, default: usual }: Parameter): string {
  const may =
    'words' in range
      ? range.words.join(', ')
      : `${range.whole ? 'whole, ' : ''}${plain(range.least)} to ${plain(range.most)}`;
  return `${says}: ${may} (default: ${usual.join(',')})`;
}
