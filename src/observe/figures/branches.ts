import type { FigureTree, TreeBlock } from './tree.ts';
import { pathOf } from './tree.ts';

/** On whose branches each block is, and so which of them are stale. */
export class Branches<Owner> {
  readonly #tree: FigureTree<Owner>;
  /** A found block becomes stale (1), or is on a branch again (−1). */
  readonly #stale: (block: TreeBlock<Owner>, by: 1 | -1) => void;
  /** What holds a node's branch: its tip, or its last one if it is down and nobody has more work yet. */
  readonly #held = new Map<string, TreeBlock<Owner>>();
  readonly #works = new Map<string, bigint>();
  /** Found, and on nobody's branch so far. */
  readonly #limbo = new Set<TreeBlock<Owner>>();

  constructor(tree: FigureTree<Owner>, stale: (block: TreeBlock<Owner>, by: 1 | -1) => void) {
    this.#tree = tree;
    this.#stale = stale;
  }

  /** Work of the node's newest tip; 0 before its first. */
  workOf(node: string): bigint {
    return this.#works.get(node) ?? 0n;
  }

  found(block: TreeBlock<Owner>): void {
    if (!block.everHeld) this.#limbo.add(block);
  }

  /** An invalid block counts nowhere any more. */
  refused(block: TreeBlock<Owner>): void {
    if (!this.#limbo.delete(block) && block.holders === 0) this.#stale(block, -1);
  }

  /** The node is on this branch now; blocks that nobody holds any more are stale, and may come back. */
  move(node: string, to: TreeBlock<Owner>, work: bigint): void {
    this.#works.set(node, work);
    this.#hold(node, to);
  }

  #hold(node: string, to: TreeBlock<Owner> | undefined): void {
    const from = this.#held.get(node);
    const { left, right, exact } = this.#tree.split(from, to);
    // Where the two paths do not meet (one is missing, or the log has a gap), all of one goes and all of the other comes.
    for (const block of exact ? right : pathOf(to)) this.gain(block, 1);
    for (const block of exact ? left : pathOf(from)) {
      block.holders--;
      if (block.holders === 0) this.#stale(block, 1);
    }
    if (to === undefined) this.#held.delete(node);
    else this.#held.set(node, to);
  }

  gain(block: TreeBlock<Owner>, holders: number): void {
    if (!block.everHeld) this.#limbo.delete(block);
    else if (block.holders === 0) this.#stale(block, -1);
    block.everHeld = true;
    block.holders += holders;
  }

  /**
   * A node that is down keeps its branch on its disk, so stopping alone makes nothing stale. It would leave that branch
   * for one with more work; once a node that is up has one, the branch is given up here.
   */
  dropBeaten(isUp: (node: string) => boolean): void {
    let most = 0n;
    const down: string[] = [];
    for (const node of this.#held.keys()) {
      if (!isUp(node)) down.push(node);
      else if (this.workOf(node) > most) most = this.workOf(node);
    }
    for (const node of down) {
      if (this.workOf(node) >= most) continue;
      this.#hold(node, undefined);
      this.#works.delete(node);
    }
  }

  /** Heights up to this one are no longer kept: what was provisional about their blocks is final. */
  forget(height: number): void {
    for (const block of this.#limbo) {
      if (block.height > height) continue;
      this.#limbo.delete(block);
      this.#stale(block, 1);
    }
  }

  /** Blocks that have lost their race, though no tip ever moved because of them. */
  beaten(): TreeBlock<Owner>[] {
    let top = 0;
    for (const tip of this.#held.values()) top = Math.max(top, tip.height);
    return [...this.#limbo].filter((block) => {
      if (block.height > top) return false;
      // Its finder is about to connect it: the tip line comes some milliseconds after that of the find.
      const { parent, mined } = block;
      return parent === undefined || mined === undefined || this.#held.get(mined.node) !== parent;
    });
  }
}
