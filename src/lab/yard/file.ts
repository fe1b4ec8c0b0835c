import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { writeAtomically } from '../../host/files.ts';
import { quoted } from '../../util/printable.ts';
import { err, type Result } from '../../util/result.ts';
import { missing, type Problem } from '../../yard/problem.ts';
import { checkYard, type YardFile } from './check.ts';

/** The yard's own state on disk: `yard.json`, found upward from the working directory. */

export const YARD_DIR = '.forkyard';

export function writeYard(dir: string, yard: YardFile): void {
  writeAtomically(join(dir, 'yard.json'), `${JSON.stringify(yard, null, 2)}\n`);
}

export function readYard(dir: string): Result<YardFile, string> {
  const path = join(dir, 'yard.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return err(`cannot read ${path}: ${(error as Error).message}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err(`${path} is not JSON; it was damaged or edited by hand`);
  }
  const yard = checkYard(json);
  return yard.ok ? yard : err(`${path}: ${yard.error}`);
}

/** The nearest directory upward that holds a yard: `X/yard.json` or `X/.forkyard/yard.json`. */
export function findYard(from: string): string | undefined {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'yard.json'))) return dir;
    if (existsSync(join(dir, YARD_DIR, 'yard.json'))) return join(dir, YARD_DIR);
    if (dirname(dir) === dir) return undefined;
  }
}

/** What a command typed in `cwd` needs so that it means the yard in `dir`; '' where it is found anyway. */
export function yardOption(dir: string, cwd: string): string {
  if (findYard(cwd) === resolve(dir)) return '';
  return ` --yard ${quoted(pathFrom(cwd, dir))}`;
}

/** A path as a person in `cwd` would write it: `./…` below it, else from the root. */
export function pathFrom(cwd: string, path: string): string {
  const near = relative(cwd, path);
  return near.startsWith('..') || near.startsWith('/') ? resolve(path) : `./${near}`;
}

/** The yard that a command means: `--yard DIR`, or found upward. Exit 3 with a next step when there is none. */
export function locateYard(given: string | undefined, cwd: string): { dir: string; yard: YardFile } {
  const dir = given === undefined ? findYard(cwd) : findYardAt(resolve(cwd, given));
  if (dir === undefined) {
    throw missing(
      given === undefined ? 'no yard here or in any folder above' : `no yard in ${given}`,
      'Start one: forkyard up',
    );
  }
  const yard = readYard(dir);
  if (!yard.ok) throw damaged(yard.error);
  return { dir, yard: yard.value };
}

/** `--yard` may name the state directory or the folder that holds `.forkyard`. */
export function findYardAt(dir: string): string | undefined {
  return [dir, join(dir, YARD_DIR)].find((d) => existsSync(join(d, 'yard.json')));
}

export function damaged(sentence: string): Problem {
  return missing(sentence, 'Use another place (--data DIR), or remove this directory and start again.');
}
