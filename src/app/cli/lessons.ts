import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseScenario } from '../../lab/scenario/parse.ts';
import { describeFault, type Scenario } from '../../lab/scenario/scenario.ts';
import { didYouMean } from '../../yard/names.ts';
import { missing, Problem } from '../../yard/problem.ts';
import { packageRoot } from '../node/package.ts';

/** Scenario files: a user's own by path, the ones that ship by name. */

function lessonsDir(): string {
  const dir = join(packageRoot(), 'scenarios');
  if (existsSync(dir)) return dir;
  throw missing(`the lessons are missing: there is no ${dir}`);
}

export interface Lesson {
  readonly name: string;
  readonly title: string;
  readonly file: string;
}

export function shippedLessons(): Lesson[] {
  const dir = lessonsDir();
  return readdirSync(dir)
    .filter((name) => name.endsWith('.yaml'))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const file = join(dir, name);
      const { title } = loadScenario(file, readFileSync(file, 'utf8'));
      return { name: name.slice(0, -'.yaml'.length), title, file };
    });
}

/** A path, or the name of a lesson with or without its ending. */
export function findLesson(given: string): string {
  const path = resolve(given);
  if (existsSync(path)) return path;
  const dir = lessonsDir();
  const shipped = join(dir, given.endsWith('.yaml') ? given : `${given}.yaml`);
  if (!/[/\\]/.test(given) && existsSync(shipped)) return shipped;
  const known = readdirSync(dir).map((name) => name.replace(/\.yaml$/, ''));
  throw missing(`there is no file ${given}, and no lesson of that name`, didYouMean(given, known));
}

/** The scenario, or every fault of the file, each with its line and field: exit 2. */
export function loadScenario(file: string, text: string): Scenario {
  const parsed = parseScenario(text);
  if ('scenario' in parsed) return parsed.scenario;
  const [first, ...rest] = parsed.faults.map((fault) => describeFault(file, fault));
  throw new Problem(2, first ?? `${file} is empty`, rest.length === 0 ? undefined : rest.join('\n'));
}
