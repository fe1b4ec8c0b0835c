import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { newWitness } from '../../src/lab/tour/witness.ts';
import type { YardLog } from '../../src/lab/yard/log.ts';

/** A log by hand: what was told before somebody listens is there, and what comes is passed on. */
function log() {
  const past: LogEvent[] = [];
  const listeners = new Set<(event: LogEvent) => void>();
  const tell = (text: string) => {
    const event = { v: 1, seq: past.length + 1, t: past.length, node: '', kind: 'action', text } as const;
    past.push(event);
    for (const listener of listeners) listener(event);
  };
  const source = {
    since: (after: number) => past.filter(({ seq }) => seq > after),
    subscribe(listener: (event: LogEvent) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { tell, source: source as unknown as YardLog };
}

describe('the witness of the tour', () => {
  it('tells what came after a number, also if somebody listens only later, each event once and in order', () => {
    const { tell, source } = log();
    for (const text of ['one', 'two']) tell(text);
    const witness = newWitness(source, new AbortController().signal);
    const since = witness.events.at(-1)!;
    for (const text of ['found while paying', 'found while paying too']) tell(text);
    const told: string[] = [];
    const unwatch = witness.onEvent(since.seq, (event) => {
      if (event.kind === 'action') told.push(event.text);
    });
    tell('found then');
    unwatch();
    tell('found too late');
    expect(told).toEqual(['found while paying', 'found while paying too', 'found then']);
    witness.close();
  });
});
