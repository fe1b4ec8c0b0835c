import { competes, type ForkChoice } from './fork-choice.ts';
import { firstSeen, heaviestLeaf } from './fork-choice-rules.ts';
import { type BlockTree, forkPoint, isAncestor, type TreeEntry } from './tree.ts';

/**
 * The heaviest observed subtree, for experiments. At equal weight the child on the stored tip's branch stays, else the
 * one that was here first. The tip's own work may fall: a short branch with many stale blocks beside it can outweigh a
 * longer one.
 *
 * It decides alike only where all have all blocks. So its nodes tell each other of every branch when they meet, and fetch
 * bodies beside the chain too (HeaderSync.#weighsAll); that an attacker could fill them with cheap branches is one more
 * reason why no network can ask for the rule.
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

  #tie(a: TreeEntry, b: TreeEntry): number {
    const preferred = this.#preferred;
    if (preferred !== undefined) {
      if (isAncestor(a, preferred)) return 1;
      if (isAncestor(b, preferred)) return -1;
    }
    return firstSeen(isAncestor(a, this.#tip), a.arrival, isAncestor(b, this.#tip), b.arrival);
  }

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
    return heaviestLeaf(top, {
      firstChild: (entry) => entry.child,
      nextSibling: (entry) => entry.sibling,
      weight: (entry) => weights.get(entry) ?? 0n,
      tie: (a, b) => this.#tie(a, b),
    });
  }
}
