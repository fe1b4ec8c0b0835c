import { heaviestLeaf } from '../../../consensus/tree/fork-choice-rules.ts';
import { firstSeenTie, forkPointOf, type ReducedBlock, WEIGHED, weigh, wins } from './block.ts';

/** What everybody sees of a network of many tiny miners: all of them hear of a block at the same moment. */
export interface View {
  readonly tip: ReducedBlock;
  hear(block: ReducedBlock): void;
}

export class MostWorkView implements View {
  tip: ReducedBlock;

  constructor(root: ReducedBlock) {
    this.tip = root;
  }

  hear(block: ReducedBlock): void {
    if (wins(block, this.tip, firstSeenTie)) this.tip = block;
  }
}

export class GhostView implements View {
  readonly #root: ReducedBlock;
  tip: ReducedBlock;

  constructor(root: ReducedBlock) {
    this.#root = root;
    this.tip = root;
  }

  hear(block: ReducedBlock): void {
    weigh(block, this.#root);
    if (block.parent === this.tip) {
      this.tip = block;
      return;
    }
    // Up to where it leaves the present branch all weights grow alike: the choice is made anew from there.
    const fork = forkPointOf(block, this.tip);
    const { tip } = this;
    this.tip = heaviestLeaf(fork, { ...WEIGHED, tie: (a, b) => keptFirst(a, b, tip) });
  }
}

/** At equal weight the child on the present branch stays; else the one that was heard of first, which stands last. */
function keptFirst(a: ReducedBlock, b: ReducedBlock, tip: ReducedBlock): number {
  if (isBelow(a, tip)) return 1;
  return isBelow(b, tip) ? -1 : 1;
}

function isBelow(block: ReducedBlock, tip: ReducedBlock): boolean {
  let at: ReducedBlock = tip;
  while (at.height > block.height && at.parent !== undefined) at = at.parent;
  return at === block;
}
