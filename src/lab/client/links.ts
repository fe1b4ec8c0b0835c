import { reachable, sameGroup, type Topology, wantedPairs } from '../../util/topology.ts';
import { type RunContext, until } from '../../yard/action.ts';
import type { YardFile } from '../yard/check.ts';
import type { NodeInfo, YardClient } from './client.ts';

/** Waiting until the links are as topology and open partition ask. */

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
  return reachable(letter, (at) =>
    (infos.get(at)?.peers ?? [])
      .map((peer) => peer.name)
      .filter((to) => infos.get(to) !== undefined && !oneWay.some(([a, b]) => a === at && b === to)),
  );
}
