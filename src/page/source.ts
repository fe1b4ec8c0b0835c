import type { LogEvent } from '../consensus/news.ts';
import { readEventLine } from '../observe/read-event.ts';
import type { ActionRequest, NodeFacts, Told, YardFacts } from './facts.ts';

/** Where events come from: the launcher's server, or the file that the page itself is. */

export interface Exported {
  readonly facts: YardFacts;
  readonly events: readonly LogEvent[];
}

/** The log inside an exported file; undefined on the live page. */
export async function exported(): Promise<Exported | undefined> {
  const holder = document.getElementById('run');
  if (holder === null) return undefined;
  const packed = Uint8Array.from(atob(holder.textContent ?? ''), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const text = await new Response(stream).text();
  const [head = '', ...lines] = text.split('\n');
  return { facts: JSON.parse(head) as YardFacts, events: parseLines(lines) };
}

/** A line that is not whole (the file is being written) is left to the stream that follows, one that is no event out. */
function parseLines(lines: readonly string[]): LogEvent[] {
  const events: LogEvent[] = [];
  for (const line of lines) {
    const read = readEventLine(line);
    if (read.ok) events.push(read.value);
  }
  return events;
}

export async function fetchFacts(): Promise<YardFacts> {
  return (await (await fetch('/yard')).json()) as YardFacts;
}

export async function fetchNodes(): Promise<readonly NodeFacts[]> {
  return ((await (await fetch('/nodes')).json()) as { nodes: NodeFacts[] }).nodes;
}

async function fetchLog(): Promise<LogEvent[]> {
  return parseLines((await (await fetch('/log')).text()).split('\n'));
}

export interface Listener {
  readonly onEvents: (events: readonly LogEvent[]) => void;
  readonly onState: (connected: boolean) => void;
}

/** The log so far, then what comes. The stream takes up after the last number that arrived, so nothing is missed. */
export async function listen(listener: Listener): Promise<void> {
  const past = await fetchLog();
  listener.onEvents(past);
  let last = past.at(-1)?.seq ?? 0;
  let waiting: LogEvent[] = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    listener.onEvents(batch);
  };
  const open = () => {
    const stream = new EventSource(`/events?after=${last}`);
    stream.onopen = () => listener.onState(true);
    stream.onmessage = (message: MessageEvent<string>) => {
      const read = readEventLine(message.data);
      if (!read.ok) return;
      last = read.value.seq;
      waiting.push(read.value);
      if (waiting.length === 1) setTimeout(flush, 15);
    };
    // The server no longer has what came in between, but its file does.
    stream.addEventListener('gap', () => {
      stream.close();
      fetchLog().then((events) => {
        listener.onEvents(events);
        last = events.at(-1)?.seq ?? last;
        open();
      }, giveUp);
    });
    stream.onerror = () => {
      listener.onState(false);
      // The browser tries again by itself, with Last-Event-ID; unless the answer was a refusal.
      if (stream.readyState === EventSource.CLOSED) setTimeout(open, 2_000);
    };
  };
  const giveUp = () => {
    listener.onState(false);
    setTimeout(open, 2_000);
  };
  open();
}

const TOKEN_KEY = 'forkyard-token';

/** The token comes behind `#`, and leaves the address at once, so that a copied address does not hand it on. */
export function takeToken(): string | undefined {
  const given = /[#&]k=([\w-]+)/.exec(location.hash)?.[1];
  try {
    if (given !== undefined) {
      sessionStorage.setItem(TOKEN_KEY, given);
      const rest = location.hash.replace(/[#&]k=[\w-]+/, '').replace(/^&/, '#');
      history.replaceState(null, '', `${location.pathname}${rest}`);
    }
    return given ?? sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  } catch (error) {
    // A file from disk may have no storage; it has nothing to act on either.
    if (error instanceof DOMException) return given;
    throw error;
  }
}

/** Asks for an action and gives its sentences as they come. */
export async function act(
  token: string,
  request: ActionRequest,
  onTold: (told: Told) => void,
): Promise<void> {
  let response: Response;
  try {
    response = await fetch('/action', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forkyard-token': token },
      body: JSON.stringify(request),
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    onTold({ problem: 'the yard does not answer', hint: 'Start it again: forkyard up' });
    return;
  }
  if (!response.ok || response.body === null) {
    onTold({ problem: (await response.text()).trim() });
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onTold(JSON.parse(line) as Told);
  }
}
