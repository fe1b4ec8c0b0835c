import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Command } from 'commander';
import { defined } from '../../util/defined.ts';
import { printable, printableJson } from '../../util/printable.ts';
import { misuse, Problem } from '../../yard/problem.ts';
import type { DoctorRow } from '../doctor/checks.ts';
import type { DoctorReport } from '../doctor/doctor.ts';
import { jsonToAscii } from './ascii.ts';
import { addShared, ending, example, shared } from './common.ts';
import { folded } from './fit.ts';
import type { Out } from './out.ts';
import { nodeVerb } from './verb-node.ts';
import { replayVerb } from './verb-replay.ts';

/** `node`, `rpc`, `replay`, `doctor`: one node by hand, its RPC, its recording done again, and whether this machine is fit. */

export function nodeVerbs(): Command[] {
  return [rpcVerb(), nodeVerb(), replayVerb(), doctorVerb()];
}

/** As bitcoin-cli does: what is JSON is JSON, everything else is text. */
function argumentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Core's own text and JSON, as they are; only its help is for a person's eyes alone. */
function answerText(out: Out, method: string, answer: unknown): string {
  if (typeof answer === 'string')
    return method === 'help' ? folded(out.plain(answer), out.columns) : printable(answer);
  const json = JSON.stringify(answer, null, out.json ? 0 : 2);
  return out.ascii ? jsonToAscii(json) : printableJson(json);
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
        // Everything behind the method is for the node; no argument of a method looks like an option of ours.
        const late = args.find((a) => /^(--[a-z]|-[Nqh]$)/.test(a));
        if (late !== undefined)
          throw misuse(
            `${late} must stand before the method: what follows it goes to the node`,
            'As in: forkyard rpc -N B getchaintips',
          );
        const [{ YardClient }, { rpcCall, RpcFailure }] = await Promise.all([
          import('../../lab/client/client.ts'),
          import('../../host/http/client.ts'),
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
          process.stdout.write(`${answerText(s.out, call, answer)}\n`);
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
  return example(rpc, 'rpc', 'rpc -N B getchaintips', 'rpc getblockhash 8');
}

interface DoctorFlags {
  readonly deep?: boolean;
  readonly datadir?: string;
  readonly network?: string;
  readonly genesis?: string;
}

function doctorVerb(): Command {
  const doctor = addShared(new Command('doctor'))
    .description(
      'is this machine fit? clock, ports, disk, kernels, signatures, Node; with --deep: are the databases whole?',
    )
    .option('--deep', 'read every database of the yard and replay its chain; the nodes must not run')
    .option('--datadir <dir>', 'with --deep: the directory of one node alone')
    .option('--network <name>', "with --datadir: the node's network (default regtest)")
    .option('--genesis <file>', "with --datadir: the genesis.json of the node's yard")
    .action(async (flags: DoctorFlags, command: Command) => {
      const s = shared(command);
      const [{ renderRow, runDoctor }, { findYard, YARD_DIR }] = await Promise.all([
        import('../doctor/doctor.ts'),
        import('../../lab/yard/file.ts'),
      ]);
      const onRow = (row: DoctorRow): void => s.out.line(renderRow(row, s.out.ascii));
      if (flags.deep !== true && flags.datadir !== undefined)
        throw misuse('--datadir goes with --deep', 'As in: forkyard doctor --deep --datadir D');
      const report =
        flags.deep === true
          ? await deepReport(flags, s.yard, onRow)
          : await runDoctor({ dir: resolve(s.yard ?? findYard(process.cwd()) ?? YARD_DIR), onRow });
      s.out.object(report);
      if (!report.ok) ending.code = 1;
    });
  return example(doctor, 'doctor', 'doctor --deep', 'doctor --deep --datadir D --genesis genesis.json');
}

async function deepReport(
  flags: DoctorFlags,
  yardOption: string | undefined,
  onRow: (row: DoctorRow) => void,
): Promise<DoctorReport> {
  const { runDeepDoctor } = await import('../doctor/deep.ts');
  if (flags.datadir !== undefined) {
    const { loadParams } = await import('../node/options.ts');
    const params = loadParams({
      ...defined({ network: flags.network }),
      ...(flags.genesis === undefined ? {} : { genesisFile: resolve(flags.genesis) }),
    });
    if (!params.ok) throw misuse(params.error);
    const datadir = resolve(flags.datadir);
    if (!existsSync(datadir)) throw misuse(`--datadir: there is no folder ${flags.datadir}`);
    return await runDeepDoctor({
      nodes: [{ name: basename(datadir), datadir }],
      params: params.value,
      onRow,
    });
  }
  const [{ locateYard }, { readParams }] = await Promise.all([
    import('../../lab/yard/file.ts'),
    import('../../lab/launcher/create.ts'),
  ]);
  const { dir, yard } = locateYard(yardOption, process.cwd());
  const nodes = yard.nodes.map(({ letter }) => ({ name: letter, datadir: join(dir, letter) }));
  return await runDeepDoctor({ nodes, params: readParams(dir), onRow });
}
