import { failed } from './problem.ts';

/**
 * Something that a person asks of a yard: one sentence before (what, which nodes, how long), one line a step during,
 * one line of figures after. Every face runs the same ones.
 */
export interface Action<T> {
  /** The sentence before; all that `--dry-run` prints. */
  readonly plan: string;
  run(context: RunContext): Promise<Done<T>>;
}

export interface RunContext {
  /** One line a step. */
  readonly step: (line: string) => void;
  /** For the whole action. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Done<T> {
  /** The line of figures after; may be several lines where the answer is a table. */
  readonly line: string;
  /** The same as JSON. */
  readonly data: T;
  /** It ran, and the answer is no: exit 1. */
  readonly no?: boolean;
}

export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    if (signal?.aborted) return fail(new Interrupted());
    const stop = () => {
      clearTimeout(timer);
      fail(new Interrupted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      done();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
}

/** Asks until there is an answer. On timeout `describe` says what was still missing (exit 1). */
export async function until<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
  describe: () => string,
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() >= deadline) {
      throw failed(
        `after ${Math.round(options.timeoutMs / 100) / 10} s ${describe()}`,
        'Wait longer: --timeout 5m',
      );
    }
    await sleep(options.everyMs ?? 40, options.signal);
  }
}
