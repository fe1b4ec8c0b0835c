import { boundFor } from '../../observe/figures/judge.ts';
import type { ExperimentResult, JudgedRow, Row } from './types.ts';

/** What the rows of an experiment say together. The words and the exit code follow from the printed score of each row. */

/** Chance that one command finds a row beyond its bound though all predictions are right. */
export const RISK = 0.01;

/** Rows in the words of a sentence; more of them are in the table. */
const MOST_NAMED = 5;

export interface Verdict {
  readonly rows: readonly JudgedRow[];
  readonly bound: number;
  readonly ok: boolean;
}

export function judgeRows(rows: readonly Row[], risk: number): Verdict {
  const bound = boundFor(rows.length, risk);
  const judged = rows.map((row) => ({ ...row, ok: Math.abs(row.z) <= bound }));
  return { rows: judged, bound, ok: judged.every((row) => row.ok) };
}

/** `all 12 rows within 3.34 standard errors`, or how many are beyond, and which. */
export function verdictOf({ rows, bound }: Pick<ExperimentResult, 'rows' | 'bound'>): string {
  const beyond = rows.filter((row) => !row.ok);
  if (beyond.length === 0)
    return `${rows.length === 1 ? 'the row lies' : `all ${rows.length} rows`} within ${bound} standard errors`;
  const named = [...beyond].sort((a, b) => Math.abs(b.z) - Math.abs(a.z)).slice(0, MOST_NAMED);
  const more = beyond.length - named.length;
  const list = [...named.map(nameOf), ...(more > 0 ? [`${more} more`] : [])].join('; ');
  return `${beyond.length} of ${rows.length} rows beyond ${bound} standard errors: ${list}`;
}

/** `mean hops, nodes 1000, degree 8, reduced (score -4.89)`. */
function nameOf({ keys, model, z }: Row): string {
  const words = Object.entries(keys).map(([key, value]) => (key === 'quantity' ? value : `${key} ${value}`));
  return `${[...words, model].join(', ')} (score ${scoreText(z)})`;
}

/** Two digits, with a sign; never a `-0.00`. */
export function scoreText(z: number): string {
  const text = z.toFixed(2);
  if (Number(text) === 0) return '0.00';
  return z > 0 ? `+${text}` : text;
}

/** How the bound comes about, for whoever reads the verdict. */
export function boundRemark({
  rows,
  bound,
  risk,
}: Pick<ExperimentResult, 'rows' | 'bound' | 'risk'>): string {
  return `A score is the distance from the prediction, or from the edge of what "may be off" allows, in standard errors. If all predictions are right, a score among ${rows.length} lies beyond ${bound} by chance once in ${Math.round(1 / risk).toLocaleString('en-US')} runs. Few events, and standard errors from few values, have wider tails: their score is that of a normal distribution with the same tail.`;
}
