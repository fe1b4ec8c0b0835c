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
  let unsubscribe: () => void = () => undefined;
  const deaf = deafness(response);
  const beating = setInterval(() => {
    if (response.writableLength <= streamLimits.backlogBytes) response.write(heartbeat.text);
    if (deaf()) cutOff();
  }, heartbeat.everyMs);
  beating.unref();
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    clearInterval(beating);
    unsubscribe();
    response.end();
  };
  const cutOff = () => {
    end();
    response.destroy();
  };
  response.on('close', end);
  response.on('error', end);

  let sent = from === 'now' ? -1 : from;
  const send = (event: LogEvent): boolean => {
    // Not at the beginning alone: while a slow reader is served the log goes on, and forgets.
    if (sent >= 0 && event.seq > sent + 1)
      response.write(`event: gap\ndata: ${JSON.stringify({ after: sent, next: event.seq })}\n\n`);
    sent = event.seq;
    return response.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  const follow = () => {
    if (over) return;
    unsubscribe = source.subscribe((event) => {
      if (over || event.seq <= sent) return;
      send(event);
      if (response.writableLength > streamLimits.backlogBytes) cutOff();
    });
  };
  // The stored part goes out at the reader's own speed; only then does it follow live.
  const replay = () => {
    for (;;) {
      if (over) return;
      const batch = source.since(sent, streamLimits.replayEvents);
      if (batch.length === 0) break;
      let flowing = true;
      for (const event of batch) {
        flowing = send(event);
        // An event may be as long as the list of a block's payments.
        if (!flowing && response.writableLength > streamLimits.replayBytes) break;
      }
      if (!flowing) {
        response.once('drain', replay);
        return;
      }
    }
    follow();
  };
  if (from === 'now') follow();
  else replay();
  return end;
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
