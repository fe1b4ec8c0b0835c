import type { Command } from 'commander';
import { printable } from '../../util/printable.ts';
import { firstExample, sortedOptions } from './common.ts';

/** How help and errors are told, the same for every verb. */
export function configure(program: Command): void {
  for (const command of [program, ...program.commands]) {
    const verb = command === program ? '' : `${command.name()} `;
    const right = firstExample(command);
    const help = `forkyard ${verb}--help`;
    command
      .exitOverride()
      .showHelpAfterError(
        right === undefined ? `See ${help}` : `An example: forkyard ${right}\nAll of it:  ${help}`,
      );
    command.configureHelp({
      visibleOptions: sortedOptions,
      subcommandTerm: (c) => [c.name(), ...c.aliases()].join(', '),
    });
    command.configureOutput({
      outputError: (text, write) => write(printable(text.replace(/^error: /, 'forkyard: '))),
    });
  }
}
