/** The blocks behind the figures: parents, common ancestors, and on how many nodes' branches each block lies. */

export interface TreeBlock<Owner> {
  readonly id: string;
  readonly height: number;
  parent: TreeBlock<Owner> | undefined;
  /** On so many nodes' branches now. */
  holders: number;
  /** Was it ever on one? */
  everHeld: boolean;
  /** When, where and under whose account it was found; undefined for a block from before the log. */
  mined:
    | {
        readonly t: number;
        readonly node: string;
        readonly miner: string;
        readonly owner: Owner;
        /** By a strategy that has not shown it. */
        readonly hidden: boolean;
      }
    | undefined;
  refused: boolean;
  /** Nodes whose arrival times were counted; undefined once nobody is waited for. */
  bodyAt: Set<string> | undefined;
  tipAt: Set<string> | undefined;
  jobAt: Set<string> | undefined;
}

export interface Split<Owner> {
  /** From the left tip down to the fork point, which is not in it. */
  readonly left: readonly TreeBlock<Owner>[];
  readonly right: readonly TreeBlock<Owner>[];
  /** False when the paths left the kept part of the tree before they met: they are at least so long. */
  readonly exact: boolean;
}

export class FigureTree<Owner> {
  readonly #keptHeights: number;
  readonly #adopt: (block: TreeBlock<Owner>, holders: number) => void;
  readonly #blocks = new Map<string, TreeBlock<Owner>>();
  readonly #byHeight = new Map<number, TreeBlock<Owner>[]>();
  #lowest = Number.POSITIVE_INFINITY;
  #highest = 0;

  /** `adopt`: called for blocks that turn out, once a parent comes to be known, to be held by so many more. */
  constructor(keptHeights: number, adopt: (block: TreeBlock<Owner>, holders: number) => void) {
    this.#keptHeights = keptHeights;
    this.#adopt = adopt;
  }

  get highest(): number {
    return this.#highest;
  }

  get size(): number {
    return this.#blocks.size;
  }

  get(id: string): TreeBlock<Owner> | undefined {
    return this.#blocks.get(id);
  }

  at(height: number): readonly TreeBlock<Owner>[] {
    return this.#byHeight.get(height) ?? [];
  }

  /** The block, made if it is new; undefined if it lies below what is kept. `prev` '' = not known. */
  put(id: string, prev: string, height: number): TreeBlock<Owner> | undefined {
    const known = this.#blocks.get(id);
    if (known !== undefined) {
      if (known.parent === undefined && prev !== '') this.#link(known, prev);
      return known;
    }
    if (height < this.#highest - this.#keptHeights) return undefined;
    const block: TreeBlock<Owner> = {
      id,
      height,
      parent: undefined,
      holders: 0,
      everHeld: false,
      mined: undefined,
      refused: false,
      bodyAt: undefined,
      tipAt: undefined,
      jobAt: undefined,
    };
    this.#blocks.set(id, block);
    const row = this.#byHeight.get(height);
    if (row === undefined) this.#byHeight.set(height, [block]);
    else row.push(block);
    this.#lowest = Math.min(this.#lowest, height);
    this.#highest = Math.max(this.#highest, height);
    if (prev !== '') this.#link(block, prev);
    return block;
  }

  /** A parent that comes to be known late: whoever holds the child has held it all along. */
  #link(block: TreeBlock<Owner>, prev: string): void {
    const parent = this.#blocks.get(prev);
    if (parent === undefined || parent.height !== block.height - 1) return;
    block.parent = parent;
    if (block.holders === 0) return;
    for (let at: TreeBlock<Owner> | undefined = parent; at !== undefined; at = at.parent) {
      this.#adopt(at, block.holders);
    }
  }

  /** Both paths down to where they meet. */
  split(left: TreeBlock<Owner> | undefined, right: TreeBlock<Owner> | undefined): Split<Owner> {
    const leftPath: TreeBlock<Owner>[] = [];
    const rightPath: TreeBlock<Owner>[] = [];
    let a = left;
    let b = right;
    while (a !== b && a !== undefined && b !== undefined) {
      if (a.height >= b.height) {
        leftPath.push(a);
        a = a.parent;
      } else {
        rightPath.push(b);
        b = b.parent;
      }
    }
    return { left: leftPath, right: rightPath, exact: a !== undefined && a === b };
  }

  /**
   * Conflict depth m = min(h) − h(common ancestor): 0 when one chain is a prefix of the other. Where the ancestor is no
   * longer (or not yet) known, the least that it can be.
   */
  conflict(left: TreeBlock<Owner>, right: TreeBlock<Owner>): number {
    let a: TreeBlock<Owner> | undefined = left;
    let b: TreeBlock<Owner> | undefined = right;
    const least = Math.min(left.height, right.height);
    let last = least;
    while (a !== b && a !== undefined && b !== undefined) {
      if (a.height >= b.height) {
        last = a.height - 1;
        a = a.parent;
      } else {
        last = b.height - 1;
        b = b.parent;
      }
    }
    if (a !== undefined && a === b) return least - a.height;
    return Math.max(0, least - Math.max(0, last));
  }

  /** Forgets what is too far below; answers the heights that went. */
  prune(): number[] {
    const gone: number[] = [];
    // In sweeps, so that a long run does not look at the edge for every block.
    if (this.#highest - this.#lowest <= this.#keptHeights * 1.1) return gone;
    const floor = this.#highest - this.#keptHeights;
    // The heights that there are, not all between: a log may have a gap of billions.
    for (const [height, blocks] of this.#byHeight) {
      if (height >= floor) continue;
      for (const block of blocks) {
        this.#blocks.delete(block.id);
        // Blocks above keep their parent alive: only this one, not everything below it.
        block.parent = undefined;
      }
      this.#byHeight.delete(height);
      gone.push(height);
    }
    this.#lowest = floor;
    return gone.sort((a, b) => a - b);
  }
}

/** From a tip down, as far as it is known. */
export function pathOf<Owner>(tip: TreeBlock<Owner> | undefined): TreeBlock<Owner>[] {
  const path: TreeBlock<Owner>[] = [];
  for (let at = tip; at !== undefined; at = at.parent) path.push(at);
  return path;
}

/** How many of these blocks each miner found. */
export function minersOf<Owner>(blocks: readonly TreeBlock<Owner>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { mined } of blocks) {
    if (mined !== undefined) counts.set(mined.miner, (counts.get(mined.miner) ?? 0) + 1);
  }
  return counts;
}
