import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { LogEvent } from '../../src/events/events.ts';
import type { Topology } from '../../src/util/topology.ts';

/** A server that speaks the page's HTTP, and at each path can be made to answer as no good server does. */

export const ROUTES = ['/yard', '/nodes', '/log', '/events', '/action'] as const;
export type Route = (typeof ROUTES)[number];

/**
 * `rubbish`: 200 and a text of no meaning. `html`: 200 and a page of something in between. `refuse`: 503. `hang`: no answer.
 * `drop`: the connection ends in the middle.
 */
export type Mood = 'fine' | 'rubbish' | 'html' | 'refuse' | 'hang' | 'drop';

const DIST = join(import.meta.dirname, '..', '..', 'dist', 'page');
const FILES: Readonly<Record<string, readonly [string, string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript'],
  '/style.css': ['style.css', 'text/css'],
};
const ALIVE_MS = 500;
const RUBBISH = '}{ \u0000 not JSON <b>';

export class HostilePageServer {
  readonly moods: Record<Route, Mood> = {
    '/yard': 'fine',
    '/nodes': 'fine',
    '/log': 'fine',
    '/events': 'fine',
    '/action': 'fine',
  };
  label = 'lab-first';
  /** Does the stream give its sign of life? */
  isAlive = true;
  /** What an action tells, and then ends unless `action.ends` is false. */
  action: { lines: readonly object[]; ends: boolean } = { lines: [], ends: true };
  readonly asked: Record<string, number> = {};
  readonly #streams = new Set<ServerResponse>();
  readonly #actions = new Set<ServerResponse>();
  readonly #events: LogEvent[];
  readonly #nodes: readonly string[];
  readonly #topology: Topology;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #beat = setInterval(() => {
    if (this.isAlive) for (const stream of this.#streams) stream.write(ALIVE);
  }, ALIVE_MS);

  constructor(events: readonly LogEvent[], nodes: readonly string[], topology: Topology = 'full') {
    this.#events = [...events];
    this.#nodes = nodes;
    this.#topology = topology;
  }

  async start(port = 0): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done));
    return (this.#server.address() as AddressInfo).port;
  }

  /** As a killed process: every connection ends at once, and nobody listens any more. */
  async die(): Promise<void> {
    await new Promise<void>((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    await this.die();
  }

  /** A line of the log, to all streams. */
  tell(event: LogEvent): void {
    this.#events.push(event);
    for (const stream of this.#streams) stream.write(lineOf(event));
  }

  tellRaw(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  /** Ends the connections of actions that run. */
  dropActions(): void {
    for (const action of this.#actions) action.destroy();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    this.asked[pathname] = (this.asked[pathname] ?? 0) + 1;
    const file = FILES[pathname];
    if (file !== undefined) {
      response.writeHead(200, { 'content-type': file[1] });
      response.end(readFileSync(join(DIST, file[0])));
      return;
    }
    const mood = this.moods[pathname as Route];
    if (mood === undefined) response.writeHead(404).end();
    else if (mood === 'hang') response.on('close', () => undefined);
    else if (mood === 'refuse') response.writeHead(503, { 'content-type': 'text/plain' }).end('no more\n');
    else if (mood === 'drop') {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('{"half');
      setTimeout(() => response.destroy(), 20);
    } else if (mood === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in to the hotel</h1>\n');
    } else if (pathname === '/events') this.#stream(response, Number(searchParams.get('after') ?? 0), mood);
    else if (mood === 'rubbish') response.writeHead(200).end(`${RUBBISH}\n`);
    else if (pathname === '/action') this.#act(response);
    else response.writeHead(200).end(this.#text(pathname));
  }

  #text(path: string): string {
    if (path === '/log') return this.#events.map((event) => `${JSON.stringify(event)}\n`).join('');
    if (path === '/nodes')
      return JSON.stringify({
        nodes: this.#nodes.map((letter) => ({ letter, up: true, peers: [], pool: 0, mined: 1 })),
      });
    const people = ['alice', 'bob', 'carol', 'dave'];
    const facts = { label: this.label, network: 'lab', nodes: this.#nodes, people };
    return JSON.stringify({ ...facts, spacingMs: 2_000, delayMs: 0, topology: this.#topology });
  }

  #stream(response: ServerResponse, after: number, mood: Mood): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(this.isAlive ? ALIVE : ':\n\n');
    if (mood === 'rubbish') response.write(`data: ${RUBBISH}\n\n`);
    for (const event of this.#events) if (event.seq > after) response.write(lineOf(event));
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #act(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const line of this.action.lines) response.write(`${JSON.stringify(line)}\n`);
    this.#actions.add(response);
    response.on('close', () => this.#actions.delete(response));
    if (this.action.ends) response.end();
  }
}

const ALIVE = `event: alive\ndata: {"everyMs":${ALIVE_MS}}\n\n`;
const lineOf = (event: LogEvent) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
