import { keysOf } from '../../lab/experiment/report.ts';
import { ratio, toleranceOf } from '../../lab/experiment/rows.ts';
import type { JudgedRow, Row } from '../../lab/experiment/types.ts';
import { scoreText } from '../../lab/experiment/verdict.ts';
import { formatCount } from '../../observe/words/units.ts';
import { widthOf } from './fit.ts';

/**
 * The rows of an experiment for a terminal of so many columns. Where they are too wide, what is the same in all rows is
 * said once, figures of size and names of models become short, and then what tells groups of rows apart becomes headings.
 */

type Rows = readonly (readonly string[])[];
type Setter = (rows: Rows) => readonly string[];

interface Shape {
  /** Columns of keys. */
  readonly keys: readonly string[];
  /** Keys whose values stand above the rows that have them. */
  readonly above: readonly string[];
  readonly short: boolean;
}

export function experimentLines(rows: readonly JudgedRow[], columns: number, set: Setter): string[] {
  const all = keysOf(rows);
  const same = all.filter((key) => new Set(rows.map((row) => row.keys[key])).size === 1);
  const keys = rows.length === 1 ? all : all.filter((key) => !same.includes(key));
  const shapes: Shape[] = [{ keys: all, above: [], short: false }];
  // The last key stays: a row must begin with something.
  for (let i = 0; i === 0 || i < keys.length; i++)
    shapes.push({ keys: keys.slice(i), above: keys.slice(0, i), short: true });
  let lines: string[] = [];
  for (const shape of shapes) {
    lines = linesOf(rows, shape, set);
    if (shape.short && keys.length < all.length)
      lines.unshift(`in all rows: ${same.map((key) => `${key} ${rows[0]!.keys[key]}`).join(', ')}`);
    if (lines.every((line) => widthOf(line) <= columns)) break;
  }
  return lines;
}

/** What predicts each row, once, with the letter that stands in its last column. */
export function formulaLines(rows: readonly Row[]): string[] {
  return formulasOf(rows).map((formula, i) => `${letterOf(i)} = ${formula}`);
}

function linesOf(rows: readonly JudgedRow[], { keys, above, short }: Shape, set: Setter): string[] {
  const off = rows.map(toleranceOf);
  const some = off.some((text) => text !== '');
  const head = [
    ...[...keys.map((k) => k.toUpperCase()), 'MODEL', 'MEASURED', 'PREDICTED'],
    ...(some ? [short ? 'OFF' : 'MAY BE OFF'] : []),
    ...['SE', 'N', 'SCORE', '', 'BY'],
  ];
  const formulas = formulasOf(rows);
  const body = rows.map((r, i) => [
    ...keys.map((k) => String(r.keys[k] ?? '')),
    short ? r.model.split(' ')[0]! : r.model,
    ratio(r.measured),
    ratio(r.predicted),
    ...(some ? [off[i]!] : []),
    ratio(r.se),
    short && r.n >= 1_000 ? formatCount(r.n) : Math.round(r.n).toLocaleString('en-US'),
    scoreText(r.z),
    r.ok ? '✓' : 'BEYOND',
    letterOf(formulas.indexOf(formulaOf(r))),
  ]);
  const [heading, ...lines] = set([head, ...body]);
  if (above.length === 0) return [heading!, ...lines];
  const out = [`  ${heading}`];
  let last = '';
  for (const [i, row] of rows.entries()) {
    const group = above.flatMap((key) => row.keys[key] ?? []).join(', ');
    if (group !== last) out.push(group);
    last = group;
    out.push(`  ${lines[i]}`);
  }
  return out;
}

function formulasOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(formulaOf))];
}

function formulaOf(row: Row): string {
  return `${row.formula} (${row.origin})`;
}

/** a, b, … z, then a2: no experiment has as many formulas. */
function letterOf(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : `${letter}${Math.floor(index / 26) + 1}`;
}
