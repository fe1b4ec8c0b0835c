import { relative } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** The live files that take longest, for a machine that has not measured them yet. */
const LONG_LIVE =
  /\/live\/(scenarios|tour|faults|crash|yard|terminal|latejoin|page|page-hostile|snippets|agreement|network)\.test\.ts$/;

/** What a file is supposed to take until it has been measured, in milliseconds. */
function supposed({ moduleId, project }: TestSpecification): number {
  if (LONG_LIVE.test(moduleId)) return 30_000;
  return project.name === 'live' ? 6_000 : 1_000;
}

/**
 * Live files mostly wait, units mostly compute: they take turns, so that the cores have work all the time. Each kind has
 * its longest files first, so that none is left alone at the end, and both come to their end together.
 */
export class TakingTurns extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const names = [...new Set(files.map(({ project }) => project.name))];
    const kinds = names.map((name) => this.#line(files.filter(({ project }) => project.name === name)));
    const order: TestSpecification[] = [];
    while (order.length < files.length) {
      const next = kinds
        .filter(({ waiting }) => waiting.length > 0)
        .reduce((a, b) => (b.given / b.whole < a.given / a.whole ? b : a));
      const { file, ms } = next.waiting.shift()!;
      next.given += ms;
      order.push(file);
    }
    return order;
  }

  #line(files: readonly TestSpecification[]) {
    const waiting = files
      .map((file) => ({ file, ms: this.#measured(file) ?? supposed(file) }))
      .toSorted((a, b) => b.ms - a.ms);
    return { waiting, given: 0, whole: waiting.reduce((sum, { ms }) => sum + ms, 0) };
  }

  #measured({ moduleId, project }: TestSpecification): number | undefined {
    const file = relative(this.ctx.config.root, moduleId);
    return this.ctx.cache.getFileTestResults(`${project.name}:${file}`)?.duration;
  }
}
