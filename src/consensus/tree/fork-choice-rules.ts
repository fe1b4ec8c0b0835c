/**
 * How a node chooses among branches. Pure comparisons over what little they read, so that the node's own fork choice
 * (fork-choice.ts, fork-choice-ghost.ts) and the simulator's reduced model decide by the same lines.
 *
 * - `first-seen`: most work; at equal work the one that was here first. Bitcoin's rule, and every node's on a network.
 * - `lowest-id`: most work; at equal work the lowest block id. The tip is then a function of the set of blocks, which
 *   only grows: strong eventual consistency (Shapiro et al. 2011).
 * - `ghost`: from the genesis on, the child with the heaviest subtree (Sompolinsky and Zohar 2015, "Secure high-rate
 *   transaction processing in Bitcoin").
 *
 * The last two are for experiments. Nodes of one network must have the same rule, and nothing on a network asks for it:
 * only whoever makes a `FullNode` in code can choose another one than `first-seen`.
 */
const FORK_CHOICES = ['first-seen', 'lowest-id', 'ghost'] as const;
export type ForkChoiceName = (typeof FORK_CHOICES)[number];

/** Work in any unit that adds up: expected hashes in a node, blocks in the reduced model. */
export type Weight = number | bigint;

/** Above 0: the branch with work `a` wins; 0: a tie. */
export function compareWork<W extends Weight>(a: W, b: W): number {
  return a > b ? 1 : a < b ? -1 : 0;
}

/** Above 0: a wins. The stored tip stays; else the earlier arrival wins, and what has none comes last. */
export function firstSeen(
  aIsTip: boolean,
  aArrival: number | undefined,
  bIsTip: boolean,
  bArrival: number | undefined,
): number {
  if (aIsTip !== bIsTip) return aIsTip ? 1 : -1;
  const a = aArrival ?? Number.POSITIVE_INFINITY;
  const b = bArrival ?? Number.POSITIVE_INFINITY;
  return a < b ? 1 : a > b ? -1 : 0;
}

/** Above 0: a wins. Ids as display hex, or numbers. */
export function lowestId<I extends string | number>(a: I, b: I): number {
  return a < b ? 1 : a > b ? -1 : 0;
}

/** Children as a linked list, in whatever way blocks are kept. */
export interface Branching<N> {
  firstChild(block: N): N | undefined;
  nextSibling(block: N): N | undefined;
  /** The sum over a block and all below it; 0 for one that does not compete. */
  weight(block: N): Weight;
  /** Between children of one block whose subtrees weigh the same. Above 0: a wins. */
  tie(a: N, b: N): number;
}

/** GHOST: from `top` down to a leaf, each time to the child whose subtree weighs most. */
export function heaviestLeaf<N>(top: N, tree: Branching<N>): N {
  let at = top;
  for (;;) {
    let best: N | undefined;
    let most: Weight = 0;
    for (let child = tree.firstChild(at); child !== undefined; child = tree.nextSibling(child)) {
      const weight = tree.weight(child);
      const won =
        best === undefined ? compareWork(weight, 0) : compareWork(weight, most) || tree.tie(child, best);
      if (won <= 0) continue;
      best = child;
      most = weight;
    }
    if (best === undefined) return at;
    at = best;
  }
}
