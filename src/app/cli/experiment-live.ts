import { resolve } from 'node:path';
import type { LiveRun } from '../../lab/experiment/types.ts';
import { newFigures } from '../../observe/figures/figures.ts';
import { basisOf } from '../../observe/figures/rows.ts';
import { failed } from '../../yard/problem.ts';
import { readEventLog } from './stats-log.ts';

/** Of the log of two real nodes: the stretch of unchanged conditions with most blocks. */
export async function readLive(path: string): Promise<LiveRun> {
  const figures = newFigures();
  await readEventLog([resolve(process.cwd(), path)], (event) => figures.apply(event));
  const [longest] = [...figures.read().epochs].sort((a, b) => b.blocks - a.blocks);
  const { shape } = longest ?? {};
  if (longest === undefined || shape?.kind !== 'two-clusters' || shape.groups.flat().length !== 2)
    throw failed(
      `${path} is not the log of two nodes with a delay between them`,
      'Make one: forkyard up -n 2 --network lab --pace 1s --delay 500ms',
    );
  const basis = basisOf(longest, shape);
  if (basis.kind === 'none') throw failed(`${path}: nothing can be predicted here (${basis.why})`);
  // Two shares p and 1 − p have p² + (1 − p)² = HHI.
  const share = (1 + Math.sqrt(Math.max(0, 2 * basis.hhi - 1))) / 2;
  return { x: basis.x, share, figures: longest };
}
