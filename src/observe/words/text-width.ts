/** How wide text is in a picture, of which nobody can ask the font: by the widest that is usual for `system-ui`. */

/** Parts of the font's size, after DejaVu Sans, rather too wide. */
const NARROW = 0.4;
const USUAL = 0.66;
const CAPITAL = 0.76;
const WIDE = 1.02;
const BOLD = 1.12;

export function textWidth(text: string, size: number, bold = false): number {
  let width = 0;
  for (const c of text) {
    if (/[ .,:;|'’!()[\]ijlIft]/.test(c)) width += NARROW;
    else if (/[mwMW…→⚑]/.test(c) || c > 'ʯ') width += WIDE;
    else width += /[A-Z]/.test(c) ? CAPITAL : USUAL;
  }
  return width * size * (bold ? BOLD : 1);
}

/** Broken between words so that no line is wider; a single word that is goes on a line of its own. */
export function wrappedTo(text: string, most: number, size: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, size) <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** As much of it as fits, with … where something is left out. */
export function fitted(text: string, most: number, size: number, bold = false): string {
  if (textWidth(text, size, bold) <= most) return text;
  let kept = '';
  for (const c of text) {
    if (textWidth(`${kept}${c}…`, size, bold) > most) break;
    kept += c;
  }
  return `${kept}…`;
}
