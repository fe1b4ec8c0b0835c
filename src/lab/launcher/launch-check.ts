import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { misuse } from '../../yard/problem.ts';
import { refuseOwned } from '../yard/claim.ts';
import { damaged, readYard } from '../yard/file.ts';
import { planYard, reopenYard, type YardWishes } from './create.ts';

/** Throws what would stop a launch in `dir` with these wishes, before anything is made there or said to begin. */
export function checkLaunch(given: string, programPath: string, wishes: YardWishes): void {
  if (given === '') throw misuse('a yard needs a directory, and its name is empty', 'As in: --data five');
  const dir = resolve(given);
  const blocked = fileOnTheWay(dir);
  if (blocked !== undefined)
    throw misuse(`${blocked} is a file, so no yard can live in ${dir}`, 'Choose another place: --data DIR');
  refuseOwned(dir);
  if (!existsSync(join(dir, 'yard.json'))) {
    planYard(programPath, wishes);
    return;
  }
  const old = readYard(dir);
  if (!old.ok) throw damaged(old.error);
  reopenYard(old.value, wishes);
}

/** The nearest part of a path that is there decides whether the rest can be made. */
function fileOnTheWay(dir: string): string | undefined {
  for (let path = dir; ; path = dirname(path)) {
    const found = look(path);
    if (found !== undefined) return found.isDirectory() ? undefined : path;
    if (path === dirname(path)) return undefined;
  }
}

/** Below a file there is nothing to look at, which some systems call an error. */
function look(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
