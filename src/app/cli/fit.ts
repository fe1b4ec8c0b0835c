/** Text that fits a terminal: columns, and lines broken at blanks. */
import { stripVTControlCharacters } from 'node:util';

/** Less than this beside a hanging indent is no place for words. */
const LEAST_COLUMN = 12;
/** Of the words below a command that leaves them no room beside it. */
const BELOW = '    ';
/** Stands for a blank that must not be broken. */
const GLUE = '\u0001';

/** A command goes on until the sentence around it does: it is to be copied in one piece. */
const COMMAND = /(?:npx )?forkyard [a-z][^\n;]*?(?= {2,}|[;,.]?(?:['`)]|\s*$)|[;,](?:\s|$)|\.\s)/g;

/** A figure and its unit stay together. */
const UNIT = /(?<=\d) (?=(?:%|ms|s|min|h|(?:[kMG]?H|[kM]?bit)\/s|[kMG]B)(?:[\s,;.)]|$))/g;

/** Columns that a text takes: colours take none. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Columns padded to their widest cell; no trailing blanks. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, widthOf(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat(widths[i]! - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * A line that is wider than the terminal, broken at blanks. A sentence keeps its indent. Of a row, the words of its last
 * column go on below themselves; where a command leaves them no room, below the command. Commands stay whole.
 */
export function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => (widthOf(line) <= columns ? line : fold(line, columns)))
    .join('\n');
}

function fold(line: string, columns: number): string {
  const row = /^(.*\S {2,})(\S.*)$/.exec(line);
  const indent = ' '.repeat(line.search(/\S/));
  if (row === null) return hung(indent, line.trimStart(), columns);
  const [, before, words] = row as unknown as [string, string, string];
  const room = columns - widthOf(before);
  if (room >= LEAST_COLUMN && longestWord(words) <= room) return hung(before, words, columns);
  if (!/^ *(npx )?forkyard [a-z]/.test(before)) return line;
  return `${before.trimEnd()}\n${hung(indent + BELOW, words, columns)}`;
}

/** The words behind `before`, and below where they begin. */
function hung(before: string, words: string, columns: number): string {
  const room = columns - widthOf(before);
  const lines: string[] = [];
  for (const word of glued(words).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= room)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const hang = ' '.repeat(widthOf(before));
  return lines.map((text, i) => (i === 0 ? before : hang) + text.replaceAll(GLUE, ' ')).join('\n');
}

function longestWord(words: string): number {
  return Math.max(...glued(words).split(' ').map(widthOf));
}

function glued(words: string): string {
  return words.replace(COMMAND, (command) => command.replaceAll(' ', GLUE)).replace(UNIT, GLUE);
}
