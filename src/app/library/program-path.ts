import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from '../../lab/problem.ts';

/** The program that node processes are started from: `dist/forkyard.js`, seen from the built library or from the sources. */
export function findProgram(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const given = process.env['FORKYARD_PROGRAM'];
  const places = [
    ...(given === undefined ? [] : [given]),
    join(here, 'forkyard.js'),
    join(here, '..', 'forkyard.js'),
    join(here, '..', '..', 'dist', 'forkyard.js'),
  ];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw missing(`forkyard is not built: there is no ${places.at(-1)}`, 'Build it: npm run build');
}
