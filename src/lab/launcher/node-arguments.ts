import { join } from 'node:path';
import type { Params } from '../../consensus/params/params.ts';
import { formatDuration } from '../../observe/words/units.ts';
import { wantedPairs } from '../../util/topology.ts';
import type { YardFile, YardNode } from '../yard/check.ts';
import { minerKey } from '../yard/keyring.ts';

/** The command line of one node of a yard, after `node PROGRAM node`. */
export function nodeArguments(
  dir: string,
  yard: YardFile,
  params: Params,
  node: YardNode,
  connect: readonly string[],
): string[] {
  return [
    ...['--genesis', join(dir, 'genesis.json')],
    ...['--datadir', join(dir, node.dir)],
    ...['--name', node.letter],
    ...['--rpcport', String(node.rpcPort)],
    ...['--listen', `/ip4/127.0.0.1/tcp/${node.p2pPort}`],
    ...connect.flatMap((address) => ['--connect', address]),
    ...['--delay', formatDuration(yard.delayMs)],
    ...['--payout', minerKey(dir, node.letter, params).address],
    ...(node.hashrate === 0 ? [] : ['--hashrate', String(node.hashrate)]),
    ...['--threads', '1'],
  ];
}

/** Each node records its steps, each of its starts in a file of its own. */
export function recordingArguments(dir: string): (letter: string) => readonly string[] {
  return (letter) => {
    const started = new Date().toISOString().replaceAll(/[:.]/g, '-');
    return ['--record', join(dir, letter, `${letter}-${started}.fyrec`)];
  };
}

/** Is this the address that the node will listen on? One from another time may belong to somebody else by now. */
export function isCurrent(node: YardNode): boolean {
  return node.address.includes(`/tcp/${node.p2pPort}/`);
}

/** Which nodes a node dials: those before it, so that no pair dials twice. */
export function dialledBy({ nodes, topology = 'full' }: YardFile, letter: string): YardNode[] {
  const letters = nodes.map((n) => n.letter);
  const pairs = wantedPairs(letters, topology);
  const earlier = pairs.filter(([, later]) => later === letter).map(([first]) => first);
  return nodes.filter((n) => earlier.includes(n.letter));
}
