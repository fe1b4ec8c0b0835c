import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseCount, parseDuration, parseRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { must, Problem } from '../../yard/problem.ts';
import { NODE_DEFAULTS, type NodeProcessOptions } from '../node/options.ts';
import { packageVersion } from '../node/package.ts';

/** What one node is told on a command line: its own, or that of one among several in a process. */

export interface NodeFlags {
  readonly network?: string;
  readonly genesis?: string;
  readonly datadir: string;
  readonly name?: string;
  readonly rpcport?: string;
  readonly listen?: string[];
  readonly connect?: string[];
  readonly hashrate?: string;
  readonly threads?: string;
  readonly kernel?: string;
  readonly delay?: string;
  readonly gossip?: boolean;
  readonly mine?: boolean;
  readonly payout?: string;
  readonly json?: boolean;
  readonly exitWithStdin?: boolean;
  readonly record?: string;
}

function threadsOf(text: string): number {
  if (text === '0')
    throw new Problem(
      2,
      '--threads 0 would mine nothing: give 1 or more',
      'For a node that does not mine, leave out --mine.',
    );
  return must(parseCount(text, 'threads', 1, 256), '--threads');
}

export function addNodeFlags(command: Command): Command {
  return command
    .option('--network <name>', 'a network with a fixed genesis (default regtest)')
    .option('--genesis <file>', "a yard's genesis.json, to join it")
    .requiredOption('--datadir <dir>', 'where it keeps everything')
    .option('--name <name>', 'what it calls itself; tags its blocks (default node)')
    .option('--rpcport <port>', 'JSON-RPC on 127.0.0.1 (default 18443; 0 = any free)')
    .option('--listen <multiaddr...>', 'where peers reach it (default /ip4/127.0.0.1/tcp/0)')
    .option('--connect <multiaddr...>', 'peers to keep connected to')
    .option('--hashrate <rate>', 'cap, such as 50kH/s (default none)')
    .option('--threads <count>', 'mining threads (default 1)')
    .option('--kernel <name>', 'hash kernel (default: the fastest that works)')
    .option('--delay <duration>', 'one-way delay of all that it sends (default none)')
    .option('--no-gossip', 'a fault: neither gossip out nor in; blocks travel by sync alone')
    .option('--mine', 'mine from the start; needs --payout')
    .option('--payout <address>', 'whom its blocks pay')
    .option('--record <file>', 'record every step in a new file, for forkyard replay (up to 512 MB)');
}

export function nodeOptionsOf(o: NodeFlags): NodeProcessOptions {
  return {
    ...defined({ network: o.network }),
    ...(o.genesis === undefined ? {} : { genesisFile: resolve(o.genesis) }),
    ...(o.record === undefined ? {} : { record: resolve(o.record) }),
    ...defined({ payout: o.payout }),
    // '' would resolve to the current directory; it is refused further down.
    datadir: o.datadir === '' ? '' : resolve(o.datadir),
    name: o.name ?? NODE_DEFAULTS.name,
    rpcPort:
      o.rpcport === undefined
        ? NODE_DEFAULTS.rpcPort
        : must(parseCount(o.rpcport, 'a port', 0, 65_535), '--rpcport'),
    listen: o.listen ?? [...NODE_DEFAULTS.listen],
    connect: o.connect ?? [],
    hashrate: o.hashrate === undefined ? 0 : must(parseRate(o.hashrate), '--hashrate'),
    threads: o.threads === undefined ? NODE_DEFAULTS.threads : threadsOf(o.threads),
    kernel: o.kernel ?? NODE_DEFAULTS.kernel,
    delayMs: o.delay === undefined ? 0 : must(parseDuration(o.delay), '--delay'),
    gossip: o.gossip !== false,
    mine: o.mine === true,
    json: o.json === true,
    exitWithStdin: o.exitWithStdin === true,
    version: packageVersion(),
  };
}

/** The options of one node from its own list of arguments. Throws what commander or we find wrong. */
export function parseNodeArguments(args: readonly string[]): NodeProcessOptions {
  const command = addNodeFlags(new Command('node')).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  return nodeOptionsOf(command.parse([...args], { from: 'user' }).opts<NodeFlags>());
}
