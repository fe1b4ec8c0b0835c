import { seeded } from '../util/random.ts';
import { type RunContext, until } from './action.ts';
import type { NodeInfo, YardClient } from './client.ts';
import type { YardFile } from './yard-file.ts';

/** Which nodes should be linked, given the topology and the open partition, and waiting until it is so. */

export const TOPOLOGIES = ['full', 'line', 'random'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** Above so many nodes a new yard is a random net: all with all would be 190 links among twenty. */
export const MOST_FOR_FULL = 8;
/** In a random net each node dials the one before it (so that any row of neighbours is connected) and so many others. */
const RANDOM_DIALS = 2;
/** ... of those that have fewer links than this. */
const RANDOM_LINKS = 8;

/** Pairs [earlier, later] of letters that ought to be linked; the later one dials. */
export function wantedPairs(
  letters: readonly string[],
  topology: Topology,
  groups?: readonly (readonly string[])[],
): (readonly [string, string])[] {
  const inGroup = ([a, b]: readonly [string, string]) => groups === undefined || sameGroup(groups, a, b);
  if (topology === 'random') return randomPairs(letters).filter(inGroup);
  const pairs: (readonly [string, string])[] = [];
  for (const [j, later] of letters.entries()) {
    for (const [i, earlier] of letters.slice(0, j).entries()) {
      if (topology === 'line' && i !== j - 1) continue;
      pairs.push([earlier, later]);
    }
  }
  return pairs.filter(inGroup);
}

/** How many of these pairs a node is in. */
export function linkCount(pairs: readonly (readonly [string, string])[], letter: string): number {
  return pairs.filter((pair) => pair.includes(letter)).length;
}

/** The same for the same letters in the same order, and what is there stays when letters are added. */
function randomPairs(letters: readonly string[]): (readonly [string, string])[] {
  const random = seeded('forkyard links');
  const degree = new Map<string, number>(letters.map((letter) => [letter, 0]));
  const pairs: (readonly [string, string])[] = [];
  const link = (earlier: string, later: string): void => {
    for (const end of [earlier, later]) degree.set(end, degree.get(end)! + 1);
    pairs.push([earlier, later]);
  };
  for (const [j, later] of letters.entries()) {
    if (j === 0) continue;
    link(letters[j - 1]!, later);
    const open = letters.slice(0, j - 1).filter((letter) => degree.get(letter)! < RANDOM_LINKS);
    for (let dials = 0; dials < RANDOM_DIALS && open.length > 0; dials++)
      link(open.splice(random.below(open.length), 1)[0]!, later);
  }
  return pairs;
}

export function sameGroup(groups: readonly (readonly string[])[], a: string, b: string): boolean {
  return groups.some((g) => g.includes(a) && g.includes(b));
}

/** Peers that a node must refuse while the partition is open. */
export function refusedBy(yard: YardFile, letter: string): string[] {
  const groups = yard.groups;
  if (groups === undefined) return [];
  return yard.nodes
    .filter((n) => n.peerId !== '' && n.letter !== letter && !sameGroup(groups, n.letter, letter))
    .map((n) => n.peerId);
}

/** Both ends say that they speak with each other. */
function areLinked(infos: ReadonlyMap<string, NodeInfo | undefined>, a: string, b: string): boolean {
  const left = infos.get(a);
  const right = infos.get(b);
  if (left === undefined || right === undefined) return false;
  return left.peers.some((p) => p.peer === right.peerId) && right.peers.some((p) => p.peer === left.peerId);
}

/** Waits until exactly the wanted links stand among the nodes that are up: none too few, none across a cut. */
export async function awaitLinks(
  client: YardClient,
  topology: Topology,
  groups: readonly (readonly string[])[] | undefined,
  context: Pick<RunContext, 'timeoutMs' | 'signal'>,
): Promise<void> {
  const letters = client.letters;
  let missing = '';
  await until(
    async () => {
      const infos = await client.infos();
      const up = letters.filter((l) => infos.get(l) !== undefined);
      const lacking = wantedPairs(letters, topology, groups)
        .filter(([a, b]) => up.includes(a) && up.includes(b) && !areLinked(infos, a, b))
        .map(([a, b]) => `${a}-${b} is not linked`);
      const crossing =
        groups === undefined
          ? []
          : wantedPairs(up, 'full')
              .filter(([a, b]) => !sameGroup(groups, a, b) && someLink(infos, a, b))
              .map(([a, b]) => `${a}-${b} is still linked`);
      missing = [...lacking, ...crossing].join(', ');
      return missing === '' ? true : undefined;
    },
    context,
    () => missing,
  );
}

/** One end is enough for a message to cross. */
function someLink(infos: ReadonlyMap<string, NodeInfo | undefined>, a: string, b: string): boolean {
  const left = infos.get(a);
  const right = infos.get(b);
  return (
    (left?.peers.some((p) => p.peer === right?.peerId) ?? false) ||
    (right?.peers.some((p) => p.peer === left?.peerId) ?? false)
  );
}

/** The nodes that a message from this one can reach now, itself included: over open links, the way they are open. */
export async function reachableFrom(client: YardClient, letter: string): Promise<string[]> {
  const { oneWay = [], wireHeld = false } = client.refresh().conditions ?? {};
  if (wireHeld) return [letter];
  const infos = await client.infos();
  const reached = new Set([letter]);
  const todo = [letter];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    for (const peer of infos.get(at)?.peers ?? []) {
      if (reached.has(peer.name) || infos.get(peer.name) === undefined) continue;
      if (oneWay.some(([from, to]) => from === at && to === peer.name)) continue;
      reached.add(peer.name);
      todo.push(peer.name);
    }
  }
  return [...reached];
}
