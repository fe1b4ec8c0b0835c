import type { Command } from 'commander';
import { sortedOptions } from './common.ts';

/** How help and errors are told, the same for every verb. */
export function configure(program: Command): void {
  for (const command of [program, ...program.commands]) {
    const verb = command === program ? '' : `${command.name()} `;
    command.exitOverride().showHelpAfterError(`An example: forkyard ${verb}--help`);
    command.configureHelp({
      visibleOptions: sortedOptions,
      subcommandTerm: (c) => [c.name(), ...c.aliases()].join(', '),
    });
    command.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'forkyard: ')) });
  }
}
