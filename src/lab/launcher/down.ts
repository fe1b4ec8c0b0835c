import { formatMs } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import { type Action, until } from '../../yard/action.ts';
import { failed } from '../../yard/problem.ts';
import type { YardClient } from '../client/client.ts';
import { ownerOf } from '../yard/claim.ts';
import { yardOption } from '../yard/file.ts';

/** Asks the launcher to end the yard, and waits until it is gone. */
export function down(client: YardClient): Action<{ stopped: number; ms: number }> {
  const count = client.letters.length;
  return {
    plan: `Stop ${plural(count, 'node')} and the launcher, politely; the state stays in ${client.dir}`,
    async run(context) {
      const began = Date.now();
      if (ownerOf(client.dir) === undefined) throw failed('nothing runs here');
      await client.control('down');
      await until(
        () => (ownerOf(client.dir) === undefined ? true : undefined),
        context,
        () => 'the yard has not stopped',
      );
      const ms = Date.now() - began;
      return {
        line: `stopped in ${formatMs(ms)}; it goes on where it was with: forkyard up${yardOption(client.dir, process.cwd())}`,
        data: { stopped: count, ms },
      };
    },
  };
}
