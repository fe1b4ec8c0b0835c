// Other release lines of Node than the user's own, for tests.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, run } from './setup.mjs';

/** The program of the newest Node of a line, from npm's package `node`. It stays below node_modules until `npm ci`. */
export async function nodeOf(line) {
  const folder = join(root, 'node_modules', '.nodes', line);
  const program = join(folder, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const { code, output } = await run('npm', [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    `node@${line}`,
  ]);
  if (code !== 0) {
    process.stderr.write(output);
    fail(`npm could not install Node ${line} (above is what it said).`);
  }
  return program;
}
