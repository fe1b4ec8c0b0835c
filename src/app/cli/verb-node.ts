import { Command } from 'commander';
import { ending, example } from './common.ts';
import { addNodeFlags, type NodeFlags, nodeOptionsOf, parseNodeArguments } from './node-flags.ts';

export function nodeVerb(): Command {
  const node = addNodeFlags(new Command('node'))
    .description('one node by hand, in the foreground')
    .option('--json', 'one JSON line when ready, instead of sentences')
    .option('--exit-with-stdin', 'stop when standard input ends')
    .action(async (flags: NodeFlags) => {
      const { runNodeProcess } = await import('../node/process.ts');
      ending.code = await runNodeProcess(nodeOptionsOf(flags));
    });
  return example(node, 'node --datadir D --rpcport 18543 --listen /ip4/127.0.0.1/tcp/18643');
}

/** How `up --per-process` runs several nodes; nobody types it: not in the help. */
export function nodesVerb(): Command {
  const nodes = new Command('nodes')
    .description('several nodes in one process, told on standard input by lines of JSON')
    .action(async () => {
      const { runNodesProcess } = await import('../node/process.ts');
      ending.code = await runNodesProcess(parseNodeArguments);
    });
  return example(nodes, 'nodes');
}
