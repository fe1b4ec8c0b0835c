import { err, ok, type Result } from '../../util/result.ts';
import { type Direction, linkName } from './conditions.ts';

/** Nodes, groups and links as people type them. Parsers answer with a sentence that names what is wrong. */

/** Longer than all nodes of the largest yard on both sides of a link. */
const MAX_TYPED = 1_000;

function tooLong(text: string): Result<never, string> | undefined {
  return text.length <= MAX_TYPED
    ? undefined
    : err(`'${text.slice(0, 20)}…' has ${text.length} characters; ${MAX_TYPED} is the most`);
}

/** Takes letters apart: `ABN27` → A, B, N27; commas and blanks may stand between. */
export function splitLetters(text: string): Result<string[], string> {
  const long = tooLong(text);
  if (long !== undefined) return long;
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
  const long = tooLong(text);
  if (long !== undefined) return long;
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

/**
 * `A-C` both directions, `A>C` one, `AB-CD` all between the two sides, several with commas. Only links that the
 * yard's topology has.
 */
export function linksIn(
  text: string,
  known: readonly string[],
  isLinked: (a: string, b: string) => boolean,
): Result<Direction[], string> {
  const long = tooLong(text);
  if (long !== undefined) return long;
  const found: Direction[] = [];
  for (const part of text.split(',')) {
    const match = /^([^<>-]+)([<>-])([^<>-]+)$/.exec(part.trim());
    if (match === null) return err(`'${part}' is not a link; write A-C, or A>C for one direction`);
    const left = splitLetters(match[1]!);
    const right = splitLetters(match[3]!);
    if (!left.ok) return left;
    if (!right.ok) return right;
    const unknown = [...left.value, ...right.value].find((l) => !known.includes(l));
    if (unknown !== undefined) return err(`no node '${unknown}' in this yard: there is ${known.join(', ')}`);
    const both = left.value.find((l) => right.value.includes(l));
    if (both !== undefined) return err(`'${part}': node ${both} is on both sides, and has no link to itself`);
    for (const a of new Set(left.value)) {
      for (const b of new Set(right.value)) {
        if (!isLinked(a, b))
          return err(`${a} and ${b} are not linked in this yard: not every node is linked with every other`);
        if (match[2] !== '<') found.push([a, b]);
        if (match[2] !== '>') found.push([b, a]);
      }
    }
  }
  const once = new Map(found.map((d) => [linkName(...d), d]));
  return ok([...once.values()]);
}
