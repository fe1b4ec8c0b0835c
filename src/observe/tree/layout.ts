import { keptBlocks } from '../state/fold.ts';
import type { Forest, SeenBlock } from '../state/forest.ts';
import type { TimeAxis } from './time-axis.ts';

/**
 * Where everything of the tree goes, in cells: a column a height (or a fold of many, or the moment of one block, see
 * time-layout.ts), a row a track. Pure.
 */

export type Column =
  | { readonly kind: 'height'; readonly height: number; readonly blocks: readonly SeenBlock[] }
  /** A run where nothing forks and nobody's tip is. */
  | {
      readonly kind: 'fold';
      readonly from: number;
      readonly to: number;
      /** The first block of each branch that passes through. */
      readonly blocks: readonly SeenBlock[];
    }
  | MomentColumn;

/** One block at the time at which it was found. */
export interface MomentColumn {
  readonly kind: 'moment';
  readonly height: number;
  readonly row: number;
  readonly blocks: readonly [SeenBlock];
  /** Along the axis. */
  readonly at: number;
  /** It makes room for the one before it, which is close. */
  readonly aside: boolean;
}

/** Who had a block so far behind the place where it was found. */
export interface Heard {
  readonly node: string;
  readonly after: number;
}

export interface Layout {
  readonly columns: readonly Column[];
  /** Column of a block, or of the fold that hides it. */
  columnOf(block: Pick<SeenBlock, 'id' | 'height'>): number;
  /** Final once given, like the track that it is by height. */
  rowOf(block: SeenBlock): number;
  /** On somebody's branch, by what is shown now; all others are stale. */
  readonly kept: ReadonlySet<string>;
  readonly rows: number;
  /** Where columns are moments: their axis, and the place on it where the open cut began. */
  readonly time?: {
    readonly axis: TimeAxis;
    readonly cut: number | undefined;
    /** Nearest first; asked for what is painted, not for thousands. */
    heardOf(column: MomentColumn): readonly Heard[];
  };
}

/** Runs longer than this fold. */
const SHORT_RUN = 4;
/** The newest heights never fold: that is where one looks. */
const NEVER_FOLDED = 5;

export interface LayoutWishes {
  /** Tip by node as shown now (a reorg walks flags step by step). */
  readonly tips: ReadonlyMap<string, string>;
  /** First heights of folds that somebody opened. */
  readonly opened: ReadonlySet<number>;
  /** Blocks that must stay visible. */
  readonly shown: ReadonlySet<string>;
}

export function layoutOf(forest: Forest, wishes: LayoutWishes): Layout {
  const byHeight = new Map<number, SeenBlock[]>();
  let top = -1;
  let bottom = Number.MAX_SAFE_INTEGER;
  let rows = 0;
  for (const block of forest.blocks.values()) {
    const row = byHeight.get(block.height);
    if (row === undefined) byHeight.set(block.height, [block]);
    else row.push(block);
    if (block.height > top) top = block.height;
    if (block.height < bottom) bottom = block.height;
    if (block.track >= rows) rows = block.track + 1;
  }
  const tipIds = new Set(wishes.tips.values());
  const isPlain = (block: SeenBlock): boolean =>
    forest.children.get(block.id)?.length === 1 &&
    (forest.children.get(block.prev)?.length ?? 1) === 1 &&
    !tipIds.has(block.id) &&
    !wishes.shown.has(block.id);

  const columns: Column[] = [];
  const places = new Map<number, number>();
  let run: number[] = [];
  const put = (height: number) => {
    places.set(height, columns.length);
    columns.push({ kind: 'height', height, blocks: byHeight.get(height) ?? [] });
  };
  const endRun = () => {
    const from = run[0];
    if (from !== undefined && run.length > SHORT_RUN && !wishes.opened.has(from)) {
      for (const height of run) places.set(height, columns.length);
      columns.push({ kind: 'fold', from, to: run.at(-1)!, blocks: byHeight.get(from) ?? [] });
    } else {
      for (const height of run) put(height);
    }
    run = [];
  };
  for (let height = bottom; height <= top; height++) {
    const blocks = byHeight.get(height) ?? [];
    if (height <= top - NEVER_FOLDED && blocks.every(isPlain)) {
      run.push(height);
    } else {
      endRun();
      put(height);
    }
  }
  endRun();
  return {
    columns,
    columnOf: ({ height }) => places.get(height) ?? 0,
    rowOf: ({ track }) => track,
    kept: keptBlocks(forest, wishes.tips),
    rows,
  };
}

/** The last block that all tips share: there a cut parts them. */
export function sharedBlock(forest: Forest, tips: ReadonlyMap<string, string>): SeenBlock | undefined {
  const [first, ...rest] = [...new Set(tips.values())];
  if (first === undefined) return undefined;
  let shared = forest.blocks.get(first);
  for (const tip of rest) {
    const fork = forest.forkPoint(first, tip);
    if (fork === undefined || shared === undefined) return undefined;
    if (fork.height < shared.height) shared = fork;
  }
  return shared;
}
