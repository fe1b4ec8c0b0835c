import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../../yard/problem.ts';
import { packageRoot } from '../node/package.ts';

/** The program that node processes are started from: `dist/forkyard.js` of this package. */
export function findProgram(): string {
  const program = process.env['FORKYARD_PROGRAM'] ?? join(packageRoot(), 'dist', 'forkyard.js');
  if (existsSync(program)) return program;
  throw missing(`forkyard is not built: there is no ${program}`, 'Build it: npm run build');
}
