import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpLimits } from '../limits.ts';
import { type Cookie, writeCookie } from './cookie.ts';
import { type EventSource, startOf, streamEvents } from './events.ts';
import { answer } from './json-rpc.ts';
import type { RpcRegistry } from './methods.ts';
import { Places } from './places.ts';
import { isLoopbackHost, parseTarget, type Target } from './target.ts';

type HttpLimits = { readonly [K in keyof typeof httpLimits]: number };

/** A text that is made anew for everyone who asks. */
export interface TextPage {
  readonly type: string;
  body(): string | Promise<string>;
}

export interface RpcServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Written, mode 0600, once the port is ours; removed at close. */
  readonly cookieFile: string;
  readonly registry: RpcRegistry;
  /** Served at GET /events. */
  readonly events?: EventSource;
  /** Further texts to GET, by path; behind the cookie like everything. */
  readonly pages?: Readonly<Record<string, TextPage>>;
  /** Told of exceptions inside methods: bugs of ours. */
  readonly bug: (method: string, error: unknown) => void;
  readonly limits?: Partial<HttpLimits>;
}

export interface RpcServer {
  readonly port: number;
  readonly url: string;
  readonly cookieFile: string;
  /** Ends streams and waits, lets running calls answer, then closes. */
  close(): Promise<void>;
}

/** The port is taken or forbidden: a sentence for the person who chose it. */
export class PortError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PortError';
  }
}

/**
 * JSON-RPC and server-sent events on 127.0.0.1 only. Every request must name a loopback Host (a page elsewhere that
 * rebinds its DNS name to us fails there) and carry the cookie; there are no CORS headers, so no foreign page reads us.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const limits: HttpLimits = { ...httpLimits, ...options.limits };
  let cookie: Cookie | undefined;
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
    },
    (request, response) => {
      if (cookie === undefined) return refuse(response, 503, 'starting');
      handle(request, response, options, cookie, state).catch((error: unknown) => {
        options.bug(`${request.method} ${request.url}`, error);
        if (!response.headersSent) refuse(response, 500, 'internal error');
        else response.destroy();
      });
    },
  );
  const state: ServerState = {
    limits,
    places: new Places(server, limits),
    budget: new ByteBudget(limits.heldBytes),
    calls: 0,
    streams: new Set(),
    aborts: new Set(),
    closing: false,
  };
  const port = await listen(server, options.port);
  try {
    cookie = writeCookie(options.cookieFile);
  } catch (error) {
    server.close();
    throw error;
  }
  const ours = cookie;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cookieFile: options.cookieFile,
    close: async () => {
      if (state.closing) return;
      state.closing = true;
      for (const end of [...state.streams]) end();
      for (const abort of [...state.aborts]) abort.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), limits.closeGraceMs);
      await closed;
      clearTimeout(cut);
      ours.remove();
    },
  };
}

interface ServerState {
  readonly limits: HttpLimits;
  readonly places: Places;
  readonly budget: ByteBudget;
  calls: number;
  readonly streams: Set<() => void>;
  readonly aborts: Set<AbortController>;
  closing: boolean;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new PortError(
            `port ${port} on 127.0.0.1 is in use by another program; choose another, or 0 for a free one`,
          ),
        );
      else if (error.code === 'EACCES')
        reject(new PortError(`port ${port} on 127.0.0.1 is not allowed to this user; choose one above 1023`));
      else reject(error);
    };
    server.once('error', failed);
    server.listen({ port, host: '127.0.0.1' }, () => {
      server.removeListener('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: RpcServerOptions,
  cookie: Cookie,
  state: ServerState,
): Promise<void> {
  if (!isLoopbackHost(request.headers.host))
    return refuse(response, 403, 'the Host header must be 127.0.0.1, localhost or [::1]');
  const target = parseTarget(request.url);
  if (target === undefined) return refuse(response, 400, 'the request target must be a path');
  const isEvents = target.path === '/events' && options.events !== undefined;
  const { pages = {} } = options;
  const page = Object.hasOwn(pages, target.path) ? pages[target.path] : undefined;
  if (target.path !== '/' && !isEvents && page === undefined)
    return refuse(response, 404, 'no such path: POST / or GET /events');
  const verb = isEvents || page !== undefined ? 'GET' : 'POST';
  if (request.method !== verb) {
    response.setHeader('allow', verb);
    return refuse(
      response,
      405,
      verb === 'GET'
        ? `${target.path.slice(1)} are read with GET`
        : 'JSONRPC server handles only POST requests',
    );
  }
  if (!cookie.matches(request.headers.authorization)) {
    response.setHeader('www-authenticate', 'Basic realm="jsonrpc"');
    return refuse(
      response,
      401,
      'wrong or missing cookie: send the content of the .cookie file as user:password',
    );
  }
  state.places.trust(request.socket);
  if (state.closing) return refuse(response, 503, 'shutting down');
  if (isEvents) return openStream(request, response, target, options.events!, state);
  const share = state.budget.share();
  response.once('close', share.giveBack);
  if (page !== undefined) return send(response, 200, page.type, await page.body(), state.limits.replyMs);
  return call(request, response, options, state, share);
}

/** One call, or one batch of calls. */
async function call(
  request: IncomingMessage,
  response: ServerResponse,
  options: RpcServerOptions,
  state: ServerState,
  share: ByteShare,
): Promise<void> {
  const { limits } = state;
  if (state.calls >= limits.calls) return refuse(response, 503, 'Work queue depth exceeded');
  state.calls++;
  const abort = new AbortController();
  state.aborts.add(abort);
  response.once('close', () => abort.abort());
  try {
    const body = await readBody(request, limits.bodyBytes, share);
    if (body === 'too-large')
      return refuse(response, 413, `the request body is larger than ${limits.bodyBytes} bytes`);
    if (body === 'no-room') return refuse(response, 503, TOO_MUCH_HELD);
    if (body === 'cut-off') return;
    const result = await answer(body, options, { signal: abort.signal }, share.take);
    if (response.destroyed) return;
    // Otherwise a kept-alive connection would hold up the close.
    if (state.closing) response.setHeader('connection', 'close');
    if (result === 'no-room') refuse(response, 503, TOO_MUCH_HELD);
    else if (result.status === 204) response.writeHead(204).end();
    else send(response, result.status, 'application/json', result.body, limits.replyMs);
  } finally {
    state.calls--;
    state.aborts.delete(abort);
    if (response.destroyed) share.giveBack();
  }
}

const TOO_MUCH_HELD = 'too many bytes of other calls wait to be read or sent; try again later';

function openStream(
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  source: EventSource,
  state: ServerState,
): void {
  const from = startOf(request, target.query);
  if (from === 'malformed') {
    refuse(response, 400, 'Last-Event-ID and after= take a sequence number');
    return;
  }
  if (state.streams.size >= state.limits.streams) {
    refuse(response, 503, `already ${state.limits.streams} event streams`);
    return;
  }
  const end = streamEvents(response, source, from);
  state.streams.add(end);
  response.on('close', () => state.streams.delete(end));
}

async function readBody(
  request: IncomingMessage,
  limit: number,
  share: ByteShare,
): Promise<string | 'too-large' | 'no-room' | 'cut-off'> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return 'too-large';
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) return 'too-large';
      if (!share.take(chunk.length)) return 'no-room';
      chunks.push(chunk);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return 'cut-off';
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refuse(response: ServerResponse, status: number, why: string): void {
  // What is left of the request is not read: the connection ends with this answer.
  response.setHeader('connection', 'close');
  send(response, status, 'text/plain; charset=utf-8', `${why}\n`);
}

/** `patienceMs`: how long the client may take nothing of it. */
function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  patienceMs: number = httpLimits.replyMs,
): void {
  const bytes = Buffer.from(body, 'utf8');
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  // The timer of the socket starts anew whenever the client takes some, and ends with the answer.
  response.setTimeout(patienceMs, () => response.destroy());
  response.end(bytes);
}

/** Bytes that many holders may hold together. */
class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  share(): ByteShare {
    let mine = 0;
    return {
      take: (bytes) => {
        if (this.#held + bytes > this.#most) return false;
        mine += bytes;
        this.#held += bytes;
        return true;
      },
      giveBack: () => {
        this.#held -= mine;
        mine = 0;
      },
    };
  }
}

/** What one holder has of the budget. */
interface ByteShare {
  /** False, and nothing taken, when the budget has no room for so many more. */
  take(bytes: number): boolean;
  /** Returns all that was taken. */
  giveBack(): void;
}
