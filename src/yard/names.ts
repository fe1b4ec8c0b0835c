import { splitLetters } from '../observe/words/parse.ts';
import { nearest } from '../util/nearest.ts';
import { missing } from './problem.ts';

/** Nodes are letters A…Z, then N27…; people are names; ids are known by their last six digits. */

/** Most nodes of one yard. */
export const MAX_NODES = 64;

/** Name of the node with this index (from 0). */
export function letterOf(index: number): string {
  return index < 26 ? String.fromCharCode(65 + index) : `N${index + 1}`;
}

/** The last six digits: the leading ones of a block id are zeros by proof of work. */
export function tailOf(id: string): string {
  return `…${id.slice(-6)}`;
}

/** `8A`: height and miner; a block whose miner is unknown is `8?`. */
export function blockName(block: { readonly height: number; readonly miner: string }): string {
  if (block.height === 0) return '0';
  return `${block.height}${block.miner === '' ? '?' : block.miner}`;
}

/** Kinds of experiments, nodes of a small yard, figures: whole; the ids and keys of a long-lived yard: not. */
const MOST_NAMED = 24;

/** "did you mean X?" or a list of what there is. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== undefined) return `Did you mean ${near}?`;
  if (known.length === 0) return 'There is none.';
  const more = known.length - MOST_NAMED;
  return `There is ${known.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** The node that is meant, or exit 3. Small letters are understood. */
export function pickNode<T extends { readonly letter: string }>(nodes: readonly T[], name: string): T {
  const node = nodes.find((n) => n.letter === name) ?? nodes.find((n) => n.letter === name.toUpperCase());
  if (node !== undefined) return node;
  throw noSuchNode(
    name,
    nodes.map((n) => n.letter),
  );
}

function noSuchNode(name: string, known: readonly string[]) {
  return missing(`no node '${name}' in this yard`, didYouMean(name, known));
}

/** Throws, exit 3, if groups or links as typed (`AB/CD`, `A>C`) name a node that is not there. Their form is not checked. */
export function checkNodes(text: string, known: readonly string[]): void {
  const letters = splitLetters(text.replace(/[/|<>-]/g, ''));
  const unknown = letters.ok ? letters.value.find((l) => !known.includes(l)) : undefined;
  if (unknown !== undefined) throw noSuchNode(unknown, known);
}

/** Name of the key that a node's coinbases pay. */
export function minerKeyName(letter: string): string {
  return `miner-${letter.toLowerCase()}`;
}

/** `A B D`, for "seen by A B D". */
export function listLetters(letters: readonly string[]): string {
  return letters.length === 0 ? 'nobody' : letters.join(' ');
}
