import { resolve } from 'node:path';
import { Command } from 'commander';
import { Problem } from '../../lab/problem.ts';
import { parseCount, parseDuration, parseRate } from '../../observe/units.ts';
import { addShared, ending, example, shared } from './common.ts';

/** `node`, `rpc`, `doctor`: one node by hand, its RPC, and whether this machine is fit. */

export function nodeVerbs(): Command[] {
  return [rpcVerb(), nodeVerb(), doctorVerb()];
}

/** As bitcoin-cli does: what is JSON is JSON, everything else is text. */
function argumentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function rpcVerb(): Command {
  const rpc = addShared(new Command('rpc'))
    .description("one call to a node's JSON-RPC (Bitcoin Core's methods and results); alone it lists them")
    .option('-N, --node <node>', 'which node (default A)')
    .argument('[method]', 'such as getchaintips')
    .argument('[args...]', 'as JSON, or as plain text')
    .passThroughOptions()
    .action(
      async (method: string | undefined, args: string[], options: { node?: string }, command: Command) => {
        const s = shared(command);
        const [{ YardClient }, { rpcCall, RpcFailure }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../../host/rpc-client.ts'),
        ]);
        const client = YardClient.open(s.yard, process.cwd());
        const node =
          options.node === undefined ? client.node((await client.up())[0]!) : client.node(options.node);
        client.mustBeAwake(node.letter);
        const timeoutMs = s.timeoutMs ?? 0;
        try {
          // Ids of all digits are text for the node, whatever JSON thinks of them.
          const params = args.map((a) => (/^\d{16,}$/.test(a) ? a : argumentOf(a)));
          const call = method === undefined ? 'help' : method;
          const answer = await rpcCall(client.url(node), client.auth(node), call, params as never, {
            timeoutMs,
            signal: s.signal,
          });
          const text = typeof answer === 'string' ? answer : JSON.stringify(answer, null, s.out.json ? 0 : 2);
          process.stdout.write(`${text}\n`);
        } catch (error) {
          if (s.signal.aborted) {
            ending.code = 130;
            return;
          }
          if (!(error instanceof RpcFailure)) throw error;
          if (error.kind === 'rpc')
            throw new Problem(1, `${node.letter} answers error ${error.code}: ${error.message}`);
          throw new Problem(
            3,
            `node ${node.letter}: ${error.message}`,
            `Start it: forkyard start ${node.letter}`,
          );
        }
      },
    );
  return example(rpc, 'rpc', 'rpc -N B getchaintips', 'rpc getblock 4f1c…2e 2');
}

interface NodeOptions {
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
}

function must<T>(result: { ok: true; value: T } | { ok: false; error: string }, option: string): T {
  if (result.ok) return result.value;
  throw new Problem(2, `${option}: ${result.error}`);
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

function nodeVerb(): Command {
  const node = new Command('node')
    .description('one node by hand, in the foreground')
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
    .option('--json', 'one JSON line when ready, instead of sentences')
    .option('--exit-with-stdin', 'stop when standard input ends')
    .action(async (o: NodeOptions) => {
      const { runNodeProcess } = await import('../node-process.ts');
      const { NODE_DEFAULTS } = await import('../node-options.ts');
      const { packageVersion } = await import('../node-package.ts');
      ending.code = await runNodeProcess({
        ...(o.network === undefined ? {} : { network: o.network }),
        ...(o.genesis === undefined ? {} : { genesisFile: resolve(o.genesis) }),
        ...(o.payout === undefined ? {} : { payout: o.payout }),
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
      });
    });
  return example(
    node,
    'node --network regtest --datadir D --rpcport 18543 --listen /ip4/127.0.0.1/tcp/18643',
  );
}

function doctorVerb(): Command {
  const doctor = addShared(new Command('doctor'))
    .description('is this machine fit? clock, ports, disk, kernels, signatures, Node')
    .action(async (_options: object, command: Command) => {
      const s = shared(command);
      const [{ renderRow, runDoctor }, { findYard, YARD_DIR }] = await Promise.all([
        import('../doctor.ts'),
        import('../../lab/yard-file.ts'),
      ]);
      const report = await runDoctor({
        dir: resolve(s.yard ?? findYard(process.cwd()) ?? YARD_DIR),
        onRow: (row) => s.out.line(renderRow(row, s.out.ascii)),
      });
      s.out.object(report);
      if (!report.ok) ending.code = 1;
    });
  return example(doctor, 'doctor');
}
