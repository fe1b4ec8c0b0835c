import { competes, type ForkChoice } from './fork-choice.ts';
import { firstSeen, heaviestLeaf, type Tie } from './fork-choice-rules.ts';
import { type BlockTree, forkPoint, isAncestor, type TreeEntry } from './tree.ts';

/**
 * The heaviest observed subtree, for experiments. At equal weight the child on the stored tip's branch stays, else the
 * one that was here first. The tip's own work may fall: a short branch with many stale blocks beside it can outweigh a
 * longer one.
 *
 * Nodes serve the headers of their active chain only, so blocks that stayed beside it on the other side of a partition
 * are not fetched afterwards: the rule is for networks that hear of every block as it is made.
 */
export class Ghost implements ForkChoice {
  readonly name = 'ghost';
  readonly #tree: BlockTree;
  #preferred: TreeEntry | undefined;
  #tip: TreeEntry;
  #best: TreeEntry;

  constructor(tree: BlockTree, tip: TreeEntry) {
    this.#tree = tree;
    this.#tip = tip;
    this.#best = tip;
    this.rebuild();
  }

  get best(): TreeEntry {
    return this.#best;
  }

  readonly #tie: Tie<TreeEntry> = (a, b) => {
    for (const kept of [this.#preferred, this.#tip]) {
      if (kept === undefined) continue;
      if (isAncestor(a, kept)) return true;
      if (isAncestor(b, kept)) return false;
    }
    return firstSeen(a, b);
  };

  /**
   * Every ancestor of a new block grows by the same weight. So up to where it leaves the chosen path nothing changes, and
   * the choice is made anew from there: mostly a few blocks, whatever the length of the chain.
   */
  add(entry: TreeEntry): void {
    if (!competes(entry)) return;
    this.#best = entry.parent === this.#best ? entry : this.#from(forkPoint(entry, this.#best) as TreeEntry);
  }

  prefer(entry: TreeEntry): void {
    this.#preferred = entry;
    this.#best = this.#from(forkPoint(entry, this.#best) as TreeEntry);
  }

  moved(tip: TreeEntry): void {
    this.#tip = tip;
    this.#preferred = undefined;
  }

  condemned(): void {
    this.rebuild();
  }

  rebuild(): void {
    this.#best = this.#from(this.#tree.genesis);
  }

  /** The heaviest leaf below `top`, all weights summed up in one pass from the leaves. */
  #from(top: TreeEntry): TreeEntry {
    const weights = new Map<TreeEntry, bigint>();
    const below = [...this.#tree.descendants(top)];
    for (let i = below.length - 1; i > 0; i--) {
      const entry = below[i]!;
      if (!competes(entry)) continue;
      const parent = entry.parent!;
      const weight = (weights.get(entry) ?? 0n) + entry.work - parent.work;
      weights.set(entry, weight);
      if (parent !== top) weights.set(parent, (weights.get(parent) ?? 0n) + weight);
    }
    return heaviestLeaf(top, (entry) => weights.get(entry) ?? 0n, this.#tie);
  }
}
