/** Verbs that a next step may name: `buildProgram` puts all of its own here. */
export const knownVerbs = new Set<string>();

/**
 * A next step must run as it is printed. Whoever came through `npx` has no `forkyard` on the path, so there every
 * printed command says `npx forkyard`.
 */
export function asTyped(
  text: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (env['npm_command'] !== 'exec') return text;
  return text.replace(
    /(?<!npx |[\w./-])forkyard (?=([a-z]+(?:-[a-z]+)*)(?![\w-]))/g,
    (found, verb: string) => (knownVerbs.has(verb) ? `npx ${found}` : found),
  );
}
