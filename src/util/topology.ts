import { seeded } from './random.ts';

/** Which nodes of a yard should be linked, given the topology and the open partition. */

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

/** The links that this partition cuts: those of the topology whose ends are in two groups. */
export function cutPairs(
  letters: readonly string[],
  topology: Topology,
  groups: readonly (readonly string[])[],
): (readonly [string, string])[] {
  return wantedPairs(letters, topology).filter(([a, b]) => !sameGroup(groups, a, b));
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

/** What can be reached from `start`, itself included, when `next` gives where one may go on to. */
export function reachable(start: string, next: (at: string) => Iterable<string>): string[] {
  const reached = new Set([start]);
  // A Set goes on to what is added while it is walked through.
  for (const at of reached) for (const to of next(at)) reached.add(to);
  return [...reached];
}
