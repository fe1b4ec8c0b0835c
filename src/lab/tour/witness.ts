import type { LogEvent } from '../../events/events.ts';
import { type Forest, newForest, type SeenBlock } from '../../observe/state/forest.ts';
import { newPayments, type Payments } from '../../observe/state/payments.ts';
import { Interrupted } from '../../yard/action.ts';
import type { YardLog } from '../yard/log.ts';

/** Something that the tour was about to tell did not happen. */
export class TourFailure extends Error {
  override readonly name = 'TourFailure';
}

/** The tour's only source: what the merged log says, reduced as it comes. */
export interface Witness {
  readonly forest: Forest;
  readonly payments: Payments;
  readonly events: readonly LogEvent[];
  /** Looks again after each event until there is an answer; else `missing()` becomes the tour's failure. */
  wait<T>(look: () => T | undefined, seconds: number, missing: () => string): Promise<T>;
  /** Runs at each event after this sequence number, first at those that are here, until the returned function is called. */
  onEvent(after: number, listener: (event: LogEvent) => void): () => void;
  close(): void;
}

/** Events kept for looking back; a tour sees a few hundred. */
const KEPT_EVENTS = 50_000;

export function newWitness(log: YardLog, signal: AbortSignal): Witness {
  const forest = newForest();
  const payments = newPayments(forest);
  const events: LogEvent[] = [];
  const listeners = new Set<(event: LogEvent) => void>();

  function take(event: LogEvent): void {
    forest.apply(event);
    payments.apply(event);
    events.push(event);
    if (events.length > KEPT_EVENTS) events.splice(0, events.length - KEPT_EVENTS / 2);
    for (const listener of [...listeners]) listener(event);
  }

  for (const event of log.since(0)) take(event);
  const unsubscribe = log.subscribe(take);

  function wait<T>(look: () => T | undefined, seconds: number, missing: () => string): Promise<T> {
    return new Promise((done, fail) => {
      const end = () => {
        listeners.delete(check);
        signal.removeEventListener('abort', abort);
        clearTimeout(timer);
      };
      const check = () => {
        const answer = look();
        if (answer === undefined) return;
        end();
        done(answer);
      };
      const abort = () => {
        end();
        fail(new Interrupted());
      };
      const timer = setTimeout(() => {
        end();
        fail(new TourFailure(`after ${seconds} s ${missing()}`));
      }, seconds * 1000);
      listeners.add(check);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      else check();
    });
  }

  return {
    forest,
    payments,
    events,
    wait,
    onEvent(after, listener) {
      for (const event of events) if (event.seq > after) listener(event);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: unsubscribe,
  };
}

/** Where every node stands, for a sentence about why something did not happen. */
export function whereabouts(forest: Forest, letters: readonly string[]): string {
  const places = letters.map((letter) => `${letter} is on ${forest.nameOf(forest.tips.get(letter) ?? '')}`);
  return places.join(', ');
}

/** The tip that all of these nodes are on, or undefined. */
export function commonTip(forest: Forest, letters: readonly string[]): SeenBlock | undefined {
  const id = forest.agreed(letters);
  return id === undefined ? undefined : forest.blocks.get(id);
}
