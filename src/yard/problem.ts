import type { Result } from '../util/result.ts';

/**
 * A failure that a person can act on; the message says what went wrong in one sentence. The command line prints it and exits
 * with `exit`. Any other error that reaches a caller is a bug of Forkyard.
 */
export class Problem extends Error {
  /** As README's table of exit codes says. */
  readonly exit: 1 | 2 | 3;
  /** What to do next, as a whole sentence or a command line. */
  readonly hint: string | undefined;

  constructor(exit: 1 | 2 | 3, message: string, hint?: string) {
    super(message);
    this.name = 'Problem';
    this.exit = exit;
    this.hint = hint;
  }
}

/** The caller asked for something that cannot be, or a file has the wrong content: exit 2. */
export function misuse(message: string, hint?: string): Problem {
  return new Problem(2, message, hint);
}

/** What the caller named is not there, or a yard or node does not run: exit 3. */
export function missing(message: string, hint?: string): Problem {
  return new Problem(3, message, hint);
}

/** It ran and the answer is no: refused, timed out, lost, or a file could not be written: exit 1. */
export function failed(message: string, hint?: string): Problem {
  return new Problem(1, message, hint);
}

/** What a person typed, parsed. A refusal is exit 2, and names what it was typed for. */
export function must<T>(parsed: Result<T, string>, what = ''): T {
  if (parsed.ok) return parsed.value;
  throw misuse(what === '' ? parsed.error : `${what}: ${parsed.error}`);
}

/**
 * Sentences of verbs name other verbs in backticks. Each face spells them as its reader would give them: the command
 * line with `forkyard ` before it, the others as they stand.
 */
export function spellVerbs(text: string, prefix = ''): string {
  return text.replace(/`([^`]+)`/g, (_, command: string) => prefix + command);
}
