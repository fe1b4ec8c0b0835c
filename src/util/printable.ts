/**
 * Text that others wrote, such as names, titles and logs, on its way to a terminal. A terminal obeys control characters:
 * they move its cursor, set its title, write to its clipboard. Overrides of the writing direction show other text than
 * is there.
 */

/** C0 but for line feed and tab, DEL, C1; marks, embeddings, overrides and isolates of direction; line separators. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const hex = (unit: string, digits: number): string => unit.charCodeAt(0).toString(16).padStart(digits, '0');

/** The text with each such character as its number: `\x1b`, `\u202e`. Printing the result changes nothing but the text. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (unit) => (unit < '\u0100' ? `\\x${hex(unit, 2)}` : `\\u${hex(unit, 4)}`));
}

/** The same for JSON, which means the same afterwards. */
export function printableJson(json: string): string {
  return json.replace(CONTROLS, (unit) => `\\u${hex(unit, 4)}`);
}

/** A path as a shell takes it for one word: what a sentence says to type must work as it is. */
export function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
