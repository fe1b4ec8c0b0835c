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
export const FORK_CHOICES = ['first-seen', 'lowest-id', 'ghost'] as const;
export type ForkChoiceName = (typeof FORK_CHOICES)[number];

/** Decides between two branches that count the same: does `a` win? A total order, false for `a === b`. */
export type Tie<B> = (a: B, b: B) => boolean;

/** Work in any unit that adds up: expected hashes here, blocks in the reduced model. */
export type Weight = number | bigint;

/** The earlier arrival wins; what has none yet comes last. */
export function firstSeen<B extends { readonly arrival: number | undefined }>(a: B, b: B): boolean {
  return (a.arrival ?? Number.POSITIVE_INFINITY) < (b.arrival ?? Number.POSITIVE_INFINITY);
}

/** Most work wins, and the tie rule decides between equals. */
export function moreWork<B extends { readonly work: Weight }>(a: B, b: B, tie: Tie<B>): boolean {
  return a.work === b.work ? tie(a, b) : a.work > b.work;
}

/** Children as a linked list. */
export interface Branching<N> {
  readonly child: N | undefined;
  readonly sibling: N | undefined;
}

/**
 * GHOST: from `top` down to a leaf, each time to the child whose subtree weighs most. `weight` gives the sum over a
 * block and all below it; 0 for what does not compete (its own work is positive, so a competitor weighs more).
 */
export function heaviestLeaf<N extends Branching<N>>(top: N, weight: (block: N) => Weight, tie: Tie<N>): N {
  let at = top;
  for (;;) {
    let best: N | undefined;
    let most: Weight = 0;
    for (let child = at.child; child !== undefined; child = child.sibling) {
      const weighs = weight(child);
      if (best === undefined ? weighs > 0 : weighs === most ? tie(child, best) : weighs > most) {
        best = child;
        most = weighs;
      }
    }
    if (best === undefined) return at;
    at = best;
  }
}
