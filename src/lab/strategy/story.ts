import { formatAmount } from '../../bitcoin/amount.ts';
import { LEAST_EVENTS } from '../../observe/figures/rows.ts';
import { type Attempt, CHEAT, MERCHANT, PRICE } from '../../sim/strategy/paid-twice.ts';
import { plural } from '../../util/plural.ts';
import { tailOf } from '../../yard/names.ts';

/** What came of playing a strategy, in figures and in words. */

export interface StrategySummary {
  readonly node: string;
  readonly strategy: string;
  /** Own blocks found in secret, and shown so far. */
  readonly found: number;
  readonly shown: number;
  /** Of the main chain since the beginning: all blocks, and the node's own. */
  readonly chain: number;
  readonly own: number;
  /** With a strategy that cheats a merchant: what became of his payments. */
  readonly payments?: readonly Attempt[];
  /** Share of the yard's hash power, where every miner has a cap. */
  readonly power?: number;
}

/** `C has 21 of the 48 blocks of the main chain (43.8 %) with 33.3 % of the hash power`. */
export function summaryLine(s: StrategySummary): string {
  // Of a few blocks a percentage would be noise.
  const share = s.chain < LEAST_EVENTS ? '' : ` (${((100 * s.own) / s.chain).toFixed(1)} %)`;
  const power = s.power === undefined ? '' : ` with ${(100 * s.power).toFixed(1)} % of the hash power`;
  return `${s.node} has ${s.own} of the ${s.chain} new blocks of the main chain${share}${power}; it found ${s.found}`;
}

/** The last ones; all are counted. */
const TOLD = 8;

/** One line for each payment that the merchant got, and one with the sums. */
export function paymentLines(node: string, attempts: readonly Attempt[] | undefined): string[] {
  if (attempts === undefined) return [];
  if (attempts.length === 0) return [`Nobody was paid: ${CHEAT} has no coin of ${formatAmount(PRICE)}`];
  const price = formatAmount(PRICE);
  const lines = attempts.slice(-TOLD).map(({ payment, conflict, confirmations, outcome }) => {
    const paid = `${node} paid ${MERCHANT} ${price} with ${tailOf(payment)}`;
    const had = plural(confirmations, 'confirmation');
    if (outcome === 'undone')
      return `${paid}: UNDONE after ${had}, ${tailOf(conflict)} gave the coin back to ${CHEAT}`;
    return `${paid}: ${had}, ${outcome === 'open' ? 'not decided yet' : 'kept'}`;
  });
  if (attempts.length > TOLD) lines.unshift(`… ${attempts.length - TOLD} payments before these`);
  const of = (wanted: Attempt['outcome']) => attempts.filter(({ outcome }) => outcome === wanted).length;
  const open = of('open') === 0 ? '' : `, ${of('open')} not decided yet`;
  lines.push(
    `${MERCHANT} was paid ${plural(attempts.length, 'time')}: ${of('undone')} undone, ${of('kept')} kept${open}`,
  );
  return lines;
}
