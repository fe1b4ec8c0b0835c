import { keptBlocks } from '../state/fold.ts';
import type { Forest, SeenBlock } from '../state/forest.ts';
import { SMALL_BLOCK } from './cells.ts';
import type { Heard, Layout, MomentColumn } from './layout.ts';
import { timeAxis } from './time-axis.ts';
import type { TimeRows } from './time-rows.ts';

/** Where everything of the tree goes when columns are moments: a block stands at the time at which it was found. Pure. */

export interface TimeWishes {
  /** Tip by node as shown now. */
  readonly tips: ReadonlyMap<string, string>;
  /** Mean time between blocks, which sets the scale; 0 = nobody knows. It must not change while one looks. */
  readonly spacingMs: number;
  /** Log time of the shown moment, and of the one that clocks count from. */
  readonly now: number;
  readonly zero: number;
  /** When the cut that is open began. */
  readonly cutAt: number | undefined;
}

/** A mean interval is so long. */
const PACE = 110;
const USUAL_SPACING_MS = 2_000;
/** Blocks of one row that are closer than this step aside. */
const CROWDED = SMALL_BLOCK + 12;
/** Without a pace blocks are mined by hand, many in a blink: so far apart two rows of them can be read. */
const BURST = CROWDED / 2;
/** Who hears of a block later than this is not waited for: behind a cut it may be an hour. */
const LATEST = 90;

export function layoutByTime(forest: Forest, rows: TimeRows, wishes: TimeWishes): Layout {
  const { tips, spacingMs, now, zero, cutAt } = wishes;
  const placed = rows.placed.filter(({ id }) => forest.blocks.has(id));
  const axis = timeAxis({
    times: placed.map(({ t }) => t),
    pixelsPerMs: PACE / (spacingMs > 0 ? spacingMs : USUAL_SPACING_MS),
    ...(spacingMs > 0 ? {} : { least: BURST }),
    now,
    zero,
  });
  const places = new Map<string, number>();
  /** By row: where the last block stands on its line, and the last that stepped aside. */
  const last = new Map<number, readonly [line: number, aside: number]>();
  let count = 0;
  const columns = placed.map(({ id, t, row }, index): MomentColumn => {
    const at = axis.at(t);
    const [line, beside] = last.get(row) ?? [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    // Where both places are taken, the one that is left behind further.
    const aside = at - line < CROWDED && beside < line;
    last.set(row, aside ? [line, at] : [at, beside]);
    places.set(id, index);
    count = Math.max(count, row + 1);
    const block = forest.blocks.get(id)!;
    return { kind: 'moment', at, aside, row, height: block.height, blocks: [block] };
  });
  return {
    columns,
    columnOf: ({ id }) => places.get(id) ?? 0,
    rowOf: ({ id }) => placed[places.get(id) ?? 0]?.row ?? 0,
    kept: keptBlocks(forest, tips),
    rows: count,
    time: {
      axis,
      cut: cutAt === undefined ? undefined : axis.at(cutAt),
      heardOf: ({ at, blocks: [block] }) => heardOf(block, (t) => axis.at(t) - at),
    },
  };
}

function heardOf(block: SeenBlock, after: (t: number) => number): Heard[] {
  const heard = [...block.seenBy].map(([node, t]) => ({ node, after: after(t) }));
  return heard.filter(({ after: way }) => way > 0 && way <= LATEST).sort((a, b) => a.after - b.after);
}
