import {
  type Branching,
  compareWork,
  firstSeen,
  lowestId,
} from '../../../consensus/tree/fork-choice-rules.ts';

/**
 * A block of the reduced model: a place in the tree, and nothing in it. All blocks stand for the same work, so work is
 * counted in blocks and equals the height. The links are those of the node's own tree entries.
 */
export class ReducedBlock {
  readonly parent: ReducedBlock | undefined;
  readonly height: number;
  readonly work: number;
  /** Microseconds of virtual time. */
  readonly time: number;
  /** Index of the miner. */
  readonly miner: number;
  /** Drawn at random, as a hash is. */
  readonly id: number;
  child: ReducedBlock | undefined = undefined;
  sibling: ReducedBlock | undefined = undefined;
  /** Blocks of this one's subtree, itself included; only `weigh` keeps it. */
  weight = 0;

  constructor(parent: ReducedBlock | undefined, time: number, miner: number, id: number) {
    this.parent = parent;
    this.height = parent === undefined ? 0 : parent.height + 1;
    this.work = this.height;
    this.time = time;
    this.miner = miner;
    this.id = id;
  }
}

export function genesisBlock(): ReducedBlock {
  return new ReducedBlock(undefined, 0, -1, 0);
}

/** The last block that both branches share. */
export function forkPointOf(a: ReducedBlock, b: ReducedBlock): ReducedBlock {
  let x = a;
  let y = b;
  while (x !== y) {
    // One of the two has a parent: different blocks of one tree are not both its genesis.
    if (x.height >= y.height) x = x.parent!;
    else y = y.parent!;
  }
  return x;
}

/** m of two tips: min(h) − h(common ancestor); 0 when one chain is a prefix of the other. */
export function conflictOf(a: ReducedBlock, b: ReducedBlock): number {
  return Math.min(a.height, b.height) - forkPointOf(a, b).height;
}

/** Decides between two blocks of equal work, the second of which is the present tip. Above 0: the first wins. */
export type Tie = (challenger: ReducedBlock, tip: ReducedBlock) => number;

/** Bitcoin's: what is the tip was here first. */
export const firstSeenTie: Tie = () => firstSeen(false, undefined, true, undefined);

export const lowestIdTie: Tie = (a, b) => lowestId(a.id, b.id);

/** Does a node with this tip go over to the challenger? */
export function wins(challenger: ReducedBlock, tip: ReducedBlock, tie: Tie): boolean {
  return (compareWork(challenger.work, tip.work) || tie(challenger, tip)) > 0;
}

/** Somebody has just heard of a block: all below it, down to `top`, weigh one more. */
export function weigh(block: ReducedBlock, top: ReducedBlock): void {
  const { parent } = block;
  if (parent === undefined) return;
  block.sibling = parent.child;
  parent.child = block;
  for (let at: ReducedBlock | undefined = block; at !== undefined && at !== top; at = at.parent) at.weight++;
}

/** For GHOST, over the blocks that were weighed; children stand newest first. */
export const WEIGHED: Omit<Branching<ReducedBlock>, 'tie'> = {
  firstChild: (block) => block.child,
  nextSibling: (block) => block.sibling,
  weight: (block) => block.weight,
};
