import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { formatCount, formatMs } from '../../observe/words/units.ts';
import { missing, misuse } from '../../yard/problem.ts';
import type { Replayed } from '../node/replay.ts';
import { addShared, ending, example, type Shared, shared } from './common.ts';

/** `replay`: a recording done again, each step compared. */
export function replayVerb(): Command {
  const replay = addShared(new Command('replay'))
    .description('do the steps of a recording again and compare each (node --record FILE makes one)')
    .argument('<file>', 'the recording')
    .action(async (file: string, _options: object, command: Command) => {
      const s = shared(command);
      const [{ replayFile }, { packageVersion }] = await Promise.all([
        import('../node/replay.ts'),
        import('../node/package.ts'),
      ]);
      const path = resolve(file);
      if (!existsSync(path)) throw missing(`there is no file ${file}`);
      const done = await replayFile(path, (steps) => s.out.live(`  ${formatCount(steps)} steps the same`));
      s.out.endLive();
      if (!done.ok) throw misuse(done.error);
      tell(s, done.value, packageVersion());
      s.out.object(done.value);
      if (done.value.difference !== undefined) ending.code = 1;
    });
  return example(replay, 'replay ./a.fyrec');
}

function tell({ out }: Shared, r: Replayed, version: string): void {
  const steps = `${r.same.toLocaleString('en-US')} step${r.same === 1 ? '' : 's'}`;
  out.step(
    `Node ${r.node} on ${r.network}, ${new Date(r.startedAt).toISOString()}, recorded by ${r.software}` +
      (r.software === version ? '' : `; this is ${version}`),
  );
  const { difference } = r;
  if (difference !== undefined) {
    out.line(
      `the first ${steps} are the same; step ${difference.step.toLocaleString('en-US')} differs: ${difference.input}, at ${formatMs(difference.now / 1_000)}`,
    );
    for (const what of difference.what) out.line(`  ${what}`);
    return;
  }
  out.line(`same ${steps}, ${formatMs(r.ms)} of the node's time; tip at height ${r.tip.height}, ${r.tip.id}`);
  if (r.threw !== undefined) out.line(`the last one throws, here as there: ${r.threw}`);
  if (r.unfinished !== undefined)
    out.line(`the recording ends within a step, which was done here without harm: ${r.unfinished}`);
  if (r.torn !== undefined)
    out.line(`the file ends within a frame (${r.torn} bytes of it): its process was killed`);
  if (r.ended !== undefined) out.step(`The recording ended because ${r.ended}.`);
}
