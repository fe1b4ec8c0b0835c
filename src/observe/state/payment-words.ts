import { plural } from '../../util/plural.ts';
import { tail } from '../words/words.ts';
import type { Forest } from './forest.ts';
import type { Payments, Standing } from './payments.ts';

/** The other payment that spends the same coin, if one is known. */
export type Rival = (txid: string) => string | undefined;

/** How the log says that two payments spend the same coins; `isSpentTwice` knows it again. */
export function spentTwiceNote(coins: number, payments: readonly string[]): string {
  return `${coins === 1 ? 'one coin' : `the same ${coins} coins`}, two payments: ${payments.join(' and ')}`;
}

export function isSpentTwice(note: string): boolean {
  return /^(one coin|the same \d+ coins), two payments: /.test(note);
}

/** What is spent twice, before it is known how many coins an amount takes: one where no amount is asked for. */
export function spentTwicePlan(from: string, amount: string | undefined): string {
  return amount === undefined
    ? `${from} spends one coin twice, whole`
    : `${from} spends the same coins twice, ${amount} each`;
}

/** Where a payment stands on one node: `2 confirmations`, `waiting`, `unknown, coin gone in 8A`. */
export function standingWords(
  txid: string,
  node: string,
  payments: Payments,
  forest: Forest,
  rival: Rival,
): string {
  if (!forest.tips.has(node)) return 'down';
  const standing = payments.standing(txid, node);
  switch (standing.kind) {
    case 'confirmed':
      return plural(standing.depth, 'confirmation');
    case 'waiting':
      return standing.returned ? 'waiting again' : 'waiting';
    case 'gone':
      return goneWords(standing, forest);
    default:
      return `unknown${rivalWords(rival(txid), node, payments, forest)}`;
  }
}

function goneWords(standing: Extract<Standing, { kind: 'gone' }>, forest: Forest): string {
  if (standing.block !== undefined) return `UNDONE, coin gone in ${forest.nameOf(standing.block)}`;
  if (standing.by !== undefined) return `gone: ${tail(standing.by)} has its coin`;
  return `gone: ${standing.why}`;
}

/** A node that never heard of a payment may have given its coin to another one. */
function rivalWords(rival: string | undefined, node: string, payments: Payments, forest: Forest): string {
  if (rival === undefined) return '';
  const other = payments.standing(rival, node);
  if (other.kind === 'confirmed') return `, coin gone in ${forest.nameOf(other.block)}`;
  return other.kind === 'waiting' ? `, coin promised to ${tail(rival)}` : '';
}

/** One character of a payment's lane: `·` unknown, `░` waiting, 1…9 + confirmations, ✕ undone, blank = node down. */
export function laneSign(txid: string, node: string, payments: Payments, forest: Forest): string {
  if (!forest.tips.has(node)) return ' ';
  const standing = payments.standing(txid, node);
  switch (standing.kind) {
    case 'confirmed':
      return standing.depth > 9 ? '+' : String(standing.depth);
    case 'waiting':
      return '░';
    case 'gone':
      return '✕';
    default:
      return '·';
  }
}
