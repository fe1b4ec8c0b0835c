/** Verbs that a next step may name. */
const VERBS =
  'balance|block|cut|demo|doctor|double-spend|down|exec|export|faucet|freeze|grade|heal|hold|keys|kill|link|load|mine|node|' +
  'partition|release|reorg|rpc|run|save|send|set|start|stats|status|thaw|tips|tree|tx|up|watch';

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
    new RegExp(`(?<!npx |[\\w./-])forkyard (?=(?:${VERBS})(?![\\w-]))`, 'g'),
    'npx forkyard ',
  );
}
