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
  layout: Layout,
  time: NonNullable<Layout['time']>,
  isUpright: boolean,
  room: number,
): Geometry {
  return new TimeGeometry(layout, time, isUpright, room);
}

class TimeGeometry implements Geometry {
  readonly isUpright: boolean;
  readonly face = SMALL_BLOCK;
  readonly label = 11;
  readonly size: Point;
  readonly #columns: readonly Column[];
  readonly #time: NonNullable<Layout['time']>;
  readonly #pitch: number;
  readonly #aside: number;
  /** Of the axis, with its beginning. */
  readonly #length: number;
  /** The far end of the picture, from where the axis begins. */
  readonly #far: number;

  constructor(
    { columns, rows: wished }: Layout,
    time: NonNullable<Layout['time']>,
    isUpright: boolean,
    room: number,
  ) {
    const rows = Math.max(1, wished);
    this.isUpright = isUpright;
    this.#columns = columns;
    this.#time = time;
    // Whoever steps aside stays on its own ground.
    this.#pitch = isUpright ? ROW.upright : ROW.across + ASIDE.across;
    this.#aside = isUpright ? ASIDE.upright : ASIDE.across;
    this.#length = SIDE + BEGIN + time.axis.end;
    this.#far = this.#length + room;
    this.size = isUpright
      ? [SIDE + 24 + rows * this.#pitch + 40, this.#far + BEGIN]
      : [this.#far, HEAD + rows * this.#pitch + this.#aside / 2];
  }

  at(column: number, row: number): Point {
    return this.#point(this.#cell(column, row));
  }

  ruler(column: number): Point {
    const along = this.#alongOf(column);
    return this.isUpright ? [22, this.#point([along, 0])[1]] : [along, 18];
  }

  link(fromColumn: number, fromRow: number, toColumn: number, toRow: number): string {
    return this.#line(this.#cell(fromColumn, fromRow), this.#cell(toColumn, toRow));
  }

  next(column: number, row: number): { at: Point; link: string } {
    const tip = this.#cell(column, row);
    const to: Point = [Math.max(this.#length + r + 8, tip[0] + SMALL_BLOCK + 14), this.#rowAt(row)];
    return { at: this.#point(to), link: this.#line(tip, to) };
  }

  /** Nothing folds: a silence is what takes less room. */
  foldLine(): string {
    return '';
  }

  foldLabel(x: number, y: number): Point {
    return [x, y];
  }

  seam(column: number): [Point, Point] {
    const along = this.#seamAt(column);
    return this.isUpright
      ? [this.#point([along, 40]), this.#point([along, this.size[0]])]
      : [this.#point([along, 26]), this.#point([along, this.size[1]])];
  }

  ground(column: number, row: number, to: number | undefined): [number, number, number, number] {
    const seam = this.#seamAt(column) + 2;
    const from = Math.max(seam, this.#alongOf(column) + r + 4);
    const end = to === undefined ? this.#far : Math.max(from, this.#alongOf(to) + BEND);
    const top = this.#rowAt(row) - (this.isUpright ? 34 : 58);
    const [x, y] = this.#point([this.isUpright ? end : from, top]);
    return this.isUpright ? [x, y, this.#pitch, end - from] : [x, y, end - from, this.#pitch];
  }

  columnsIn(from: number, view: number, margin: number): [number, number] {
    const far = this.#far;
    const [low, high] = this.isUpright ? [far - from - view, far - from] : [from, from + view];
    return [Math.max(0, this.#indexAt(low) - margin), this.#indexAt(high) + margin];
  }

  #rowAt(row: number): number {
    return (this.isUpright ? SIDE + 34 : HEAD + 24) + row * this.#pitch;
  }

  #alongOf(index: number): number {
    const column = this.#columns[index];
    return SIDE + BEGIN + (column?.kind === 'moment' ? column.at : this.#time.axis.end);
  }

  /** From along and across to the picture's x and y. */
  #point([along, across]: Point): Point {
    return this.isUpright ? [across, this.#far - along] : [along, across];
  }

  /** How far along and across a cell is. */
  #cell(index: number, row: number): Point {
    const column = this.#columns[index];
    const steps = column?.kind === 'moment' && column.aside && column.row === row;
    return [this.#alongOf(index), this.#rowAt(row) + (steps ? this.#aside : 0)];
  }

  #line([a0, o0]: Point, [a1, o1]: Point): string {
    const way = (...stops: readonly Point[]) => `M${stops.map((s) => this.#point(s).join(' ')).join('L')}`;
    if (o0 === o1) return way([a0 + r, o0], [a1 - r, o1]);
    // Too close for a bend between them: from the side that looks there.
    const side = o0 + (o1 > o0 ? r : -r);
    if (a1 - a0 > BEND + r) return way([a0 + r, o0], [a0 + BEND, o0], [a0 + BEND, o1], [a1 - r, o1]);
    if (a1 - a0 > r) return way([a0, side], [a0, o1], [a1 - r, o1]);
    return way([a0, side], [a1, o1 + (o1 > o0 ? -r : r)]);
  }

  #seamAt(column: number): number {
    const { cut } = this.#time;
    return cut === undefined ? this.#alongOf(column) + BEND + 6 : SIDE + BEGIN + cut;
  }

  #indexAt(along: number): number {
    const place = along - SIDE - BEGIN;
    let low = 0;
    let high = this.#columns.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const column = this.#columns[middle]!;
      if (column.kind === 'moment' && column.at < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Where a place on the axis lies in the picture, along its direction. */
export function alongAxis({ isUpright, size }: Geometry, place: number): number {
  return isUpright ? size[1] - BEGIN - (SIDE + BEGIN + place) : SIDE + BEGIN + place;
}
