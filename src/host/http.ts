import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cookie } from './http-cookie.ts';
import { writeCookie } from './http-cookie.ts';
import type { EventSource } from './http-events.ts';
import { startOf, streamEvents } from './http-events.ts';
import type { RpcRegistry } from './http-methods.ts';
import { answer } from './http-rpc.ts';

/** Bounds of the server; tests take smaller ones. */
export const httpLimits = {
  /** A block of 4 million weight units is 8 MB of hex; twice that leaves room for a batch. */
  bodyBytes: 16 * 1024 * 1024,
  connections: 128,
  /** Calls at work at the same time; Core answers 503 beyond its work queue too. */
  calls: 64,
  streams: 32,
  /** A client that trickles its headers or its body loses the connection. */
  headersMs: 10_000,
  requestMs: 30_000,
  /** How often those two are looked at. */
  checkMs: 2_000,
  keepAliveMs: 60_000,
  /** How long `close` lets running calls finish before it cuts them off. */
  closeGraceMs: 2_000,
} as const;

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
  const state: ServerState = { limits, calls: 0, streams: new Set(), aborts: new Set(), closing: false };
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
  server.maxConnections = limits.connections;
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
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const isEvents = url.pathname === '/events' && options.events !== undefined;
  const { pages = {} } = options;
  const page = Object.hasOwn(pages, url.pathname) ? pages[url.pathname] : undefined;
  if (url.pathname !== '/' && !isEvents && page === undefined)
    return refuse(response, 404, 'no such path: POST / or GET /events');
  const verb = isEvents || page !== undefined ? 'GET' : 'POST';
  if (request.method !== verb) {
    response.setHeader('allow', verb);
    return refuse(
      response,
      405,
      verb === 'GET'
        ? `${url.pathname.slice(1)} are read with GET`
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
  if (state.closing) return refuse(response, 503, 'shutting down');
  if (isEvents) return openStream(request, response, url, options.events!, state);
  if (page !== undefined) return send(response, 200, page.type, await page.body());
  if (state.calls >= state.limits.calls) return refuse(response, 503, 'Work queue depth exceeded');
  state.calls++;
  const abort = new AbortController();
  state.aborts.add(abort);
  response.on('close', () => abort.abort());
  try {
    const body = await readBody(request, state.limits.bodyBytes);
    if (body === 'too-large')
      return refuse(response, 413, `the request body is larger than ${state.limits.bodyBytes} bytes`);
    if (body === 'cut-off') return;
    const result = await answer(body, options, { signal: abort.signal });
    // Otherwise a kept-alive connection would hold up the close.
    if (state.closing) response.setHeader('connection', 'close');
    if (result.status === 204) response.writeHead(204).end();
    else send(response, result.status, 'application/json', result.body);
  } finally {
    state.calls--;
    state.aborts.delete(abort);
  }
}

function openStream(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  source: EventSource,
  state: ServerState,
): void {
  const from = startOf(request, url);
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

/** Core leaves this to the bind address; a browser does not, so the name that it used counts too. */
function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(host);
}

async function readBody(request: IncomingMessage, limit: number): Promise<string | 'too-large' | 'cut-off'> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return 'too-large';
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) return 'too-large';
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

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body, 'utf8');
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(bytes);
}
