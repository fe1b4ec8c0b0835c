import { writeSync } from 'node:fs';
import type { LogEvent } from '../../events/events.ts';
import type { YardClient } from '../../lab/client/client.ts';
import { readForest } from '../../lab/client/find.ts';
import { ownerOf } from '../../lab/yard/claim.ts';
import type { YardLog } from '../../lab/yard/log.ts';
import { runTui, type TuiOptions } from './tui.ts';

/** The view over a yard of this process (`up`) or of another one (`watch`). */

/** Heights that the tree begins with; more are only scrolled to. */
const HEIGHTS = 300;

export interface Look {
  readonly ascii: boolean;
  readonly signal: AbortSignal;
}

/** How it ended: by `q`, by Ctrl-C, or from outside. */
export type Ended = 'quit' | 'interrupt' | 'ended';

/**
 * Is there a terminal at both ends that can address its cells? `TERM=dumb` cannot, and gets the lines of the log.
 */
export function hasScreen(options: { readonly json: boolean; readonly quiet: boolean }): boolean {
  const { stdin, stdout, env } = process;
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  return isTerminal && env['TERM'] !== 'dumb' && !options.json && !options.quiet;
}

function terminal(): Pick<TuiOptions, 'stdin' | 'stdout' | 'writeNow'> {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    writeNow: (bytes) => {
      writeSync(1, bytes);
    },
  };
}

/** `notes` passes on what the launcher has to say to a person, so that it does not write over the screen. */
export async function showOwn(
  client: YardClient,
  log: YardLog,
  look: Look,
  notes: (listener: (line: string) => void) => void,
): Promise<Ended> {
  const forest = await readForest(client, HEIGHTS);
  return runTui({
    ...{ client, forest, ...terminal(), ...look },
    owner: true,
    past: log.since(0),
    follow: (onEvent) => log.subscribe(onEvent),
    onNotes: notes,
  });
}

/** Ends by itself when the yard does. */
export async function showOther(client: YardClient, look: Look): Promise<Ended> {
  const forest = await readForest(client, HEIGHTS);
  const past = await pastOf(client);
  const gone = new AbortController();
  const watch = setInterval(() => {
    if (ownerOf(client.dir) === undefined) gone.abort();
  }, 500);
  try {
    return await runTui({
      ...{ client, forest, past, ...terminal() },
      owner: false,
      ascii: look.ascii,
      signal: AbortSignal.any([look.signal, gone.signal]),
      follow: (onEvent, onState) => {
        const follower = client.follow(onEvent, past.at(-1)?.seq ?? 0, onState);
        return () => follower.close();
      },
    });
  } finally {
    clearInterval(watch);
  }
}

/** What the launcher still has in memory. */
async function pastOf(client: YardClient): Promise<LogEvent[]> {
  const found: LogEvent[] = [];
  for (let after = 0; ; after = found.at(-1)!.seq) {
    const batch = await client.events(after);
    if (batch.length === 0) return found;
    found.push(...batch);
  }
}
