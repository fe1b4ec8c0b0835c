import type { LogEvent } from '../../events/events.ts';
import type { YardLog } from '../../lab/yard/log.ts';
import { failed } from '../../yard/problem.ts';

/** Events that wait for a reader who does not read; more, and the reader has forgotten about it. */
const MAX_WAITING = 100_000;

/** The log as an async iterable: from now on, or after a number that the log still has. Ends with `signal` or `return`. */
export function eventStream(
  log: YardLog,
  after: number | undefined,
  signal: AbortSignal,
): AsyncIterableIterator<LogEvent> {
  const waiting: LogEvent[] = after === undefined ? [] : [...log.since(after)];
  let wake: (() => void) | undefined;
  let over = signal.aborted;
  let overrun = false;
  const rouse = () => {
    wake?.();
    wake = undefined;
  };
  const unsubscribe = log.subscribe((event) => {
    if (waiting.length >= MAX_WAITING) {
      overrun = true;
      end();
      return;
    }
    waiting.push(event);
    rouse();
  });
  const end = () => {
    over = true;
    unsubscribe();
    signal.removeEventListener('abort', end);
    rouse();
  };
  signal.addEventListener('abort', end, { once: true });
  if (over) end();
  return {
    async next() {
      for (;;) {
        const event = waiting.shift();
        if (event !== undefined) return { value: event, done: false };
        if (overrun) throw failed(`more than ${MAX_WAITING} events waited to be read`);
        if (over) return { value: undefined, done: true };
        await new Promise<void>((done) => {
          wake = done;
        });
      }
    },
    async return() {
      end();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
