import { copyFileSync, existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { failed, misuse } from '../../yard/problem.ts';
import { packageRoot } from '../node/package.ts';
import { addShared, example, shared } from './common.ts';

/** `simulator FILE.html`: the page with the nodes in it, on invented time; opens from disk, for any web server too. */
export function simulatorVerb(): Command {
  const verb = addShared(new Command('simulator'))
    .description(
      'save the simulator as one file to open in any browser: cut and heal a network that runs in the tab',
    )
    .argument('<file>', 'such as simulator.html')
    .option('--force', 'replace the file if it is there')
    .action((file: string, options: { force?: boolean }, command: Command) => {
      const s = shared(command);
      const target = resolve(file);
      if (!/\.html?$/.test(file))
        throw misuse(`'${file}' must end in .html`, 'forkyard simulator simulator.html');
      const built = join(packageRoot(), 'dist', 'simulator.html');
      if (!existsSync(built)) throw failed('the page is not built', 'In a checkout: npm run build');
      if (existsSync(target) && options.force !== true)
        throw failed(`${file} is there already`, 'Choose another name, or replace it with --force');
      try {
        copyFileSync(built, target);
      } catch (error) {
        throw failed(`cannot write ${file}: ${(error as Error).message}`);
      }
      const { size } = statSync(target);
      s.out.line(`${file}: ${Math.ceil(size / 1000)} kB; opens from disk, needs no server`);
      s.out.step(`another world: ${file}#seed=8&nodes=6&delay=1000&pace=2000 (milliseconds)`);
      s.out.object({ file: target, bytes: size });
    });
  return example(verb, 'simulator simulator.html');
}
