import { relative, resolve } from 'node:path';
import { formatAmount } from '../../bitcoin/amount.ts';
import { WELL_KNOWN } from '../../consensus/params/genesis.ts';
import { genesisCoins } from '../../consensus/params/params.ts';
import { followLog } from '../../lab/client/live.ts';
import type { YardWishes } from '../../lab/launcher/create.ts';
import { launch, type RunningYard } from '../../lab/launcher/launch.ts';
import { checkLaunch } from '../../lab/launcher/launch-check.ts';
import type { YardFile } from '../../lab/yard/check.ts';
import { findYard, YARD_DIR, yardOption } from '../../lab/yard/file.ts';
import { allKeys } from '../../lab/yard/keyring.ts';
import { formatDuration, formatMs, formatRate } from '../../observe/words/units.ts';
import { linkCount, MOST_FOR_FULL, wantedPairs } from '../../util/topology.ts';
import { listLetters } from '../../yard/names.ts';
import { startPage } from '../page/server.ts';
import { type Ended, hasScreen, showOwn } from '../tui/open.ts';
import { meanYard, type Shared } from './common.ts';
import type { Out } from './out.ts';

export interface UpOptions {
  readonly programPath: string;
  readonly data: string | undefined;
  readonly wishes: YardWishes;
  /** Every node records its steps. */
  readonly record: boolean;
  /** Lines of the log even where there is a terminal. */
  readonly log: boolean;
}

/**
 * Starts a yard, says where everything is, shows it full-screen (or one line an event where there is no terminal), and
 * ends with `q`, Ctrl-C or `down`.
 */
export async function runUp(s: Shared, options: UpOptions): Promise<number> {
  const { out } = s;
  const dir = options.data ?? s.yard ?? findYard(process.cwd()) ?? YARD_DIR;
  const ending = listenForEnd(s.signal);
  // While the view has the screen, lines for a person go into its log.
  let note = (line: string) => out.error(line);
  // A refusal's next steps mean this yard, too.
  meanYard(dir);
  checkLaunch(dir, options.programPath, options.wishes);
  out.step(out.style('dim', `Starting in ${resolve(dir)} …`));
  const yard = await launch({
    dir,
    programPath: options.programPath,
    wishes: options.wishes,
    record: options.record,
    say: (line) => note(line),
    page: (launcher) => startPage({ launcher, bug: (what, error) => note(bugLine(what, error)) }),
    signal: ending.starting,
  });
  meanYard(yard.client.dir);
  describe(out, yard);
  const isShown = !options.log && hasScreen(out);
  if (out.json) yard.launcher.log.subscribe((event) => out.object(event));
  else if (!isShown) followLog(yard.launcher.log, (line) => out.step(line));
  const hiding = new AbortController();
  const shown = !isShown
    ? undefined
    : showOwn(yard.client, yard.launcher.log, { ascii: out.ascii, signal: hiding.signal }, (listener) => {
        note = listener;
      });
  const endedBy = await ending.wait(yard.downAsked, shown);
  hiding.abort();
  const failure = await shown?.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  note = (line) => out.error(line);
  out.step('stopping …');
  const stopping = performance.now();
  await yard.close();
  out.line(
    `stopped ${yard.client.yard.nodes.length} nodes in ${formatMs(performance.now() - stopping)}; going on: forkyard up${yardOption(yard.client.dir, process.cwd())}`,
  );
  if (failure !== undefined) throw failure.error;
  return endedBy === 'interrupt' ? 130 : 0;
}

type EndedBy = 'interrupt' | 'down' | 'quit' | undefined;

interface Ending {
  /** Aborted by Ctrl-C or a signal until `wait` is called. */
  readonly starting: AbortSignal;
  /** Waits for `down`, Ctrl-C, a signal or the end of the view. */
  wait(downAsked: Promise<void>, shown: Promise<Ended> | undefined): Promise<EndedBy>;
}

function listenForEnd(signal: AbortSignal): Ending {
  const began = new AbortController();
  signal.addEventListener('abort', () => began.abort());
  const onTerm = () => began.abort();
  process.once('SIGTERM', onTerm);
  process.once('SIGHUP', onTerm);
  return {
    starting: began.signal,
    async wait(downAsked, shown) {
      let endedBy: EndedBy;
      await Promise.race([
        downAsked.then(() => {
          endedBy ??= 'down';
        }),
        // A view that fails ends the yard too, and its error is told when the nodes have stopped.
        ...(shown === undefined
          ? []
          : [
              shown.then(
                (how) => {
                  if (how !== 'ended') endedBy ??= how;
                },
                () => undefined,
              ),
            ]),
        new Promise<void>((done) => {
          const stop = (by: 'interrupt' | 'down') => {
            endedBy ??= by;
            done();
          };
          if (signal.aborted) stop('interrupt');
          signal.addEventListener('abort', () => stop('interrupt'), { once: true });
          for (const name of ['SIGTERM', 'SIGHUP'] as const) {
            process.off(name, onTerm);
            process.once(name, () => stop('down'));
          }
        }),
      ]);
      return endedBy;
    },
  };
}

function bugLine(what: string, error: unknown): string {
  return `page bug in ${what}: ${(error as Error).stack ?? String(error)}`;
}

/** What is not as in a small yard: links that not all have with all, processes that several share. */
function shapeLines({ nodes, topology = 'full', perProcess = 1 }: YardFile): string[] {
  const lines: string[] = [];
  const letters = nodes.map((n) => n.letter);
  if (topology !== 'full' && letters.length > 2) {
    const pairs = wantedPairs(letters, topology);
    const each = letters.map((letter) => linkCount(pairs, letter));
    const how =
      topology === 'line'
        ? 'a line, so blocks pass from neighbour to neighbour'
        : 'a random net, not all with all';
    lines.push(`LINKS ${how}: ${pairs.length} links, ${Math.min(...each)} to ${Math.max(...each)} a node`);
  }
  if (perProcess > 1 && letters.length > 1)
    lines.push(`PROCESSES ${perProcess} nodes share one, so none can be killed (-9) or frozen alone`);
  else if (letters.length > MOST_FOR_FULL)
    lines.push(
      `PROCESSES one for each node; lighter: forkyard up --per-process ${Math.ceil(letters.length / 2)}`,
    );
  return lines.length === 0 ? [] : [...lines, ''];
}

/** What a person needs next: where nodes answer, whose keys hold coins, what to try. */
function describe(out: Out, running: RunningYard): void {
  const { client, launcher } = running;
  const { yard } = client;
  const { params } = launcher;
  const miners = yard.nodes.filter((n) => n.miner);
  const pace = yard.spacingMs === 0 ? '' : ` · pace ${formatDuration(yard.spacingMs)}`;
  const delay = yard.delayMs === 0 ? '' : ` · delay ${formatDuration(yard.delayMs)}`;
  const profile = (yard.conditions?.profile ?? '') === '' ? '' : ` · profile ${yard.conditions?.profile}`;
  const state = running.reopened ? 'goes on' : 'new';
  out.line(
    out.style('bold', `forkyard ${yard.label}`) +
      ` (${state}) · ${yard.nodes.length} nodes, up and linked in ${formatMs(running.startMs)}${pace}${delay}${profile}`,
  );
  out.line();
  const here = (dir: string) => relative(process.cwd(), resolve(client.dir, dir)) || '.';
  const rows = yard.nodes.map((n) => [
    n.letter,
    client.url(n),
    n.address.replace(/\/p2p\/.*/, ''),
    n.miner ? formatRate(n.hashrate) : 'does not mine',
    here(n.dir),
  ]);
  out.table([['NODE', 'RPC', 'PEER ADDRESS', 'MINES', 'DATA'], ...rows]);
  out.line();
  for (const line of shapeLines(yard)) out.line(line);
  if (running.page !== undefined) {
    out.line(`PAGE  ${running.page}`);
    out.line();
  }
  out.line(`KEYS  ten test keys, the same on every yard (worthless); secrets: forkyard keys`);
  const coins = formatAmount(genesisCoins(params) / WELL_KNOWN.length);
  const people = allKeys(client.dir, params).filter((k) => k.kind === 'well-known');
  out.table(people.map((k) => [`  ${k.name}`, k.address]));
  if (params.genesisSpendable) out.line(`  each has ${coins} coins from the genesis block`);
  out.line();
  if (miners.length === 0) out.line('Nobody mines until you say so: forkyard mine -N A --blocks 3');
  const half = Math.ceil(yard.nodes.length / 2);
  const letters = yard.nodes.map((n) => n.letter);
  const groups = `${letters.slice(0, half).join('')}/${letters.slice(half).join('')}`;
  out.line('Try, in a second terminal (Ctrl-C here ends the yard):');
  const hints =
    letters.length < 2
      ? [['status', 'what it knows']]
      : [
          ['status', `do ${listLetters(letters)} agree?`],
          params.genesisSpendable
            ? ['send alice bob 1.5', 'a signed payment']
            : [
                `mine -N A --blocks ${params.maturity + 1}`,
                'until the first reward can be spent: then send miner-a bob 1.5',
              ],
          [`partition ${groups}`, 'cut it, watch two branches grow; then: heal'],
          ['reorg --depth 3', 'undo three blocks, for real'],
        ];
  const where = yardOption(client.dir, process.cwd());
  out.table(hints.map(([verb, what]) => [`  forkyard ${verb}${where}`, what!]));
  out.line();
  out.object({ yard: client.yard, dir: client.dir, reopened: running.reopened, startMs: running.startMs });
}
