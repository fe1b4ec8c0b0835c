import { BLOCK, type Geometry, HEAD, type Point, ROW, SIDE } from './cells.ts';
import type { Layout } from './layout.ts';
import { timeGeometry } from './time-geometry.ts';

/** Cells to pixels: heights go to the right, or upward where the window is upright. Pure. */

/** From column to column, and from row to row. */
const PITCH = { across: 62, upright: 68 };
/** Room behind the newest block for the one being mined, and for words where branches compete. */
const AHEAD = { one: 90, many: 250 };
const ABOVE = { one: 96, many: 138 };
/** Where a branch leaves its parent's line, and where a cut's seam runs: beside each other. */
const BEND = BLOCK / 2 + 5;
const SEAM = BLOCK / 2 + 12;

export function geometryOf(layout: Layout, isUpright: boolean, answers: number): Geometry {
  const columns = layout.columns.length;
  const rows = Math.max(1, layout.rows);
  const ahead = isUpright ? ABOVE : AHEAD;
  const room = answers > 1 ? ahead.many : ahead.one;
  if (layout.time !== undefined) return timeGeometry(layout, layout.time, isUpright, room);
  return isUpright ? upright(columns, rows, room) : across(columns, rows, room);
}

function across(columns: number, rows: number, ahead: number): Geometry {
  const pitch = PITCH.across;
  const size: Point = [SIDE + columns * pitch + ahead, HEAD + rows * ROW.across];
  const at = (column: number, row: number): Point => [SIDE + column * pitch, HEAD + 24 + row * ROW.across];
  const r = BLOCK / 2;
  const link = (fromColumn: number, fromRow: number, toColumn: number, toRow: number): string => {
    const [x0, y0] = at(fromColumn, fromRow);
    const [x1, y1] = at(toColumn, toRow);
    if (y0 === y1) return `M${x0 + r} ${y0}H${x1 - r}`;
    const bend = x0 + BEND;
    return `M${x0 + r} ${y0}H${bend}V${y1}H${x1 - r}`;
  };
  return {
    isUpright: false,
    face: BLOCK,
    label: 0,
    size,
    at,
    ruler: (column) => [SIDE + column * pitch, 18],
    link,
    next: (column, row) => ({ at: at(column + 1, row), link: link(column, row, column + 1, row) }),
    foldLine(column, row) {
      const [x, y] = at(column, row);
      return `M${x - (column === 0 ? r : pitch - r)} ${y}H${x + pitch - r}`;
    },
    foldLabel: (x, y) => [x, y - 8],
    seam: (column) => {
      const x = at(column, 0)[0] + SEAM;
      return [
        [x, 26],
        [x, size[1]],
      ];
    },
    ground(column, row, to) {
      const x = at(column, row)[0] + SEAM + 2;
      const end = to === undefined ? size[0] : at(to, row)[0] + SEAM + 2;
      return [x, at(0, row)[1] - 58, end - x, ROW.across];
    },
    columnsIn: (from, length, margin) => [
      Math.max(0, Math.floor((from - SIDE) / pitch) - margin),
      Math.ceil((from + length - SIDE) / pitch) + margin,
    ],
  };
}

function upright(columns: number, rows: number, top: number): Geometry {
  const pitch = PITCH.upright;
  const size: Point = [SIDE + 24 + rows * ROW.upright + 40, top + columns * pitch];
  const at = (column: number, row: number): Point => [
    SIDE + 34 + row * ROW.upright,
    top + (columns - 1 - column) * pitch + 24,
  ];
  const r = BLOCK / 2;
  const link = (fromColumn: number, fromRow: number, toColumn: number, toRow: number): string => {
    const [x0, y0] = at(fromColumn, fromRow);
    const [x1, y1] = at(toColumn, toRow);
    if (x0 === x1) return `M${x0} ${y0 - r}V${y1 + r}`;
    return `M${x0} ${y0 - r}V${y0 - BEND}H${x1}V${y1 + r}`;
  };
  return {
    isUpright: true,
    face: BLOCK,
    label: 0,
    size,
    at,
    ruler: (column) => [22, at(column, 0)[1] + 5],
    link,
    next: (column, row) => ({ at: at(column + 1, row), link: link(column, row, column + 1, row) }),
    foldLine(column, row) {
      const [x, y] = at(column, row);
      return `M${x} ${y + (column === 0 ? r : pitch - r)}V${y - pitch + r}`;
    },
    foldLabel: (x, y) => [x + 40, y + 4],
    seam: (column) => {
      const y = at(column, 0)[1] - SEAM;
      return [
        [40, y],
        [size[0], y],
      ];
    },
    ground(column, row, to) {
      const y = at(column, row)[1] - SEAM - 2;
      const end = to === undefined ? 0 : at(to, row)[1] - SEAM - 2;
      return [at(0, row)[0] - 34, end, ROW.upright, y - end];
    },
    columnsIn: (from, length, margin) => {
      const columnAt = (y: number) => columns - 1 - (y - top - 24) / pitch;
      return [Math.max(0, Math.floor(columnAt(from + length)) - margin), Math.ceil(columnAt(from)) + margin];
    },
  };
}
