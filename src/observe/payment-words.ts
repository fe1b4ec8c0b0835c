import type { Forest } from './forest.ts';
import type { Payments, Standing } from './payments.ts';
import { count, tail } from './words.ts';

/** The other payment that spends the same coin, if one is known. */
export type Rival = (txid: string) => string | undefined;

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
      return count(standing.depth, 'confirmation');
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
