import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { startOf, streamEvents } from '../../host/http/events.ts';
import { Places } from '../../host/http/places.ts';
import { isLoopbackHost, parseTarget, type Target } from '../../host/http/target.ts';
import type { Launcher } from '../../lab/launcher/launcher.ts';
import { allKeys } from '../../lab/yard/keyring.ts';
import { listenFrom } from '../../lab/yard/ports.ts';
import { answer, begin, refuse } from './answer.ts';
import { readPageFiles } from './files.ts';
import { pageLimits } from './limits.ts';
import { openTail } from './log-file.ts';
import { runAction } from './run-action.ts';

const FIRST_PAGE_PORT = 8_440;

export interface PageOptions {
  readonly launcher: Launcher;
  /** The first port tried; the next free one is taken. */
  readonly port?: number;
  /** Told of exceptions that are bugs of ours. */
  readonly bug: (what: string, error: unknown) => void;
}

export interface Page {
  /** With the token that guards every action, behind `#` so that no server log ever holds it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

interface Context {
  readonly launcher: Launcher;
  readonly token: string;
  readonly bug: (what: string, error: unknown) => void;
  readonly streams: Set<() => void>;
  readonly aborts: Set<AbortController>;
  readonly nodes: () => Promise<string>;
  /** Those to whom the log is being sent, oldest first. */
  readonly logs: Set<ServerResponse>;
  closing: boolean;
}

type Handler = (request: IncomingMessage, response: ServerResponse, target: Target) => void | Promise<void>;

/**
 * The page of one yard, on 127.0.0.1 only. Looking needs no token (a page elsewhere cannot read us: no CORS header, and
 * the Host header must be loopback); every action does.
 */
export async function startPage(options: PageOptions): Promise<Page> {
  const files = readPageFiles();
  const context: Context = {
    launcher: options.launcher,
    token: randomBytes(12).toString('base64url'),
    bug: options.bug,
    streams: new Set(),
    aborts: new Set(),
    nodes: nodesTeller(options.launcher),
    logs: new Set(),
    closing: false,
  };
  const fixed = (type: string, body: string): Handler => {
    const bytes = Buffer.from(body, 'utf8');
    return (_, response) => answer(response, 200, type, bytes);
  };
  const routes: Readonly<Record<string, readonly ['GET' | 'POST', Handler]>> = {
    '/': ['GET', fixed('text/html; charset=utf-8', files.html)],
    '/page.js': ['GET', fixed('text/javascript; charset=utf-8', files.script)],
    '/style.css': ['GET', fixed('text/css; charset=utf-8', files.style)],
    '/yard': ['GET', (_, response) => answer(response, 200, JSON_TYPE, describeYard(options.launcher))],
    '/nodes': ['GET', async (_, response) => answer(response, 200, JSON_TYPE, await context.nodes())],
    '/log': ['GET', (_, response) => sendLog(response, context)],
    '/events': ['GET', (request, response, target) => sendEvents(request, response, target, context)],
    '/action': ['POST', (request, response) => runAction(request, response, context)],
  };
  const server = createServer(
    {
      headersTimeout: pageLimits.headersMs,
      requestTimeout: pageLimits.requestMs,
      connectionsCheckingInterval: pageLimits.checkMs,
    },
    (request, response) => {
      handle(request, response, routes, context, places).catch((error: unknown) => {
        options.bug(`${request.method} ${request.url}`, error);
        if (response.headersSent) response.destroy();
        else refuse(response, 500, 'internal error');
      });
    },
  );
  const places = new Places(server, pageLimits);
  const port = await listenFrom(server, options.port ?? FIRST_PAGE_PORT);
  let closed: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${port}/#k=${context.token}`,
    port,
    close() {
      closed ??= new Promise((done) => {
        context.closing = true;
        for (const end of [...context.streams]) end();
        for (const abort of [...context.aborts]) abort.abort();
        server.close(() => done());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

const JSON_TYPE = 'application/json; charset=utf-8';

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, readonly ['GET' | 'POST', Handler]>>,
  context: Context,
  places: Places,
): Promise<void> {
  if (!isLoopbackHost(request.headers.host)) {
    return refuse(response, 403, 'the Host header must be 127.0.0.1, localhost or [::1]');
  }
  if (context.closing) return refuse(response, 503, 'the yard is stopping');
  const target = parseTarget(request.url);
  if (target === undefined) return refuse(response, 400, 'the request target must be a path');
  const route = Object.hasOwn(routes, target.path) ? routes[target.path] : undefined;
  if (route === undefined) return refuse(response, 404, 'there is no such file');
  const [verb, run] = route;
  if (request.method !== verb) {
    response.setHeader('allow', verb);
    return refuse(response, 405, `${target.path} is asked with ${verb}`);
  }
  if (verb === 'POST' && !mayAct(request, context)) {
    return refuse(
      response,
      403,
      'to act, open the link that `forkyard up` printed: its token is of this run',
    );
  }
  if (verb === 'POST') places.trust(request.socket);
  await run(request, response, target);
}

/** The token in a header of our own: no foreign page can send it without asking first, and we answer no such question. */
function mayAct(request: IncomingMessage, context: Context): boolean {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) return false;
  const given = Buffer.from(String(request.headers['x-forkyard-token'] ?? ''));
  const token = Buffer.from(context.token);
  return given.length === token.length && timingSafeEqual(given, token);
}

/** What stands still while the yard runs; everything else is in the log. */
function describeYard(launcher: Launcher): string {
  const { yard } = launcher;
  const people = allKeys(launcher.dir, launcher.params).filter((key) => key.kind === 'well-known');
  return JSON.stringify({
    label: yard.label,
    network: yard.network,
    nodes: yard.nodes.map((n) => n.letter),
    people: people.map((key) => key.name),
    spacingMs: yard.spacingMs,
    delayMs: yard.delayMs,
    topology: yard.topology ?? 'full',
  });
}

/** What each node says of itself now; many pages that ask at once share one answer. */
function nodesTeller(launcher: Launcher): () => Promise<string> {
  let last: { at: number; text: Promise<string> } | undefined;
  const ask = async () => {
    const infos = await launcher.client.infos();
    const nodes = [...infos].map(([letter, info]) => ({
      letter,
      ...(info === undefined
        ? { up: false }
        : {
            up: true,
            peers: info.peers.map((p) => p.name),
            pool: info.pool.size,
            mining: info.mining,
            mined: info.mined,
          }),
    }));
    return JSON.stringify({ nodes });
  };
  return () => {
    if (last === undefined || Date.now() - last.at > pageLimits.nodesMs)
      last = { at: Date.now(), text: ask() };
    return last.text;
  };
}

/** Piece by piece, as the client takes it: a log is long, and clients that do not read it cost no memory. */
async function sendLog(response: ServerResponse, context: Context): Promise<void> {
  // Whoever reads has the whole log within a second: the oldest one does not read.
  if (context.logs.size >= pageLimits.logs) [...context.logs][0]!.destroy();
  context.logs.add(response);
  const tail = openTail(context.launcher.dir, pageLimits.logBytes);
  try {
    begin(response, 200, 'application/x-ndjson; charset=utf-8', tail.bytes);
    await pipeline(tail.pieces(), response);
  } catch (error) {
    // The client has gone, or took too long.
    if (!response.destroyed) throw error;
  } finally {
    tail.close();
    context.logs.delete(response);
  }
}

/** A browser keeps comments from the page, so this sign of life is an event, and says when the next one is due. */
const ALIVE = {
  text: `event: alive\ndata: ${JSON.stringify({ everyMs: pageLimits.aliveMs })}\n\n`,
  everyMs: pageLimits.aliveMs,
};

function sendEvents(
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  context: Context,
): void {
  const from = startOf(request, target.query);
  if (from === 'malformed') {
    refuse(response, 400, 'after= takes a sequence number');
    return;
  }
  if (context.streams.size >= pageLimits.streams) {
    refuse(response, 503, `already ${pageLimits.streams} pages look on`);
    return;
  }
  const end = streamEvents(response, context.launcher.log, from, ALIVE);
  context.streams.add(end);
  response.on('close', () => context.streams.delete(end));
}
