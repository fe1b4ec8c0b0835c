import {
  type FigureRow,
  intervalWords,
  LEAST_EVENTS,
  percent,
  predictedWords,
} from '../../observe/figures/rows.ts';
import { plural } from '../../util/plural.ts';
import { widthOf } from './fit.ts';

/** The table of `stats`, as much of it as a terminal has room for; `--json` has all. */

type Setter = (rows: readonly (readonly string[])[]) => readonly string[];

/** What is left out, one after the other, until the table fits. */
interface Shape {
  /** That a figure is one per height, and what N counts: their names say nearly as much. */
  readonly bare: boolean;
  /** Formulas stand below by a letter. */
  readonly letters: boolean;
  /** Shares without the counts that they are made of. */
  readonly shares: boolean;
}

const SHAPES: readonly Shape[] = [
  { bare: false, letters: false, shares: false },
  { bare: true, letters: false, shares: false },
  { bare: true, letters: true, shares: false },
  { bare: true, letters: true, shares: true },
];

export function figureLines(rows: readonly FigureRow[], columns: number, set: Setter): readonly string[] {
  let lines: readonly string[] = [];
  for (const shape of SHAPES) {
    lines = linesOf(rows, shape, set);
    if (lines.every((line) => widthOf(line) <= columns)) break;
  }
  return lines;
}

function linesOf(rows: readonly FigureRow[], shape: Shape, set: Setter): readonly string[] {
  const theory = rows.some((row) => row.predicted !== undefined);
  const formulas = [...new Set(rows.flatMap((row) => row.formula ?? []))];
  const by = shape.letters ? 'BY' : 'FORMULA';
  const head = ['', 'MEASURED', ...(theory ? ['PREDICTED'] : []), 'N', '95 %', ...(theory ? [by] : [])];
  const body = rows.map((row) => {
    const few = row.n < LEAST_EVENTS;
    const share = shape.shares ? percent(row.value) : `${percent(row.value)} (${row.count})`;
    const formula = row.formula ?? '';
    return [
      shape.bare ? row.name.replace(', per height', '') : row.name,
      few ? row.count : share,
      ...(theory ? [predictedWords(row)] : []),
      shape.bare ? String(row.n) : plural(row.n, row.of.slice(0, -1)),
      few ? '' : intervalWords(row),
      ...(theory ? [shape.letters ? letterOf(formulas.indexOf(formula)) : formula] : []),
    ];
  });
  const lines = set([head, ...body]);
  if (!theory || !shape.letters) return lines;
  return [...lines, ...formulas.map((formula, i) => `${letterOf(i)} = ${formula}`)];
}

/** a, b, …; nothing where there is no formula. */
function letterOf(index: number): string {
  return index < 0 ? '' : String.fromCharCode(97 + index);
}
