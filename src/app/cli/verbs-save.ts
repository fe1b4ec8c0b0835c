import { Command } from 'commander';
import { YARD_DIR } from '../../lab/yard/file.ts';
import { addDryRun, addShared, example, perform, shared } from './common.ts';

/** `save`, `load`: a yard as one file. */

export function saveVerbs(): Command[] {
  const save = addDryRun(addShared(new Command('save')))
    .description('the whole yard as one file: keys, chains, links, faults; it may run meanwhile')
    .argument('<file>', 'such as lesson.yard; secret keys are inside')
    .option('--force', 'replace the file if it is there')
    .action(async (file: string, options: { force?: boolean }, command: Command) => {
      const s = shared(command);
      const { save } = await import('../../lab/save/save.ts');
      await perform(s, save({ yard: s.yard, file, force: options.force === true }, process.cwd()));
    });
  const load = addDryRun(addShared(new Command('load')))
    .description('unpack a saved yard into a new or empty directory; up goes on where it was')
    .argument('<file>', 'what save has written; only from people you trust')
    .option('--data <dir>', 'where the yard will live', `./${YARD_DIR}`)
    .action(async (file: string, options: { data: string }, command: Command) => {
      const s = shared(command);
      const { load } = await import('../../lab/save/save.ts');
      await perform(s, load({ file, dir: s.yard ?? options.data }, process.cwd()));
    });
  return [
    example(save, 'save lesson.yard', 'save lesson.yard --force'),
    example(load, 'load lesson.yard', 'load lesson.yard --data lesson'),
  ];
}
