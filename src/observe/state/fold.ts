import type { Forest, SeenBlock } from './forest.ts';

/**
 * Blocks from this height up that are not stale: on the branch of one of these tips, on one that a node is about to
 * connect, or on that of a node that is down while nobody has more work. Where no node ever had a tip it is the branch
 * with most work. The same rule as in the figures (observe/figures/branches.ts).
 */
export function keptBlocks(forest: Forest, tips: ReadonlyMap<string, string>, from = 0): Set<string> {
  const kept = new Set<string>();
  const ends = new Set([...tips.values(), ...forest.left.values(), ...forest.pending()]);
  for (const tip of ends.size === 0 ? mostWork(forest) : ends) {
    for (
      let at = forest.blocks.get(tip);
      at !== undefined && at.height >= from && !kept.has(at.id);
      at = forest.blocks.get(at.prev)
    ) {
      kept.add(at.id);
    }
  }
  return kept;
}

function mostWork(forest: Forest): string[] {
  let best: SeenBlock | undefined;
  for (const block of forest.blocks.values()) if (best === undefined || block.work > best.work) best = block;
  return best === undefined ? [] : [best.id];
}

/** Which tracks get a row when there are more branches than rows. */
export interface ChosenTracks {
  readonly tracks: ReadonlySet<number>;
  /** '+2 stale', '+3 branches' when one of them is somebody's, or ''. */
  readonly hidden: string;
}

/**
 * All, or the best `rows` of them: what goes is the track with the lowest work, dead ones first, and never one that a
 * track which stays grows from. `kept` are the blocks on some node's branch.
 */
export function chooseTracks(
  forest: Forest,
  blocks: readonly SeenBlock[],
  kept: ReadonlySet<string>,
  rows: number,
): ChosenTracks {
  const byTrack = new Map<number, SeenBlock[]>();
  for (const block of blocks) {
    const on = byTrack.get(block.track);
    if (on === undefined) byTrack.set(block.track, [block]);
    else on.push(block);
  }
  const tracks = new Set(byTrack.keys());
  if (tracks.size <= rows) return { tracks, hidden: '' };
  // The line that says so takes a row too.
  const room = Math.max(1, rows - 1);
  const isLive = (track: number) => byTrack.get(track)!.some((b) => kept.has(b.id));
  const workOf = (track: number) => {
    let most = 0n;
    for (const { work } of byTrack.get(track)!) if (work > most) most = work;
    return most;
  };
  const order = [...tracks].sort((a, b) => {
    const live = Number(isLive(a)) - Number(isLive(b));
    const [left, right] = [workOf(a), workOf(b)];
    return live || (left < right ? -1 : left > right ? 1 : b - a);
  });
  const inside = new Set(blocks.map((b) => b.id));
  const carries = (track: number) =>
    byTrack.get(track)!.some((b) =>
      (forest.children.get(b.id) ?? []).some((id) => {
        const child = forest.blocks.get(id);
        return child !== undefined && inside.has(id) && child.track !== track && tracks.has(child.track);
      }),
    );
  let branches = 0;
  let onlyStale = true;
  while (tracks.size > room) {
    const next = order.find((track) => tracks.has(track) && !carries(track));
    if (next === undefined) break;
    tracks.delete(next);
    onlyStale &&= !isLive(next);
    // Several short dead branches may share a row: each ends in a block without a child.
    branches += byTrack.get(next)!.filter((b) => (forest.children.get(b.id) ?? []).length === 0).length || 1;
  }
  return { tracks, hidden: `+${branches} ${onlyStale ? 'stale' : branches === 1 ? 'branch' : 'branches'}` };
}
