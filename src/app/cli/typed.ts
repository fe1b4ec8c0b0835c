/** Verbs that a next step may name: `buildProgram` puts all of its own here. */
export const knownVerbs = new Set<string>();

/** These make a yard of their own, or need none. */
const YARDLESS = new Set([
  'demo',
  'load',
  'node',
  'run',
  'grade',
  'exec',
  'doctor',
  'experiment',
  'swarm',
  'replay',
]);

/** What a next step needs so that it means the same yard as the command that prints it: ` --yard ./y`, or nothing. */
export const meant = { yard: '' };

/**
 * A next step must run as it is printed. Whoever came through `npx` has no `forkyard` on the path, so there every
 * printed command says `npx forkyard`; and whoever said `--yard` meant that one.
 */
export function asTyped(
  said: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  yard = meant.yard,
): string {
  // Verbs of a yard name each other in backticks.
  const text = said.replace(/`([a-z-]+)( [^`]*)?`/g, (found, verb: string, rest = '') =>
    knownVerbs.has(verb) ? `forkyard ${verb}${rest}` : found,
  );
  const npx = env['npm_command'] === 'exec';
  if (!npx && yard === '') return text;
  return text.replace(
    /(?<![\w./-])(npx )?forkyard ([a-z]+(?:-[a-z]+)*)(?![\w-])(?!\.\w)((?:(?!forkyard )[^\n;])*? --(?:yard|data)\b)?/g,
    (found, prefix: string | undefined, verb: string, own: string | undefined) => {
      if (!knownVerbs.has(verb)) return found;
      const where = own !== undefined || YARDLESS.has(verb) ? (own ?? '') : yard;
      return `${npx ? 'npx ' : (prefix ?? '')}forkyard ${verb}${where}`;
    },
  );
}
