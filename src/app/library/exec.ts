import { spawn } from 'node:child_process';
import type { LogEvent } from '../../events/events.ts';
import { eventTime } from '../../host/driver/clock.ts';
import { formatMs } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import { blockName } from '../../yard/names.ts';
import { missing } from '../../yard/problem.ts';
import { type Yard, Yard as YardClass, type YardOptions } from './yard.ts';

/** `forkyard exec -n 3 -- COMMAND`: a yard for as long as a command of any language runs. */

export interface ExecOptions {
  readonly yard: YardOptions;
  readonly command: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

export interface Lived {
  /** Of the command: its own, or 128 + the signal that ended it. */
  readonly code: number;
  /** Heights with two blocks or more. */
  readonly forks: number;
  readonly reorgs: number;
  readonly deepest: number;
  /** Payments that were in a block and then in none on some node. */
  readonly undone: number;
  /** The newest reorg before the command ended, and how long before. */
  readonly last?: { readonly words: string; readonly msBefore: number };
}

/** Counts what the command lived through. */
class Survival {
  readonly #heights = new Map<number, Set<string>>();
  readonly #undone = new Set<string>();
  reorgs = 0;
  deepest = 0;
  last: Extract<LogEvent, { kind: 'reorg' }> | undefined;

  apply(event: LogEvent): void {
    if (event.kind === 'block') {
      const ids = this.#heights.get(event.height) ?? new Set();
      this.#heights.set(event.height, ids.add(event.id));
    }
    if (event.kind === 'tx-returned' || event.kind === 'tx-lost') this.#undone.add(event.txid);
    if (event.kind !== 'reorg') return;
    this.last = event;
    this.reorgs++;
    this.deepest = Math.max(this.deepest, event.depth);
  }

  get forks(): number {
    return [...this.#heights.values()].filter((ids) => ids.size > 1).length;
  }

  get undone(): number {
    return this.#undone.size;
  }
}

/** URLs and credentials, for the whole yard and by node. */
function environmentOf(yard: Yard): Record<string, string> {
  const [first] = yard.nodes;
  const env: Record<string, string> = {
    FORKYARD_DIR: yard.dir,
    FORKYARD_NODES: yard.nodes.map((node) => node.letter).join(','),
    FORKYARD_URLS: yard.nodes.map((node) => node.url).join(','),
  };
  const put = (suffix: string, node: (typeof yard.nodes)[number]) => {
    const { user, password } = node.credentials;
    env[`FORKYARD_URL${suffix}`] = node.url;
    env[`FORKYARD_USER${suffix}`] = user;
    env[`FORKYARD_PASSWORD${suffix}`] = password;
    env[`FORKYARD_COOKIE${suffix}`] = node.cookieFile;
  };
  if (first !== undefined) put('', first);
  for (const node of yard.nodes) put(`_${node.letter}`, node);
  return env;
}

export async function runExec(options: ExecOptions): Promise<Lived> {
  await using yard = await YardClass.launch(options.yard);
  const survival = new Survival();
  const events = yard.events();
  const counting = (async () => {
    for await (const event of events) survival.apply(event);
  })();
  const code = await runCommand(options, environmentOf(yard));
  const ended = eventTime();
  // What the nodes told last is on its way for a moment yet.
  await new Promise((done) => setTimeout(done, 120));
  await events.return?.();
  await counting;
  const { forks, reorgs, deepest, undone, last } = survival;
  const seen = { code, forks, reorgs, deepest, undone };
  if (last === undefined) return seen;
  return { ...seen, last: { words: reorgWords(last), msBefore: Math.max(0, ended - last.t) } };
}

/** `C out 9C 8D, fork 7B, in 8A 9B 10A`. */
function reorgWords(reorg: Extract<LogEvent, { kind: 'reorg' }>): string {
  const names = (refs: readonly { height: number; miner: string }[]) =>
    refs.map(blockName).join(' ') || 'nothing';
  return `${reorg.node} out ${names(reorg.out)}, fork ${blockName(reorg.fork)}, in ${names(reorg.in)}`;
}

function runCommand(options: ExecOptions, env: Record<string, string>): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(options.command, options.args, {
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    // Ctrl-C reaches the command from the terminal itself; anybody else's signal we hand on.
    const stop = () => child.kill('SIGTERM');
    options.signal.addEventListener('abort', stop, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        missing(
          `cannot run ${options.command}: ${error.code === 'ENOENT' ? 'there is no such command' : error.message}`,
        ),
      ),
    );
    child.once('close', (code, signal) => {
      options.signal.removeEventListener('abort', stop);
      done(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9));
    });
  });
}

/**
 * `your suite survived 3 forks and 14 reorgs, deepest 6, 9 payments undone`; of one that failed, the reorg that came last
 * before its end.
 */
export function describeSurvival(lived: Lived): string {
  const deepest = lived.reorgs === 0 ? '' : `, deepest ${lived.deepest}`;
  const what =
    `${plural(lived.forks, 'fork')} and ${plural(lived.reorgs, 'reorg')}${deepest}, ` +
    `${plural(lived.undone, 'payment')} undone`;
  if (lived.code === 0) return `your suite survived ${what}`;
  const last =
    lived.last === undefined
      ? ''
      : `\nthe last reorg, ${formatMs(lived.last.msBefore)} before its end: ${lived.last.words}`;
  return `your suite failed (exit ${lived.code}) in a yard with ${what}${last}`;
}
