import { widthOf } from '../../src/app/cli/fit.ts';

/** Wider than 80 columns, but for what has to be copied in one piece: a command, or a path. */
export function tooWide(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => widthOf(line) > 80)
    .filter((line) => !/^\s*(npx )?forkyard [a-z][^·:;]*$/.test(line) && !/^\s*\S*\/\S*$/.test(line));
}

export function beyondAscii(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that ASCII has
  return [...new Set(text.match(/[^\x00-\x7f]/gu) ?? [])];
}
