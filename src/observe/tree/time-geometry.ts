import { type Geometry, HEAD, type Point, ROW, SIDE, SMALL_BLOCK } from './cells.ts';
import type { Column, Layout } from './layout.ts';

/**
 * Moments to pixels. One reckoning for both directions: `along` the axis from the left or from the bottom, `across` it
 * from the top or from the left.
 */

const r = SMALL_BLOCK / 2;
/** Before the first moment. */
const BEGIN = 24;
/** A block that steps aside does so by this much. */
const ASIDE = { across: SMALL_BLOCK + 14, upright: SMALL_BLOCK + 10 };
/** Where a branch leaves its parent's line. */
const BEND = r + 6;

export function timeGeometry(
  { columns, rows: wished }: Layout,
  { axis, cut }: NonNullable<Layout['time']>,
  isUpright: boolean,
  room: number,
): Geometry {
  const rows = Math.max(1, wished);
  // Whoever steps aside stays on its own ground.
  const pitch = isUpright ? ROW.upright : ROW.across + ASIDE.across;
  const aside = isUpright ? ASIDE.upright : ASIDE.across;
  const length = SIDE + BEGIN + axis.end;
  /** The far end of the picture, from where the axis begins. */
  const far = length + room;
  const size: Point = isUpright
    ? [SIDE + 24 + rows * pitch + 40, far + BEGIN]
    : [far, HEAD + rows * pitch + aside / 2];
  const rowAt = (row: number) => (isUpright ? SIDE + 34 : HEAD + 24) + row * pitch;
  const alongOf = (column: Column | undefined) =>
    SIDE + BEGIN + (column?.kind === 'moment' ? column.at : axis.end);
  const point = (along: number, over: number): Point => (isUpright ? [over, far - along] : [along, over]);
  /** How far along and across a cell is. */
  const cell = (index: number, row: number): Point => {
    const column = columns[index];
    const steps = column?.kind === 'moment' && column.aside && column.row === row;
    return [alongOf(column), rowAt(row) + (steps ? aside : 0)];
  };
  const line = ([a0, o0]: Point, [a1, o1]: Point): string => {
    const way = (...stops: readonly Point[]) => `M${stops.map((s) => point(...s).join(' ')).join('L')}`;
    if (o0 === o1) return way([a0 + r, o0], [a1 - r, o1]);
    // Too close for a bend between them: from the side that looks there.
    const side = o0 + (o1 > o0 ? r : -r);
    if (a1 - a0 > BEND + r) return way([a0 + r, o0], [a0 + BEND, o0], [a0 + BEND, o1], [a1 - r, o1]);
    if (a1 - a0 > r) return way([a0, side], [a0, o1], [a1 - r, o1]);
    return way([a0, side], [a1, o1 + (o1 > o0 ? -r : r)]);
  };
  const seamAt = (column: number) =>
    cut === undefined ? alongOf(columns[column]) + BEND + 6 : SIDE + BEGIN + cut;
  const indexAt = (along: number): number => {
    const place = along - SIDE - BEGIN;
    let low = 0;
    let high = columns.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const column = columns[middle]!;
      if (column.kind === 'moment' && column.at < place) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    isUpright,
    face: SMALL_BLOCK,
    label: 11,
    size,
    at: (column, row) => point(...cell(column, row)),
    ruler: (column) =>
      isUpright ? [22, point(alongOf(columns[column]), 0)[1]] : [alongOf(columns[column]), 18],
    link: (fromColumn, fromRow, toColumn, toRow) => line(cell(fromColumn, fromRow), cell(toColumn, toRow)),
    next(column, row) {
      const tip = cell(column, row);
      const to: Point = [Math.max(length + r + 8, tip[0] + SMALL_BLOCK + 14), rowAt(row)];
      return { at: point(...to), link: line(tip, to) };
    },
    // Nothing folds: a silence is what takes less room.
    foldLine: () => '',
    foldLabel: (x, y) => [x, y],
    seam: (column) => [
      point(seamAt(column), isUpright ? 40 : 26),
      point(seamAt(column), isUpright ? size[0] : size[1]),
    ],
    ground(column, row, to) {
      const seam = seamAt(column) + 2;
      const from = Math.max(seam, alongOf(columns[column]) + r + 4);
      const end = to === undefined ? far : Math.max(from, alongOf(columns[to]) + BEND);
      const [x, y] = point(isUpright ? end : from, rowAt(row) - (isUpright ? 34 : 58));
      return isUpright ? [x, y, pitch, end - from] : [x, y, end - from, pitch];
    },
    columnsIn: (from, view, margin) => {
      const [low, high] = isUpright ? [far - from - view, far - from] : [from, from + view];
      return [Math.max(0, indexAt(low) - margin), indexAt(high) + margin];
    },
  };
}

/** Where a place on the axis lies in the picture, along its direction. */
export function alongAxis({ isUpright, size }: Geometry, place: number): number {
  return isUpright ? size[1] - BEGIN - (SIDE + BEGIN + place) : SIDE + BEGIN + place;
}
