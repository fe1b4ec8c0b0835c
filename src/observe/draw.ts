import type { Forest, SeenBlock } from './forest.ts';

export interface DrawOptions {
  /** Nodes whose tips are flagged, in the order in which flags are written. */
  readonly nodes: readonly string[];
  /** Only this many of the highest heights are drawn. */
  readonly last: number;
  /** `+ - <` instead of box characters. */
  readonly ascii?: boolean;
  /** Say how many heights are left out at the left (default), or just draw a line. */
  readonly fold?: boolean;
}

export interface DrawnRow {
  readonly text: string;
  /** Last block drawn on the row. */
  readonly end: SeenBlock;
  /** Nodes whose tip is `end`. */
  readonly flags: readonly string[];
  /** Is `end` on no node's branch? */
  readonly stale: boolean;
}

export interface Drawing {
  /** The ruler of heights, aligned with the rows; '' when nothing is drawn. */
  readonly ruler: string;
  readonly rows: readonly DrawnRow[];
}

interface Glyphs {
  readonly line: string;
  readonly fork: string;
  readonly more: string;
  readonly last: string;
  readonly pass: string;
  readonly flag: string;
  readonly fold: string;
}

const BOX: Glyphs = { line: '─', fork: '┬', more: '├', last: '└', pass: '│', flag: '◄', fold: '┄' };
const ASCII: Glyphs = { line: '-', fork: '+', more: '+', last: '+', pass: '|', flag: '<', fold: '.' };

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
  if (forest.blocks.size === 0) return { ruler: '', rows: [] };
  const from = Math.max(top - options.last + 1, bottom, Math.min(1, top));
  const kept = new Set<string>();
  for (const tip of forest.tips.values()) {
    for (
      let at = forest.blocks.get(tip);
      at !== undefined && at.height >= from;
      at = forest.blocks.get(at.prev)
    ) {
      kept.add(at.id);
    }
  }
  const cells = new Map<string, SeenBlock>();
  const widths: number[] = [];
  const tracks = new Set<number>();
  for (const block of forest.blocks.values()) {
    if (block.height < from) continue;
    cells.set(`${block.track}:${block.height}`, block);
    tracks.add(block.track);
    const column = block.height - from;
    widths[column] = Math.max(widths[column] ?? 0, block.label.length + 2);
  }
  const folded =
    from > 1 && options.fold !== false ? `${glyphs.fold}${from - 1} more${glyphs.fold}` : glyphs.line;
  const order = [...tracks].sort((a, b) => a - b);
  const rows = order.flatMap((track) =>
    drawRow(forest, options, glyphs, { track, from, top, widths, cells, kept, folded }),
  );
  let ruler = ' '.repeat(folded.length);
  widths.forEach((width, column) => {
    ruler += String(from + column)
      .padEnd(width + 2)
      .padStart(width + 3)
      .slice(0, width + 2);
  });
  return { ruler: ruler.trimEnd(), rows };
}

interface Grid {
  readonly track: number;
  readonly from: number;
  readonly top: number;
  readonly widths: readonly number[];
  readonly cells: ReadonlyMap<string, SeenBlock>;
  readonly kept: ReadonlySet<string>;
  readonly folded: string;
}

function drawRow(forest: Forest, options: DrawOptions, glyphs: Glyphs, grid: Grid): DrawnRow[] {
  const { track, from, top, widths, cells, kept } = grid;
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
    const goesOn = cells.get(`${track}:${height + 1}`)?.prev === block.id;
    text += cell + (goesOn ? glyphs.line : ' ').repeat(width - cell.length);
    end = block;
    length = text.length - (goesOn ? 0 : width - cell.length);
  }
  if (end === undefined) return [];
  const last = end;
  const flags = options.nodes.filter((node) => forest.tips.get(node) === last.id);
  const behind = options.nodes.filter((node) => {
    const tip = forest.blocks.get(forest.tips.get(node) ?? '');
    return tip !== undefined && tip.track === track && tip.id !== last.id && tip.height >= from;
  });
  const flag = flags.length > 0 ? `${glyphs.flag}${flags.join('')}` : '';
  const late = behind.map((node) => `  ${node} at ${forest.nameOf(forest.tips.get(node) ?? '')}`).join('');
  return [{ text: text.slice(0, length) + flag + late, end: last, flags, stale: !kept.has(last.id) }];
}

/** The two characters in front of a column: a line on, the start of a branch, or a branch passing by to a row below. */
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
  const below = branchesBelow(forest, grid, parentHeight);
  if (parent !== undefined && parent.track === track) {
    return (below.has(parent.id) ? glyphs.fork : glyphs.line) + glyphs.line;
  }
  if (block !== undefined)
    return (below.get(block.prev) ?? 0) > track ? glyphs.more + glyphs.line : glyphs.last + glyphs.line;
  for (const [id, deepest] of below) {
    const at = forest.blocks.get(id);
    if (at !== undefined && at.track < track && deepest > track) return `${glyphs.pass} `;
  }
  return '  ';
}

/** For each block at a height: the lowest row that one of its children is drawn on, if that is below its own. */
function branchesBelow(forest: Forest, grid: Grid, height: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const block of grid.cells.values()) {
    if (block.height !== height) continue;
    for (const id of forest.children.get(block.id) ?? []) {
      const child = forest.blocks.get(id);
      if (child !== undefined && child.track > block.track) {
        found.set(block.id, Math.max(found.get(block.id) ?? 0, child.track));
      }
    }
  }
  return found;
}
