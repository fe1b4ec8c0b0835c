import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failed } from '../../yard/problem.ts';
import { packageRoot } from '../node/package.ts';

/** The page as it was built: three small files, kept in memory. */
export interface PageFiles {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

export function readPageFiles(script: 'page.js' | 'simulator.js' = 'page.js'): PageFiles {
  const dir = join(packageRoot(), 'dist', 'page');
  if (!existsSync(join(dir, script))) {
    throw failed('the page is not built', 'In a checkout: npm run build');
  }
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');
  return { html: read('index.html'), script: read(script), style: read('style.css') };
}
