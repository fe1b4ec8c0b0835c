/** Sizes of what is drawn, and what lays cells of a layout into a picture. Pure. */

export const BLOCK = 44;
/** Where blocks stand by time, which may be close. */
export const SMALL_BLOCK = 28;
/** From row to row. */
export const ROW = { across: 92, upright: 96 };
export const HEAD = 74;
export const SIDE = 46;

export type Point = readonly [x: number, y: number];

export interface Geometry {
  readonly isUpright: boolean;
  /** Side of a block, and the room that its height takes above it where no ruler tells it. */
  readonly face: number;
  readonly label: number;
  readonly size: Point;
  at(column: number, row: number): Point;
  ruler(column: number): Point;
  link(fromColumn: number, fromRow: number, toColumn: number, toRow: number): string;
  /** Where the block behind a tip will come, and the line to it. */
  next(column: number, row: number): { readonly at: Point; readonly link: string };
  foldLine(column: number, row: number): string;
  foldLabel(x: number, y: number): Point;
  /** Seam behind a column: from, to. */
  seam(column: number): readonly [Point, Point];
  /** Ground of a row behind a column, up to another one or to the end: x, y, width, height. */
  ground(column: number, row: number, to?: number): readonly [number, number, number, number];
  columnsIn(from: number, size: number, margin: number): readonly [number, number];
}
