import type { HostNews, LogEvent, News } from '../../events/events.ts';
import type { Micros } from '../../node/types.ts';

/** The event log of an invented world: the same lines as a live yard's (docs/event-log.md), to whoever listens. */
export class SimLog {
  readonly #listeners = new Set<(event: LogEvent) => void>();
  readonly #now: () => Micros;
  readonly #epochMs: number;
  #seq = 0;

  constructor(now: () => Micros, epochMs: number) {
    this.#now = now;
    this.#epochMs = epochMs;
  }

  /** Milliseconds since 1970, as lines carry it. */
  get time(): number {
    return this.#epochMs + this.#now() / 1_000;
  }

  /** Number of the newest line. */
  get last(): number {
    return this.#seq;
  }

  /** `node`: whose line it is; '' for what happens to the network as a whole. */
  tell(node: string, news: News | HostNews): void {
    this.#seq++;
    if (this.#listeners.size === 0) return;
    const event: LogEvent = { v: 1, seq: this.#seq, t: this.time, node, ...news };
    for (const listener of this.#listeners) listener(event);
  }

  /** Hears every line from now on. Returns the way out. */
  listen(listener: (event: LogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
