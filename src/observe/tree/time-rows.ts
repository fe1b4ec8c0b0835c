import type { LogEvent } from '../../events/events.ts';
import type { Forest } from '../state/forest.ts';

/**
 * Rows of a tree that is laid out by time, as the log goes on. By height a row is free behind its last block; by time
 * it is not as long as somebody's tip is that block, for the next one will come later than everything that is drawn
 * now. A block's row and moment are final once given.
 */
export interface TimeRows {
  /** In the order in which they were found; a few may be forgotten by the forest. */
  readonly placed: readonly PlacedBlock[];
  /** After the forest has taken it. */
  apply(event: LogEvent, forest: Forest): void;
}

interface PlacedBlock {
  readonly id: string;
  /** When its finder had it, or whoever showed it first. */
  readonly t: number;
  readonly row: number;
}

/** So many forgotten blocks are kept before they are looked for. */
const FORGOTTEN = 500;

export function newTimeRows(): TimeRows {
  let placed: PlacedBlock[] = [];
  let known = new Map<string, PlacedBlock>();
  /** The last block of each row. */
  const ends: PlacedBlock[] = [];

  /** The parent's row goes on while the parent is its end; else the nearest one that nobody needs, above before below. */
  function rowFor(parent: PlacedBlock | undefined, forest: Forest): number {
    if (parent !== undefined && ends[parent.row] === parent) return parent.row;
    const tips = new Set(forest.tips.values());
    // The line to the block begins at its parent: nothing may lie on the row from there on.
    const isFree = (row: number) => {
      const end = ends[row];
      return end === undefined || (parent !== undefined && end.t < parent.t && !tips.has(end.id));
    };
    const from = parent?.row ?? 0;
    for (let far = parent === undefined ? 0 : 1; ; far++) {
      if (far <= from && isFree(from - far)) return from - far;
      if (isFree(from + far)) return from + far;
    }
  }

  function place(id: string, prev: string, at: number, forest: Forest): void {
    if (known.has(id) || !forest.blocks.has(id)) return;
    // Two nodes may tell of the same millisecond in either order.
    const t = Math.max(at, placed.at(-1)?.t ?? at);
    const here: PlacedBlock = { id, t, row: rowFor(known.get(prev), forest) };
    placed.push(here);
    known.set(id, here);
    ends[here.row] = here;
    if (placed.length <= forest.blocks.size + FORGOTTEN) return;
    placed = placed.filter((block) => forest.blocks.has(block.id));
    known = new Map(placed.map((block) => [block.id, block]));
  }

  return {
    get placed() {
      return placed;
    },
    apply(event, forest) {
      if (event.kind === 'start') place(event.genesis, '', event.t, forest);
      else if (event.kind === 'block') place(event.id, event.prev, event.t, forest);
    },
  };
}
