import { Command } from 'commander';
import { configure } from './configure.ts';
import { runLine } from './line.ts';
import { nodesVerb, nodeVerb } from './verb-node.ts';

/**
 * As much of the command line as the process of a node needs. A yard starts one for each node, and to load all the other
 * verbs there would cost 10 MB and a fifth of a second of two cores each time five start.
 */
export function runNodeCli(args: readonly string[]): Promise<number> {
  return runLine(args, () => {
    const program = new Command('forkyard').addCommand(nodeVerb()).addCommand(nodesVerb(), { hidden: true });
    configure(program);
    return program;
  });
}

// The bundle of this file is also what the whole command line takes a node from.
export { runNodeProcess, runNodesProcess } from '../node/process.ts';
