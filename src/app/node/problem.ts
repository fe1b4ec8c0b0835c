import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreMismatch } from '../../consensus/chain/opening.ts';
import { StoreDamage } from '../../consensus/store/damage.ts';
import { PortError } from '../../host/http/server.ts';
import { CommitError, StoreError } from '../../host/store/store.ts';
import { printable, quoted } from '../../util/printable.ts';

/** A problem as a sentence of its own, for whoever does not know the directory that it happened in. */
export class NodeProblem extends Error {
  override readonly name = 'NodeProblem';
}

/** What went wrong, where, and what next, in a sentence or two for the person who runs the node. */
export function describeProblem(error: unknown, datadir: string): string {
  // Their makers wrote sentences already.
  if (
    error instanceof NodeProblem ||
    error instanceof PortError ||
    error instanceof StoreError ||
    error instanceof CommitError
  )
    return error.message;
  if (error instanceof StoreMismatch) return mismatch(error, datadir);
  if (error instanceof StoreDamage) return damaged(error, datadir);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return `the disk of ${datadir} is full. Free some space and start again.`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `no permission to write in ${datadir}: ${message}`;
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return `${datadir} cannot be a directory: a file is in the way`;
  return `${message ?? String(error)}`;
}

function mismatch(error: StoreMismatch, datadir: string): string {
  return `${datadir}: ${error.message}. ${NEXT_STEP[error.kind]}`;
}

/** The chain can be had from the peers; identity, watched addresses and logs lie beside the database and stay. */
function damaged(error: StoreDamage, datadir: string): string {
  return `the database in ${join(datadir, 'db')} is damaged (${error.kind}): ${error.message}. ${getWell(datadir)}`;
}

/** What to do about a damaged database, with the command that does it. */
export function getWell(datadir: string): string {
  const from = join(datadir, 'db');
  let to = `${from}.damaged`;
  for (let n = 2; existsSync(to); n++) to = `${from}.damaged-${n}`;
  return (
    'Move the database away, then start the node as before: it keeps its identity and fetches the chain from its ' +
    `peers: mv ${quoted(from)} ${quoted(to)}`
  );
}

const NEXT_STEP: Record<StoreMismatch['kind'], string> = {
  network: 'Give another --datadir, or the --genesis that it was made with.',
  version: 'Update this program, or give another --datadir.',
};

/** The sentence goes to stderr; the stack only for those who ask for it. */
export function reportProblem(error: unknown, datadir: string): void {
  process.stderr.write(
    `forkyard node: ${printable(describeProblem(error, datadir).replaceAll('\n', ' '))}\n`,
  );
  if (process.env['FORKYARD_DEBUG'] === '1' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
}
