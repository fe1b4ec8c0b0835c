import { chooseTracks, keptBlocks } from '../state/fold.ts';
import type { Forest, SeenBlock } from '../state/forest.ts';

export interface DrawOptions {
  /** Nodes whose tips are flagged, in the order in which flags are written. */
  readonly nodes: readonly string[];
  /** Only this many of the highest heights are drawn. */
  readonly last: number;
  /** `+ - <` instead of box characters. */
  readonly ascii?: boolean;
  /** Say how many heights are left out at the left (default), or just draw a line. */
  readonly fold?: boolean;
  /** Highest height drawn (default: the highest there is), to look at older ones. */
  readonly until?: number;
  /** Rows at most; the branches with the lowest work are then counted in `hidden`. */
  readonly maxRows?: number;
  /** Name the nodes that stand further back on a row at its end (default). */
  readonly late?: boolean;
  /** Where the flags stand, if not where the nodes are: flags that are on their way through a reorg. */
  readonly tips?: ReadonlyMap<string, string>;
}

interface DrawnCell {
  readonly block: SeenBlock;
  /** Column of its opening bracket in the row's text, and its width with both brackets. */
  readonly at: number;
  readonly width: number;
}

export interface DrawnRow {
  readonly text: string;
  /** Last block drawn on the row. */
  readonly end: SeenBlock;
  /** Nodes whose tip is `end`. */
  readonly flags: readonly string[];
  /** Is `end` on no node's branch? */
  readonly stale: boolean;
  readonly cells: readonly DrawnCell[];
  /** Where it left the branch with most work, if that is further back than what is drawn. */
  readonly fork?: SeenBlock;
}

export interface Drawing {
  /** The ruler of heights, aligned with the rows; '' when nothing is drawn. */
  readonly ruler: string;
  readonly rows: readonly DrawnRow[];
  /** Branches without a row: '+2 stale', or '' when all are drawn. */
  readonly hidden: string;
}

interface Glyphs {
  readonly line: string;
  readonly fork: string;
  readonly forkUp: string;
  readonly cross: string;
  readonly first: string;
  readonly more: string;
  readonly last: string;
  readonly pass: string;
  readonly flag: string;
  readonly fold: string;
}

const BOX: Glyphs = {
  ...{ line: '─', fork: '┬', forkUp: '┴', cross: '┼', first: '┌', more: '├', last: '└' },
  ...{ pass: '│', flag: '◄', fold: '┄' },
};
const ASCII: Glyphs = {
  ...{ line: '-', fork: '+', forkUp: '+', cross: '+', first: '+', more: '+', last: '+' },
  ...{ pass: '|', flag: '<', fold: '.' },
};

/**
 * The fork tree as text: a column a height, a row a track. `[ ]` is on some node's branch, `( )` on nobody's;
 * the flag names the nodes whose tip it is. Several short dead branches may share a row.
 */
export function drawTree(forest: Forest, options: DrawOptions): Drawing {
  const glyphs = options.ascii === true ? ASCII : BOX;
  let top = 0;
  let bottom = Number.MAX_SAFE_INTEGER;
  for (const block of forest.blocks.values()) {
    top = Math.max(top, block.height);
    bottom = Math.min(bottom, block.height);
  }
  if (forest.blocks.size === 0) return { ruler: '', rows: [], hidden: '' };
  top = Math.max(bottom, Math.min(top, options.until ?? top));
  const tips = options.tips ?? forest.tips;
  const from = Math.max(top - options.last + 1, bottom, Math.min(1, top));
  const kept = keptBlocks(forest, tips, from);
  const inside = [...forest.blocks.values()].filter((b) => b.height >= from && b.height <= top);
  const { tracks, hidden } = chooseTracks(forest, inside, kept, options.maxRows ?? Number.MAX_SAFE_INTEGER);
  const cells = new Map<string, SeenBlock>();
  const widths: number[] = [];
  for (const block of inside) {
    if (!tracks.has(block.track)) continue;
    cells.set(`${block.track}:${block.height}`, block);
    const column = block.height - from;
    widths[column] = Math.max(widths[column] ?? 0, block.label.length + 2);
  }
  const folded =
    from > 1 && options.fold !== false ? `${glyphs.fold}${from - 1} more${glyphs.fold}` : glyphs.line;
  const order = [...tracks].sort((a, b) => a - b);
  const drawn = order.flatMap((track) =>
    drawRow(forest, options, glyphs, { track, from, top, widths, cells, kept, folded, tips }),
  );
  const rows = withForks(forest, drawn, from);
  let ruler = ' '.repeat(folded.length);
  widths.forEach((width, column) => {
    ruler += String(from + column)
      .padEnd(width + 2)
      .padStart(width + 3)
      .slice(0, width + 2);
  });
  return { ruler: ruler.trimEnd(), rows, hidden };
}

/** Rows that begin before what is drawn: all but the one with most work say where they have left it. */
function withForks(forest: Forest, rows: readonly DrawnRow[], from: number): DrawnRow[] {
  const beginsBefore = (row: DrawnRow) => row.cells[0]?.block.height === from;
  const [main] = rows.filter(beginsBefore).sort((a, b) => (a.end.work > b.end.work ? -1 : 1));
  return rows.map((row) => {
    if (main === undefined || row === main || !beginsBefore(row)) return row;
    const fork = forest.forkPoint(row.cells[0]!.block.id, main.cells[0]!.block.id);
    return fork === undefined || fork.height >= from ? row : { ...row, fork };
  });
}

interface Grid {
  readonly track: number;
  readonly from: number;
  readonly top: number;
  readonly widths: readonly number[];
  readonly cells: ReadonlyMap<string, SeenBlock>;
  readonly kept: ReadonlySet<string>;
  readonly folded: string;
  readonly tips: ReadonlyMap<string, string>;
}

function drawRow(forest: Forest, options: DrawOptions, glyphs: Glyphs, grid: Grid): DrawnRow[] {
  const { track, from, top, widths, cells, kept, tips } = grid;
  const drawn: DrawnCell[] = [];
  let text = '';
  let end: SeenBlock | undefined;
  let length = 0;
  for (let height = from; height <= top; height++) {
    const block = cells.get(`${track}:${height}`);
    text += link(forest, glyphs, grid, height - 1, block);
    const width = widths[height - from] ?? 0;
    if (block === undefined) {
      text += ' '.repeat(width);
      continue;
    }
    const cell = kept.has(block.id) ? `[${block.label}]` : `(${block.label})`;
    drawn.push({ block, at: text.length, width: cell.length });
    const goesOn = cells.get(`${track}:${height + 1}`)?.prev === block.id;
    text += cell + (goesOn ? glyphs.line : ' ').repeat(width - cell.length);
    end = block;
    length = text.length - (goesOn ? 0 : width - cell.length);
  }
  if (end === undefined) return [];
  const last = end;
  const flags = options.nodes.filter((node) => tips.get(node) === last.id);
  const behind = options.nodes.filter((node) => {
    const tip = forest.blocks.get(tips.get(node) ?? '');
    return tip !== undefined && tip.track === track && tip.id !== last.id && tip.height >= from;
  });
  const flag = flags.length > 0 ? `${glyphs.flag}${flags.join('')}` : '';
  const late = behind.map((node) => `  ${node} at ${forest.nameOf(tips.get(node) ?? '')}`).join('');
  const stale = !kept.has(last.id);
  const tail = options.late === false ? flag : flag + late;
  return [{ text: text.slice(0, length) + tail, end: last, flags, stale, cells: drawn }];
}

/** The two characters in front of a column: a line on, the start of a branch, or a branch passing by to a row beyond. */
function link(
  forest: Forest,
  glyphs: Glyphs,
  grid: Grid,
  parentHeight: number,
  block: SeenBlock | undefined,
): string {
  const { track, from, cells, folded } = grid;
  if (parentHeight < from) {
    if (block === undefined) return ' '.repeat(folded.length);
    const first = [...cells.values()].filter((b) => b.height === from).every((b) => b.track >= track);
    return first ? folded : ' '.repeat(folded.length - 1) + glyphs.line;
  }
  const parent = block === undefined ? undefined : forest.blocks.get(block.prev);
  const spans = branchSpans(forest, grid, parentHeight);
  const span = parent === undefined ? undefined : spans.get(parent.id);
  if (parent !== undefined && parent.track === track) {
    const [up, down] = span === undefined ? [false, false] : [span[0] < track, span[1] > track];
    return (up ? (down ? glyphs.cross : glyphs.forkUp) : down ? glyphs.fork : glyphs.line) + glyphs.line;
  }
  if (parent !== undefined && span !== undefined && parent.track > track)
    return (span[0] < track ? glyphs.more : glyphs.first) + glyphs.line;
  if (block !== undefined) return ((span?.[1] ?? 0) > track ? glyphs.more : glyphs.last) + glyphs.line;
  for (const [id, [highest, lowest]] of spans) {
    const at = forest.blocks.get(id);
    if (at !== undefined && at.track !== track && highest < track && lowest > track) return `${glyphs.pass} `;
  }
  return '  ';
}

/** For each block at a height that branches: the highest and the lowest row that it or one of its children is drawn on. */
function branchSpans(forest: Forest, grid: Grid, height: number): Map<string, readonly [number, number]> {
  const found = new Map<string, readonly [number, number]>();
  for (const block of grid.cells.values()) {
    if (block.height !== height) continue;
    let [highest, lowest] = [block.track, block.track];
    for (const id of forest.children.get(block.id) ?? []) {
      const child = forest.blocks.get(id);
      if (child === undefined || !isDrawn(grid, child)) continue;
      highest = Math.min(highest, child.track);
      lowest = Math.max(lowest, child.track);
    }
    if (highest < lowest) found.set(block.id, [highest, lowest]);
  }
  return found;
}

/** It has a cell: neither its row nor its height is left out. */
function isDrawn(grid: Grid, block: SeenBlock): boolean {
  return grid.cells.get(`${block.track}:${block.height}`) === block;
}
