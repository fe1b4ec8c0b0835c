import { plural } from '../../util/plural.ts';
import type { Agreement } from '../state/agreement.ts';
import type { Forest } from '../state/forest.ts';
import { list } from '../words/words.ts';
import type { Shape } from './conditions.ts';
import { ADJUSTED_WORDS, type Basis, DELAY_WORDS, digits } from './rows.ts';

/** What the figures mean, in the words of somebody who was not there. */

/** How a figure is counted, by its row's `id` (`reorg3`: reorganisations three deep). */
export function figureMeaning(id: string): string {
  const k = id.replace(/^\D+/, '');
  const below = k === '0' ? 'about their tips' : `${plural(Number(k), 'block')} below their tips`;
  switch (id.replace(/\d+$/, '')) {
    case 'stale':
      return 'Blocks found in this time that ended on nobody’s branch, of all blocks found in it.';
    case 'forked':
      return 'Heights at which two blocks or more were found, of all heights that got a block.';
    case 'agree':
      return 'Share of the time in which every node had the same tip.';
    case 'lag':
      return 'Share of the time in which tips differed, but only because one branch was the beginning of the other.';
    case 'D':
      return `Ask two nodes, drawn by chance, at one moment: how often do they contradict each other ${below}? An average over time and all pairs of nodes.`;
    case 'A':
      return `Share of the time in which any two nodes contradicted each other ${below}.`;
    case 'V':
      return `How often somebody who trusted a block ${k === '0' ? 'at the tip' : `${k} deep`} saw it undone, counted per height, all nodes together.`;
    case 'reorg':
      return `Times that a node undid exactly ${plural(Number(k), 'block')} for a branch with more work. Nodes of one side count one each.`;
    default:
      return '';
  }
}

/** The same as a formula. */
export function figureFormula(id: string): string {
  const k = id.replace(/^\D+/, '');
  switch (id.replace(/\d+$/, '')) {
    case 'stale':
      return 'stale blocks / blocks found';
    case 'forked':
      return 'heights with ≥ 2 blocks / heights';
    case 'agree':
      return '∫ [all tips equal] dt / ∫ dt';
    case 'lag':
      return '∫ [tips differ, max m = 0] dt / ∫ dt';
    case 'D':
      return `∫ mean over pairs of [m > ${k}] dt / ∫ dt, with m = min(height) − height of the last common block`;
    case 'A':
      return `∫ [max m > ${k}] dt / ∫ dt, with m = min(height) − height of the last common block`;
    case 'V':
      return `tip changes that undo > ${k} blocks / heights`;
    default:
      return `reorgs with depth = ${k}`;
  }
}

/** Why the rows with a mark have one, or why none has. */
export function basisWords(basis: Basis, shape: Shape): string {
  if (basis.kind === 'none') {
    const open = shape.kind === 'other' && shape.why === 'a cut is open';
    return open
      ? 'While a cut is open no depth is safe, and no formula holds: run it simulated.'
      : `No closed form here (${basis.why}): run it simulated.`;
  }
  const x = `x = blocks per delay = ${digits(basis.blocksPerS)}/s × ${digits(basis.delayMs / 1000)} s (${DELAY_WORDS[basis.delayOf]}) = ${digits(basis.x)}`;
  const nearly = basis.adjusted ? ` ${ADJUSTED_WORDS}.` : '';
  if (basis.kind === 'two-clusters') return `Predicted for two clusters of equal power, ${x}.${nearly}`;
  return `Predicted: stale and forked heights, ${x}.${nearly} For reads there is no closed form on such links: run it simulated.`;
}

/** Do they agree, now? Yes, no, or nearly, and who says what. */
export function agreementWords(agreement: Agreement, forest: Forest): string {
  const { answers, depth, behind } = agreement;
  const [first] = answers;
  if (first === undefined) return 'No node is up.';
  if (answers.length === 1) {
    const say = ['', 'says', 'both say'][first.nodes.length] ?? 'all say';
    return `Yes: ${list(first.nodes)} ${say} ${forest.nameOf(first.id)}.`;
  }
  if (depth === 0)
    return `Nearly: ${list(behind)} ${behind.length === 1 ? 'has' : 'have'} not heard the newest yet, nobody contradicts.`;
  const said = answers
    .slice(0, 4)
    .map((a) => `${a.nodes.join(' ')} say${a.nodes.length === 1 ? 's' : ''} ${forest.nameOf(a.id)}`);
  const more = answers.length > 4 ? `, and ${answers.length - 4} more answers` : '';
  return `No: ${said.join(', ')}${more}. They contradict each other ${plural(depth, 'block')} deep.`;
}
