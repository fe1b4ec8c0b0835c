import type { Parameter } from './types.ts';

/** Settings that several experiments share. */

export function countOf(name: string, says: string, usual: number, least: number, most: number): Parameter {
  return { name, says, default: [usual], many: false, range: { least, most, whole: true } };
}

export function listOf(
  name: string,
  says: string,
  usual: readonly number[],
  least: number,
  most: number,
  whole = false,
): Parameter {
  return { name, says, default: usual, many: true, range: { least, most, whole } };
}

export function choiceOf(
  name: string,
  says: string,
  usual: readonly string[],
  choices: readonly string[],
  many = true,
): Parameter {
  return { name, says, default: usual, many, range: { words: choices } };
}

/** So many values from `from` to `to`, for a predicted curve. */
export function spanOf(from: number, to: number, count = 60): number[] {
  return Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
}
