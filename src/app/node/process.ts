import { existsSync } from 'node:fs';
import { keepFilesPrivate } from '../../host/directories.ts';
import { newForest } from '../../observe/state/forest.ts';
import { narrate } from '../../observe/state/narrate.ts';
import { printable } from '../../util/printable.ts';
import { checkOptions, loadParams, type NodeProcessOptions, payoutScript } from './options.ts';
import { reportProblem } from './problem.ts';
import { type RunningNode, readyLine, startNode } from './running.ts';

// This file is what a node's processes load, one bundle: the other way to run nodes belongs to it.
export { runNodesProcess } from './nodes-process.ts';

/** As everywhere on the command line: wrong usage, and a file that is not there. */
const EXIT_USAGE = 2;
const EXIT_MISSING = 3;
const EXIT_FAILED = 1;
/** Two Ctrl-C: the first asks, the second insists. */
const EXIT_INTERRUPTED = 130;

/**
 * `forkyard node`: runs one node in the foreground until a signal, the `stop` method, or the end of stdin (where that was
 * asked for), and answers the exit code. A failure is one sentence on stderr.
 */
export async function runNodeProcess(options: NodeProcessOptions): Promise<number> {
  keepFilesPrivate();
  const checked = checkOptions(options);
  const params = checked.ok ? loadParams(options) : checked;
  if (!params.ok) {
    const { genesisFile } = options;
    const isMissing = checked.ok && genesisFile !== undefined && !existsSync(genesisFile);
    return refuse(params.error, isMissing ? EXIT_MISSING : EXIT_USAGE);
  }
  const payout = payoutScript(options, params.value);
  if (!payout.ok) return refuse(payout.error);

  const ending = new Ending();
  const release = listenForTheEnd(options, ending);
  // Nothing after a failed commit or a broken invariant may be trusted, closing included: the disk is the truth.
  const fatal = (error: unknown): void => {
    reportProblem(error, options.datadir);
    process.exit(EXIT_FAILED);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  try {
    const node = await startNode({
      options,
      params: params.value,
      payout: payout.value,
      requestStop: (why) => ending.ask(why),
      fatal,
    });
    announce(options, node);
    const why = await ending.asked;
    await node.close(why);
    return 0;
  } catch (error) {
    reportProblem(error, options.datadir);
    return EXIT_FAILED;
  } finally {
    release();
    process.off('uncaughtException', fatal);
    process.off('unhandledRejection', fatal);
  }
}

function refuse(sentence: string, code = EXIT_USAGE): number {
  process.stderr.write(`forkyard node: ${printable(sentence)}\n`);
  return code;
}

/** The first reason to stop counts. */
class Ending {
  readonly asked: Promise<string>;
  #resolve: (why: string) => void = () => undefined;
  #isAsked = false;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isAsked(): boolean {
    return this.#isAsked;
  }

  ask(why: string): void {
    this.#isAsked = true;
    this.#resolve(why);
  }
}

function listenForTheEnd(options: NodeProcessOptions, ending: Ending): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (ending.isAsked && signal === 'SIGINT') process.exit(EXIT_INTERRUPTED);
    ending.ask(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const onStdinEnd = () => ending.ask('standard input ended');
  if (options.exitWithStdin) {
    process.stdin.on('end', onStdinEnd);
    process.stdin.on('error', onStdinEnd);
    process.stdin.resume();
  }
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    process.stdin.off('end', onStdinEnd);
    process.stdin.off('error', onStdinEnd);
    if (options.exitWithStdin) process.stdin.pause();
  };
}

function announce(options: NodeProcessOptions, node: RunningNode): void {
  const { tip, params } = node.view.chain;
  if (options.json) {
    process.stdout.write(`${readyLine(options, node)}\n`);
    return;
  }
  const lines = [
    `forkyard node ${options.name} on ${params.label}: at height ${tip.height}, tip ${tip.id}`,
    `  RPC    ${node.rpc.url}   cookie ${node.rpc.cookieFile}`,
    ...node.network.addresses.map((address) => `  peers  ${address}`),
    `  data   ${options.datadir}`,
    '  Ctrl-C stops it.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  const forest = newForest();
  node.log.subscribe((event) => {
    forest.apply(event);
    const line = narrate(event, forest);
    if (line !== undefined) process.stdout.write(`${printable(line)}\n`);
  });
}
