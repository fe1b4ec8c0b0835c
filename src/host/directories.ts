import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory and what is missing above it, one by one: Node's own `recursive` never returns where the file
 * system answers "no such file" although the parent exists (seen below /proc, Node 20).
 * @throws the system's error of the first directory that cannot be made.
 */
export function makeDirectory(path: string, mode = 0o700): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  for (const directory of missing.reverse()) {
    try {
      mkdirSync(directory, { mode });
    } catch (error) {
      // Somebody else may have made it meanwhile: the nodes of a yard start together. A file is in the way for good.
      if (!isDirectory(directory)) throw error;
    }
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * From now on only the owner can read what this process creates, LevelDB's files included: those get no mode of their own.
 * For a process that runs nodes and nothing else.
 */
export function keepFilesPrivate(): void {
  process.umask(0o077);
}
