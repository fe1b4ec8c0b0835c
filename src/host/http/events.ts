import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogEvent } from '../../events/events.ts';
import { streamLimits } from '../limits.ts';

/** What the stream needs of an event log. */
export interface EventSource {
  /** Events with seq > after that are still at hand, oldest first, at most `max`. */
  since(after: number, max: number): readonly LogEvent[];
  subscribe(listener: (event: LogEvent) => void): () => void;
}

/** What goes out in silent times, so that both ends notice a dead connection. */
export interface Heartbeat {
  /** Whole, with its empty line. */
  readonly text: string;
  readonly everyMs: number;
}

/** A comment: a browser does not pass it to the page. */
const COMMENT: Heartbeat = { text: ':\n\n', everyMs: streamLimits.heartbeatMs };

/** What of the log a reader asks for: `Last-Event-ID` (a reconnect) before `?after=`; neither: from now on. */
export function startOf(request: IncomingMessage, query: URLSearchParams): number | 'now' | 'malformed' {
  const given = request.headers['last-event-id'] ?? query.get('after');
  if (given === null || given === undefined || given === '') return 'now';
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : 'malformed';
}

/**
 * Streams the log as server-sent events: `id:` the sequence number, `data:` one line of JSON. If events that the reader
 * asked for are gone already, an event of type `gap` says which. Returns the function that ends the stream.
 */
export function streamEvents(
  response: ServerResponse,
  source: EventSource,
  from: number | 'now',
  heartbeat: Heartbeat = COMMENT,
): () => void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.write(`: forkyard events\n\n${heartbeat.text}`);
  const stream = new EventStream(response, source, heartbeat);
  stream.start(from);
  return () => stream.end();
}

class EventStream {
  readonly #response: ServerResponse;
  readonly #source: EventSource;
  readonly #beating: NodeJS.Timeout;
  #unsubscribe: () => void = () => undefined;
  /** Number of the last event that was written; -1: none yet. */
  #sent = -1;
  #over = false;

  constructor(response: ServerResponse, source: EventSource, heartbeat: Heartbeat) {
    this.#response = response;
    this.#source = source;
    const deaf = deafness(response);
    this.#beating = setInterval(() => {
      if (response.writableLength <= streamLimits.backlogBytes) response.write(heartbeat.text);
      if (deaf()) this.#cutOff();
    }, heartbeat.everyMs);
    this.#beating.unref();
    response.on('close', () => this.end());
    response.on('error', () => this.end());
  }

  start(from: number | 'now'): void {
    if (from === 'now') this.#follow();
    else {
      this.#sent = from;
      this.#replay();
    }
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#beating);
    this.#unsubscribe();
    this.#response.end();
  }

  #cutOff(): void {
    this.end();
    this.#response.destroy();
  }

  #send(event: LogEvent): boolean {
    const after = this.#sent;
    // Not at the beginning alone: while a slow reader is served the log goes on, and forgets.
    if (after >= 0 && event.seq > after + 1)
      this.#response.write(`event: gap\ndata: ${JSON.stringify({ after, next: event.seq })}\n\n`);
    this.#sent = event.seq;
    return this.#response.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  #follow(): void {
    if (this.#over) return;
    this.#unsubscribe = this.#source.subscribe((event) => {
      if (this.#over || event.seq <= this.#sent) return;
      this.#send(event);
      if (this.#response.writableLength > streamLimits.backlogBytes) this.#cutOff();
    });
  }

  /** The stored part goes out at the reader's own speed; only then does it follow live. */
  #replay(): void {
    for (;;) {
      if (this.#over) return;
      const batch = this.#source.since(this.#sent, streamLimits.replayEvents);
      if (batch.length === 0) break;
      let flowing = true;
      for (const event of batch) {
        flowing = this.#send(event);
        // An event may be as long as the list of a block's payments.
        if (!flowing && this.#response.writableLength > streamLimits.replayBytes) break;
      }
      if (!flowing) {
        this.#response.once('drain', () => this.#replay());
        return;
      }
    }
    this.#follow();
  }
}

/** Answers at every heartbeat whether the reader has taken nothing for too long. */
function deafness(response: ServerResponse): () => boolean {
  let taken = -1;
  let beats = 0;
  return () => {
    const { socket } = response;
    const before = taken;
    taken = socket === null ? -1 : socket.bytesWritten - socket.writableLength;
    beats = response.writableNeedDrain && taken === before ? beats + 1 : 0;
    return beats * streamLimits.heartbeatMs >= streamLimits.deafMs;
  };
}
