import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { missing, misuse } from '../../yard/problem.ts';

/** Where results go, looked at before the work begins: a slip in a path should not cost the run. */

/** A folder, made if it is not there. */
export function folderFor(option: string, dir: string): string {
  const folder = resolve(dir);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw misuse(
      `${option}: cannot make the folder ${dir}: ${isFile ? 'a file is there' : (error as Error).message}`,
    );
  }
  return folder;
}

/** A file whose folder is there. */
export function fileFor(option: string, file: string): string {
  const path = resolve(file);
  if (!existsSync(dirname(path))) throw missing(`${option}: there is no folder ${dirname(path)}`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw misuse(`${option}: ${file} is a folder`);
  return path;
}
