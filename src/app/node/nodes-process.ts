import { createInterface } from 'node:readline';
import { keepFilesPrivate } from '../../host/directories.ts';
import { Crew } from '../../host/miner/thread-pool.ts';
import { createVerify, type HostVerify } from '../../host/verify/verify.ts';
import { checkOptions, loadParams, type NodeProcessOptions, payoutScript } from './options.ts';
import { describeProblem, reportProblem } from './problem.ts';
import { readyLine, startNode } from './running.ts';

const EXIT_USAGE = 2;
const EXIT_FAILED = 1;

/** Nodes of a yard share a launcher; more lines than it ever sends at once are not from it. */
const MAX_NODES = 64;

/**
 * Several nodes in one process, for launchers. Lines of JSON on standard input start and stop them (`{"start": [the
 * arguments of "forkyard node"]}`, `{"stop": name}`); on standard output each says when it is ready and when it has
 * ended (`{"ended": name, "code", "words"}`). Ends with standard input. What breaks one breaks the process: after a
 * failed commit nothing in it may be trusted.
 */
export async function runNodesProcess(
  parse: (args: readonly string[]) => NodeProcessOptions,
): Promise<number> {
  keepFilesPrivate();
  const nodes = new Map<string, Guest>();
  const lines = createInterface({ input: process.stdin });
  const stopAll = (why: string): void => {
    for (const node of nodes.values()) node.ask(why);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    stopAll(signal);
    lines.close();
  };
  const fatal = (error: unknown): void => {
    reportProblem(error, process.cwd());
    process.exit(EXIT_FAILED);
  };
  const shared: Shared = { signatures: createVerify(), crew: new Crew(), fatal };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);

  lines.on('line', (line) => {
    const order = orderIn(line);
    if (order?.stop !== undefined) nodes.get(order.stop)?.ask('asked by its launcher');
    if (order?.start === undefined || nodes.size >= MAX_NODES) return;
    const node = new Guest(parse(order.start), shared);
    nodes.set(node.name, node);
    node.run().then(() => nodes.delete(node.name), fatal);
  });
  await new Promise<void>((done) => lines.once('close', () => done()));
  stopAll('standard input ended');
  await Promise.all([...nodes.values()].map((node) => node.over));
  shared.signatures.close();
  return 0;
}

interface Order {
  readonly start?: readonly string[];
  readonly stop?: string;
}

function orderIn(line: string): Order | undefined {
  if (line.trim() === '') return undefined;
  return JSON.parse(line) as Order;
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What its nodes have in common. */
interface Shared {
  /** One cache and one set of libraries; no helpers, because the nodes have the cores among themselves. */
  readonly signatures: HostVerify;
  readonly crew: Crew;
  readonly fatal: (error: unknown) => void;
}

/** One of the nodes. */
class Guest {
  readonly name: string;
  readonly over: Promise<void>;
  readonly #options: NodeProcessOptions;
  readonly #shared: Shared;
  readonly #asked: Promise<string>;
  #ask: (why: string) => void = () => undefined;
  #ended: () => void = () => undefined;

  constructor(options: NodeProcessOptions, shared: Shared) {
    this.name = options.name;
    this.#options = options;
    this.#shared = shared;
    this.#asked = new Promise((done) => {
      this.#ask = done;
    });
    this.over = new Promise((done) => {
      this.#ended = done;
    });
  }

  /** The first reason to stop counts. */
  ask(why: string): void {
    this.#ask(why);
  }

  async run(): Promise<void> {
    const [code, words] = await this.#live();
    tell({ ended: this.name, code, words });
    this.#ended();
  }

  /** Exit code and last words, as a process of its own would have them. */
  async #live(): Promise<readonly [number, string]> {
    const options = this.#options;
    const checked = checkOptions(options);
    const params = checked.ok ? loadParams(options) : checked;
    if (!params.ok) return [EXIT_USAGE, params.error];
    const payout = payoutScript(options, params.value);
    if (!payout.ok) return [EXIT_USAGE, payout.error];
    try {
      const node = await startNode({
        options,
        params: params.value,
        payout: payout.value,
        ...this.#shared,
        requestStop: (why) => this.ask(why),
      });
      process.stdout.write(`${readyLine(options, node)}\n`);
      await node.close(await this.#asked);
      return [0, ''];
    } catch (error) {
      return [EXIT_FAILED, describeProblem(error, options.datadir).replaceAll('\n', ' ')];
    }
  }
}
