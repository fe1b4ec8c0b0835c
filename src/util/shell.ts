/** A path as a shell takes it for one word: what a sentence says to type must work as it is. */
export function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
