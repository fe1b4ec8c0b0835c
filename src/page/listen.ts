import type { LogEvent } from '../events/events.ts';
import { fetchFacts, fetchLog, NoAnswer } from './ask.ts';
import { eventIn } from './state/answers.ts';

/** Follows the log of a running yard, and says when nothing comes any more. */

export interface Listener {
  readonly onEvents: (events: readonly LogEvent[]) => void;
  /** Until when the yard was heard: it is silent, or its connection is gone. Undefined: it is there. */
  readonly onSilence: (since: number | undefined) => void;
}

/** A stream that was refused or broke is opened again after this. */
const AGAIN_MS = 1_000;
const LOOK_MS = 500;
/** Events that come together are painted together. */
const GATHER_MS = 15;
/** Before the server has said how often it gives a sign of life. */
const FIRST_PATIENCE_MS = 10_000;
/** Signs that may be missed before the yard counts as silent, and before the connection is given up. */
const MISSED = 3;
const MISSED_AND_CLOSED = 10;

/** What a server says with each sign of life; outside of these bounds it is not believed. */
function periodIn(text: string): number | undefined {
  const ms = /^\{"everyMs":(\d{1,6})\}$/.exec(text)?.[1];
  return ms === undefined ? undefined : Math.min(15_000, Math.max(200, Number(ms)));
}

/**
 * The log so far, then what comes. The stream takes up after the last number that arrived, so nothing is missed; a stream
 * without a sign of life is closed and opened again. `label` is the yard's: where another one answers, the page begins anew.
 */
export async function listen(label: string, listener: Listener): Promise<void> {
  const past = await fetchLog();
  listener.onEvents(past);
  const follower = new Follower(label, listener, past.at(-1)?.seq ?? 0);
  follower.open();
}

class Follower {
  readonly #label: string;
  readonly #listener: Listener;
  #last: number;
  #waiting: LogEvent[] = [];
  #stream: EventSource | undefined;
  /** By both clocks: one for the reader, one that nobody sets. */
  #heard = { at: Date.now(), on: performance.now() };
  #isSilent = false;
  #periodMs: number | undefined;
  #looked = performance.now();

  constructor(label: string, listener: Listener, last: number) {
    this.#label = label;
    this.#listener = listener;
    this.#last = last;
    setInterval(() => this.#look(), LOOK_MS);
  }

  open(): void {
    this.#stream?.close();
    const stream = new EventSource(`/events?after=${this.#last}`);
    this.#stream = stream;
    stream.onmessage = (message: MessageEvent<string>) => {
      const event = eventIn(message.data);
      if (event === undefined) return this.#again(stream);
      this.#hear();
      this.#last = event.seq;
      this.#waiting.push(event);
      if (this.#waiting.length === 1) setTimeout(() => this.#flush(), GATHER_MS);
    };
    stream.addEventListener('alive', (message: MessageEvent<string>) => {
      const period = periodIn(message.data);
      if (period === undefined) return this.#again(stream);
      this.#periodMs = period;
      this.#hear();
    });
    // The server no longer has what came in between, but its file does.
    stream.addEventListener('gap', () => {
      stream.close();
      void this.#catchUp(stream);
    });
    // The browser would try again by itself, but not after a refusal, and not with words.
    stream.onerror = () => this.#again(stream);
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#listener.onEvents(batch);
  }

  #hear(): void {
    this.#heard = { at: Date.now(), on: performance.now() };
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#listener.onSilence(undefined);
  }

  #fallSilent(): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#listener.onSilence(this.#heard.at);
  }

  /** Messages wait behind a long turn of our own: after one, the next look decides. */
  #look(): void {
    const now = performance.now();
    const isLate = now - this.#looked > 4 * LOOK_MS;
    this.#looked = now;
    if (isLate) return;
    const silentMs = now - this.#heard.on;
    const periodMs = this.#periodMs ?? FIRST_PATIENCE_MS / MISSED;
    if (silentMs < MISSED * periodMs) return;
    this.#fallSilent();
    if (silentMs < MISSED_AND_CLOSED * periodMs || this.#stream === undefined) return;
    // It may be alive again behind a connection that is not.
    this.#heard = { ...this.#heard, on: now };
    this.#again(this.#stream);
  }

  #again(stream: EventSource): void {
    stream.close();
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#fallSilent();
    setTimeout(() => void this.#reopen(), AGAIN_MS);
  }

  /** At the same address another yard may answer by now. */
  async #reopen(): Promise<void> {
    try {
      const { label } = await fetchFacts();
      if (label === this.#label) this.open();
      else location.reload();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      setTimeout(() => void this.#reopen(), AGAIN_MS);
    }
  }

  async #catchUp(stream: EventSource): Promise<void> {
    try {
      const events = await fetchLog();
      if (stream !== this.#stream) return;
      this.#listener.onEvents(events);
      this.#last = events.at(-1)?.seq ?? this.#last;
      this.open();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#again(stream);
    }
  }
}
