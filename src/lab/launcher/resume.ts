import { CALM } from '../../observe/words/conditions.ts';
import { defined } from '../../util/defined.ts';
import { conditionsOf, isCalm, lasting } from '../client/conditions.ts';
import type { Resume, YardFile } from '../yard/check.ts';

/** What of a yard outlives its processes: by itself where it is, and in a save also what was wrong with it. */

/** As a yard lies on the disk when nothing of it runs: whole, with nobody cut off. */
export function stoppedYard(yard: YardFile): YardFile {
  const { launcher: _l, page: _p, groups: _g, conditions: _c, ...rest } = yard;
  const stays = lasting(conditionsOf(yard));
  return {
    ...rest,
    ...(isCalm(stays) ? {} : { conditions: stays }),
    nodes: rest.nodes.map(({ pid: _, ...node }) => node),
  };
}

/** A yard that runs, as a save keeps it: the next start takes up all that holds now. */
export function yardToResume(yard: YardFile, now: Pick<Resume, 'held' | 'down'>): YardFile {
  const conditions = conditionsOf(yard);
  const resume: Resume = {
    ...defined({ groups: yard.groups }),
    ...(isCalm(conditions) ? {} : { conditions }),
    ...now,
  };
  return { ...stoppedYard(yard), resume };
}

/** What holds from the first moment of the next start; nodes are frozen only when they run. */
export function resumed({ resume }: YardFile): Pick<YardFile, 'groups' | 'conditions'> {
  if (resume === undefined) return {};
  return {
    ...defined({ groups: resume.groups }),
    ...(resume.conditions === undefined ? {} : { conditions: { ...CALM, ...resume.conditions, frozen: [] } }),
  };
}
