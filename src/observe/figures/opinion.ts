/** Depths k = 0 … 31 have a figure of their own; what is deeper counts in all of them. */
export const DEPTHS = 32;

/** What the nodes that are up say at one moment. */
export interface Opinion {
  /** Nodes that are up and have a tip. With fewer than two there is nobody to disagree. */
  readonly nodes: number;
  readonly equal: boolean;
  /** Conflict depth of the two that differ most: m = min(h) − h(common ancestor); 0 while nobody contradicts. */
  readonly deepest: number;
  /** Share of all pairs in conflict deeper than k, for k = 0 … DEPTHS − 1, as far as it is not 0. */
  readonly pairs: readonly number[];
}

export const NOBODY: Opinion = { nodes: 0, equal: true, deepest: 0, pairs: [] };

/** Only distinct tips are compared: many nodes have few opinions. */
export function opinionOf<Block>(
  tips: Iterable<Block>,
  tree: { conflict(a: Block, b: Block): number },
): Opinion {
  const groups = new Map<Block, number>();
  let nodes = 0;
  for (const tip of tips) {
    groups.set(tip, (groups.get(tip) ?? 0) + 1);
    nodes++;
  }
  const all = (nodes * (nodes - 1)) / 2;
  const pairs: number[] = [];
  let deepest = 0;
  const distinct = [...groups];
  for (const [i, [a, countA]] of distinct.entries()) {
    for (const [b, countB] of distinct.slice(i + 1)) {
      const depth = tree.conflict(a, b);
      deepest = Math.max(deepest, depth);
      const share = (countA * countB) / all;
      for (let k = 0; k < Math.min(depth, DEPTHS); k++) pairs[k] = (pairs[k] ?? 0) + share;
    }
  }
  return { nodes, equal: distinct.length <= 1, deepest, pairs };
}
