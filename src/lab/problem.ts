/**
 * What went wrong for a person, in words. Thrown through the lab and caught once, at the edge (app/cli/line.ts), where it
 * becomes one sentence on stderr and an exit code. Anything else that reaches the edge is a bug of ours.
 */
export class Problem extends Error {
  /** 1: it ran and the answer is no. 2: wrong usage. 3: no such yard, or a node is down. */
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

/** The caller asked for something that cannot be: exit 2. */
export function misuse(message: string, hint?: string): Problem {
  return new Problem(2, message, hint);
}

/** The yard, the node or the file is not there: exit 3. */
export function missing(message: string, hint?: string): Problem {
  return new Problem(3, message, hint);
}

/** It was tried and did not come true (a refusal, a timeout, a loss): exit 1. */
export function failed(message: string, hint?: string): Problem {
  return new Problem(1, message, hint);
}
