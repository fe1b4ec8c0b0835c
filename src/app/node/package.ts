import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The package's own directory: the nearest one upward that holds package.json and genesis.json. This file runs from src and
 * inside each bundle, in dist and in dist/worker, so no fixed number of steps up would do.
 */
export function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'genesis.json'))) return dir;
    const up = dirname(dir);
    if (up === dir) throw new Error('forkyard is installed incompletely: its genesis.json is missing');
    dir = up;
  }
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
