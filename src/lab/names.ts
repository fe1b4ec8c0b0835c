import { nearest } from '../host/http-methods.ts';
import { err, ok, type Result } from '../util/result.ts';
import { misuse } from './problem.ts';

/** Nodes are letters A…Z, then N27…; people are names; ids are known by their last six digits. */

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

/** "did you mean X?" or a list of what there is. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== undefined) return `Did you mean ${near}?`;
  return known.length === 0 ? 'There is none.' : `There is ${known.join(', ')}.`;
}

/** The node that is meant, or exit 2. Small letters are understood. */
export function pickNode<T extends { readonly letter: string }>(nodes: readonly T[], name: string): T {
  const node = nodes.find((n) => n.letter === name) ?? nodes.find((n) => n.letter === name.toUpperCase());
  if (node !== undefined) return node;
  throw misuse(
    `no node '${name}' in this yard`,
    didYouMean(
      name,
      nodes.map((n) => n.letter),
    ),
  );
}

/** Takes letters apart: `ABN27` → A, B, N27; commas and blanks may stand between. */
export function splitLetters(text: string): Result<string[], string> {
  const letters: string[] = [];
  let rest = text.toUpperCase().replace(/[\s,]+/g, '');
  while (rest !== '') {
    const match = /^(N\d+|[A-Z])/.exec(rest);
    if (match === null) return err(`'${text}' is not a list of nodes; write AB or A,B`);
    letters.push(match[0]);
    rest = rest.slice(match[0].length);
  }
  return ok(letters);
}

/**
 * `AB/CDE` → groups. Every node of the yard must be in exactly one of at least two groups; who is forgotten, doubled or
 * unknown is named.
 */
export function parseGroups(text: string, known: readonly string[]): Result<string[][], string> {
  if (/[<>]/.test(text)) return err(`'${text}' is a one-way cut, not groups; write groups such as AB/CD`);
  const groups: string[][] = [];
  for (const part of text.split(/[/|]/)) {
    const letters = splitLetters(part);
    if (!letters.ok) return letters;
    if (letters.value.length === 0) return err(`'${text}' has an empty group; write groups such as AB/CD`);
    groups.push(letters.value);
  }
  const all = groups.flat();
  const unknown = all.find((l) => !known.includes(l));
  if (unknown !== undefined) return err(`no node '${unknown}' in this yard: there is ${known.join(', ')}`);
  const twice = all.find((l, i) => all.indexOf(l) !== i);
  if (twice !== undefined) return err(`node ${twice} is in two groups; every node must be in exactly one`);
  const forgotten = known.filter((l) => !all.includes(l));
  if (forgotten.length > 0) {
    const be = forgotten.length === 1 ? `node ${forgotten[0]} is` : `nodes ${forgotten.join(', ')} are`;
    return err(`${be} in no group; every node must be in exactly one`);
  }
  if (groups.length < 2) return err(`'${text}' is one group: nothing would be cut; write AB/CD`);
  return ok(groups);
}

/** `carol@A` → name and node. */
export function parseAt(text: string): Result<{ name: string; node: string }, string> {
  const at = text.lastIndexOf('@');
  if (at <= 0 || at === text.length - 1) return err(`'${text}' must say who and where: carol@A`);
  return ok({ name: text.slice(0, at), node: text.slice(at + 1) });
}

/** `A B D`, for "seen by A B D". */
export function listLetters(letters: readonly string[]): string {
  return letters.length === 0 ? 'nobody' : letters.join(' ');
}
