import { StoreMismatch } from '../consensus/opening.ts';
import { PortError } from '../host/http.ts';
import { CommitError, StoreError } from '../host/store.ts';

/** What went wrong, where, and what next, in a sentence or two for the person who runs the node. */
export function describeProblem(error: unknown, datadir: string): string {
  // Their makers wrote sentences already.
  if (error instanceof PortError || error instanceof StoreError || error instanceof CommitError) return error.message;
  if (error instanceof StoreMismatch) return mismatch(error, datadir);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return `the disk of ${datadir} is full. Free some space and start again.`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `no permission to write in ${datadir}: ${message}`;
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return `${datadir} cannot be a directory: a file is in the way`;
  return `${message ?? String(error)}`;
}

function mismatch(error: StoreMismatch, datadir: string): string {
  switch (error.kind) {
    case 'network':
      return `${datadir} belongs to another network: ${error.message}. Give another --datadir, or the --genesis that it was made with.`;
    case 'version':
      return `${datadir} was written by a newer version of Forkyard: ${error.message}. Update this program, or give another --datadir.`;
    case 'corrupt':
      return `${datadir} is damaged: ${error.message}. Move it away and start again: the node fetches the chain from its peers.`;
  }
}

/** The sentence goes to stderr; the stack only for those who ask for it. */
export function reportProblem(error: unknown, datadir: string): void {
  process.stderr.write(`forkyard node: ${describeProblem(error, datadir).replaceAll('\n', ' ')}\n`);
  if (process.env['FORKYARD_DEBUG'] === '1' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
}
