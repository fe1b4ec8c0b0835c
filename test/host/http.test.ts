import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { followEvents, RpcFailure, rpcCall, satsOf } from '../../src/host/http/client.ts';
import { RPC, RpcError } from '../../src/host/http/errors.ts';
import { streamEvents } from '../../src/host/http/events.ts';
import type { Json, JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { coins } from '../../src/host/http/json.ts';
import type { RpcMethod } from '../../src/host/http/methods.ts';
import { RpcRegistry } from '../../src/host/http/methods.ts';
import type { RpcServer } from '../../src/host/http/server.ts';
import { PortError, startRpcServer } from '../../src/host/http/server.ts';
import { nearest } from '../../src/util/nearest.ts';

const bugs: string[] = [];
/** Calls of `wait` that have reached the server. */
let waits = 0;
const methods: RpcMethod[] = [
  {
    name: 'add',
    category: 'Test',
    summary: 'Adds two whole numbers.',
    args: [
      { name: 'a', type: 'number', says: 'One.' },
      { name: 'b', type: 'number', default: '1', says: 'The other.' },
    ],
    example: '1 2',
    run: (args) =>
      args.integer('a', { min: 0, max: 100 }) + args.integer('b', { min: 0, max: 100, fallback: 1 }),
  },
  {
    name: 'echo',
    category: 'Test',
    summary: 'Answers its argument.',
    args: [{ name: 'text', type: 'string', says: 'Anything.' }],
    example: '"x"',
    run: (args) => args.string('text'),
  },
  {
    name: 'dust',
    category: 'Test',
    summary: 'One satoshi.',
    args: [],
    example: '',
    run: () => ({ value: coins(1), most: coins(2_100_000_000_000_000) }) as Json,
  },
  {
    name: 'refuse',
    category: 'Test',
    summary: 'Always refuses.',
    args: [],
    example: '',
    run: () => {
      throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Block not found');
    },
  },
  {
    name: 'broken',
    category: 'Test',
    summary: 'Has a bug.',
    args: [],
    example: '',
    run: () => {
      throw new TypeError('oops');
    },
  },
  {
    name: 'wait',
    category: 'Test',
    summary: 'Waits until the caller goes.',
    args: [],
    example: '',
    run: (_args, call) =>
      new Promise<Json>((resolve) => {
        waits++;
        call.signal.addEventListener('abort', () => resolve('gone'));
      }),
  },
];

let dir: string;
let server: RpcServer;
let log: LogEvent[];
let listeners: Set<(event: LogEvent) => void>;

function tell(text: string): void {
  const event: LogEvent = { v: 1, seq: log.length + 1, t: 0, node: 'A', kind: 'note', text };
  log.push(event);
  for (const listener of listeners) listener(event);
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-http-'));
  bugs.length = 0;
  log = [];
  listeners = new Set();
  server = await startRpcServer({
    port: 0,
    cookieFile: join(dir, '.cookie'),
    registry: new RpcRegistry(methods),
    events: {
      since: (after, max) => log.filter((e) => e.seq > after).slice(0, max),
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    bug: (method, error) => bugs.push(`${method}: ${(error as Error).message}`),
  });
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

function http(options: {
  method?: string;
  path?: string;
  body?: string | Buffer;
  headers?: Record<string, string>;
  auth?: string | null;
}): Promise<Answer> {
  const auth = options.auth === undefined ? readFileSync(server.cookieFile, 'latin1') : options.auth;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      new URL(options.path ?? '/', server.url),
      {
        method: options.method ?? 'POST',
        agent: false,
        headers: {
          ...(auth === null ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
          ...options.headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, text, headers: response.headers }));
      },
    );
    request.on('error', reject);
    request.end(options.body ?? '');
  });
}

async function post(body: JsonInput | object): Promise<{ status: number; json: JsonObject }> {
  const { status, text } = await http({ body: JSON.stringify(body) });
  return { status, json: text === '' ? {} : (JSON.parse(text) as JsonObject) };
}

describe('who may ask', () => {
  it('keeps its cookie in a file that only the owner reads, and takes it away at the end', async () => {
    expect(readFileSync(server.cookieFile, 'latin1')).toMatch(/^__cookie__:[0-9a-f]{64}$/);
    expect(statSync(server.cookieFile).mode & 0o777).toBe(0o600);
    await server.close();
    expect(existsSync(server.cookieFile)).toBe(false);
  });

  it('answers 401 without a cookie or with a wrong one', async () => {
    for (const auth of [null, '', '__cookie__:00', `__cookie__:${'0'.repeat(64)}`, 'user:password']) {
      const answer = await http({ auth, body: '{"method":"dust"}' });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Basic realm="jsonrpc"');
      expect(answer.text).not.toContain('0.00000001');
    }
    expect((await http({ auth: null, method: 'GET', path: '/events' })).status).toBe(401);
  });

  it('answers 403 to a foreign Host, even with the cookie', async () => {
    for (const host of ['evil.example', 'evil.example:8332', '127.0.0.1.evil.example', '192.168.1.5:18443'])
      expect((await http({ headers: { host }, body: '{"method":"dust"}' })).status).toBe(403);
    for (const host of ['127.0.0.1', 'localhost:9999', '[::1]:80', 'LOCALHOST'])
      expect((await http({ headers: { host }, body: '{"method":"dust"}' })).status).toBe(200);
  });

  it('gives no page of another origin leave to read, and takes only POST', async () => {
    const options = await http({ method: 'OPTIONS', headers: { origin: 'https://evil.example' } });
    expect(options.status).toBe(405);
    expect(Object.keys(options.headers).some((name) => name.startsWith('access-control'))).toBe(false);
    expect((await http({ method: 'GET' })).status).toBe(405);
    expect((await http({ path: '/wallet/x', body: '{}' })).status).toBe(404);
  });

  it('answers 413 to a body that is too large, announced or not', async () => {
    const size = 16 * 1024 * 1024 + 1;
    const answer = await http({ headers: { 'content-length': String(size) }, body: '' }).catch(
      () => undefined,
    );
    expect(answer?.status).toBe(413);
    const status = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1');
      const auth = Buffer.from(readFileSync(server.cookieFile)).toString('base64');
      socket.on('data', (data) => {
        resolve(data.toString('latin1').split('\r\n')[0]!);
        socket.destroy();
      });
      socket.on('error', (error) => {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') reject(error);
      });
      socket.write(
        `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic ${auth}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      for (let i = 0; i < 17; i++) {
        socket.write('100000\r\n');
        socket.write(chunk);
        socket.write('\r\n');
      }
    });
    expect(status).toContain('413');
  });

  it('loses a client that trickles its request, and bounds calls at work', async () => {
    await server.close();
    server = await startRpcServer({
      port: 0,
      cookieFile: join(dir, '.cookie'),
      registry: new RpcRegistry(methods),
      bug: () => undefined,
      limits: { headersMs: 100, requestMs: 200, checkMs: 50, calls: 2 },
    });
    const auth = Buffer.from(readFileSync(server.cookieFile)).toString('base64');
    const starts = [
      'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ',
      `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic ${auth}\r\nContent-Length: 100\r\n\r\n{`,
    ];
    for (const start of starts) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', (error) => expect((error as NodeJS.ErrnoException).code).toBe('ECONNRESET'));
      const gone = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      socket.write(start);
      await gone;
    }
    const hangUp = new AbortController();
    const call = () =>
      rpcCall(server.url, { cookieFile: server.cookieFile }, 'wait', [], { signal: hangUp.signal }).catch(
        (error: RpcFailure) => error.message,
      );
    const waiting = [call(), call()];
    await expect.poll(async () => (await http({ body: '{"method":"dust"}' })).status).toBe(503);
    hangUp.abort();
    await Promise.all(waiting);
    await expect.poll(async () => (await http({ body: '{"method":"dust"}' })).status).toBe(200);
  });

  /** A server with these bounds, and a client that reads the first bytes of a large answer and no more. */
  async function deafClient(limits: { heldBytes?: number; replyMs?: number }) {
    await server.close();
    server = await startRpcServer({
      port: 0,
      cookieFile: join(dir, '.cookie'),
      registry: new RpcRegistry(methods),
      bug: (method) => bugs.push(method),
      limits,
    });
    const auth = Buffer.from(readFileSync(server.cookieFile)).toString('base64');
    // More than the system takes for a socket that nobody reads; the request is as large.
    const body = JSON.stringify({ method: 'echo', params: ['x'.repeat(15_000_000)] });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const answered = new Promise((resolve) => socket.once('readable', () => resolve(true)));
    socket.write(
      `POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${auth}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await answered;
    return { socket, ask: async () => (await http({ body })).status };
  }

  it('bounds what answers hold that nobody reads, over all clients together', async () => {
    const { socket, ask } = await deafClient({ heldBytes: 31_000_000 });
    expect(await ask()).toBe(503);
    expect((await http({ body: '{"method":"dust"}' })).status).toBe(200);
    socket.destroy();
    await expect.poll(ask, { timeout: 240_000 }).toBe(200);
    expect(bugs).toEqual([]);
  });

  it('hangs up on a client that takes nothing of its answer', async () => {
    const { socket, ask } = await deafClient({ heldBytes: 31_000_000, replyMs: 300 });
    // Only when the answer of the other is given up is there room for this one.
    await expect.poll(ask, { timeout: 240_000 }).toBe(200);
    expect(bugs).toEqual([]);
    socket.destroy();
  });

  it('gives an error for each call of a batch whose answers have no room', async () => {
    await server.close();
    server = await startRpcServer({
      port: 0,
      cookieFile: join(dir, '.cookie'),
      registry: new RpcRegistry(methods),
      bug: (method) => bugs.push(method),
      limits: { heldBytes: 300_000 },
    });
    const params = ['y'.repeat(40_000)];
    const batch = [1, 2, 3, 4].map((id) => ({ jsonrpc: '2.0', id, method: 'echo', params }));
    const ask = async () => JSON.parse((await http({ body: JSON.stringify(batch) })).text) as JsonObject[];
    for (let round = 0; round < 3; round++) {
      const kinds = (await ask()).map((one) =>
        'result' in one ? 'result' : (one['error'] as JsonObject)['code'],
      );
      expect(kinds).toEqual(['result', 'result', 'result', RPC.OUT_OF_MEMORY]);
    }
  });

  it('says so when the port is taken, and leaves the cookie of the other alone', async () => {
    const before = readFileSync(server.cookieFile, 'latin1');
    const second = startRpcServer({
      port: server.port,
      cookieFile: server.cookieFile,
      registry: new RpcRegistry(methods),
      bug: () => undefined,
    });
    await expect(second).rejects.toBeInstanceOf(PortError);
    await expect(second).rejects.toThrow(`port ${server.port} on 127.0.0.1 is in use by another program`);
    expect(readFileSync(server.cookieFile, 'latin1')).toBe(before);
  });
});

describe('JSON-RPC as Bitcoin Core speaks it', () => {
  it('1.0: both result and error; failures are HTTP errors', async () => {
    expect(await post({ jsonrpc: '1.0', id: 'x', method: 'add', params: [1, 2] })).toEqual({
      status: 200,
      json: { result: 3, error: null, id: 'x' },
    });
    expect(await post({ version: '1.1', id: 7, method: 'add', params: { b: 2, a: 1 } })).toEqual({
      status: 200,
      json: { result: 3, error: null, id: 7 },
    });
    const unknown = await post({ id: 1, method: 'ad', params: [] });
    expect(unknown.status).toBe(404);
    expect(unknown.json).toEqual({
      result: null,
      error: { code: -32601, message: "Method not found: 'ad'; did you mean 'add'?" },
      id: 1,
    });
    const refused = await post({ id: null, method: 'refuse' });
    expect(refused).toEqual({
      status: 500,
      json: { result: null, error: { code: -5, message: 'Block not found' }, id: null },
    });
  });

  it('2.0: HTTP 200 with one of both; no answer to a notification', async () => {
    expect(await post({ jsonrpc: '2.0', id: 1, method: 'add', params: [1] })).toEqual({
      status: 200,
      json: { jsonrpc: '2.0', result: 2, id: 1 },
    });
    expect(await post({ jsonrpc: '2.0', id: 2, method: 'refuse' })).toEqual({
      status: 200,
      json: { jsonrpc: '2.0', error: { code: -5, message: 'Block not found' }, id: 2 },
    });
    expect(await http({ body: '{"jsonrpc":"2.0","method":"refuse"}' })).toMatchObject({
      status: 204,
      text: '',
    });
    expect((await post({ jsonrpc: '2.0', id: null, method: 'dust' })).status).toBe(200);
  });

  it('refuses what is no request', async () => {
    const cases: [string, number, number][] = [
      ['{', 500, -32700],
      ['', 500, -32700],
      ['"text"', 500, -32700],
      ['7', 500, -32700],
      ['null', 500, -32700],
      ['{}', 400, -32600],
      ['{"method":3}', 400, -32600],
      ['{"method":"add","params":"x"}', 400, -32600],
      ['{"jsonrpc":"3.0","method":"add"}', 400, -32600],
      ['{"jsonrpc":2,"method":"add"}', 400, -32600],
      ['{"id":{"deep":[]},"method":"add"}', 400, -32600],
    ];
    for (const [body, status, code] of cases) {
      const answer = await http({ body });
      expect([body, answer.status, JSON.parse(answer.text).error.code]).toEqual([body, status, code]);
    }
  });

  it('answers a batch one by one, whatever fails in it', async () => {
    const answer = await http({
      body: JSON.stringify([
        { id: 1, method: 'add', params: [1] },
        { jsonrpc: '2.0', id: 2, method: 'none' },
        { jsonrpc: '2.0', method: 'add', params: [1] },
        3,
        { jsonrpc: '2.0', id: 4, method: 'refuse' },
      ]),
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual([
      { result: 2, error: null, id: 1 },
      { jsonrpc: '2.0', error: { code: -32601, message: expect.stringContaining('none') }, id: 2 },
      { result: null, error: { code: -32600, message: 'Invalid Request object' }, id: null },
      { jsonrpc: '2.0', error: { code: -5, message: 'Block not found' }, id: 4 },
    ]);
    expect((await http({ body: '[]' })).text).toBe('[]\n');
    expect((await http({ body: '[{"jsonrpc":"2.0","method":"dust"}]' })).status).toBe(204);
    const long = await http({
      body: JSON.stringify(Array.from({ length: 1001 }, () => ({ method: 'dust' }))),
    });
    expect(long.status).toBe(400);
  });

  it('holds arguments against their declaration and names the wrong one', async () => {
    const error = async (method: string, params: JsonInput) =>
      (await post({ jsonrpc: '2.0', id: 1, method, params })).json['error'];
    expect(await error('echo', [3])).toEqual({
      code: -3,
      message:
        'Wrong type passed: position 1 (text): JSON value of type number is not of expected type string',
    });
    expect(await error('add', [1.5])).toMatchObject({
      code: -1,
      message: 'JSON integer out of range: a must be a whole number (not 1.5)',
    });
    expect(await error('add', [101])).toMatchObject({
      code: -8,
      message: 'a out of range: 101 is not in 0..100',
    });
    expect(await error('add', [])).toMatchObject({
      code: -1,
      message: expect.stringContaining('missing argument a'),
    });
    expect(await error('add', [1, 2, 3])).toMatchObject({
      code: -1,
      message: expect.stringContaining('at most 2'),
    });
    expect(await error('add', { a: 1, c: 2 })).toEqual({ code: -8, message: 'Unknown named parameter c' });
    expect(await error('add', { args: [1], a: 2 })).toMatchObject({ code: -8 });
    expect(
      (await post({ jsonrpc: '2.0', id: 1, method: 'add', params: { args: [1], b: 4 } })).json['result'],
    ).toBe(5);
    expect((await post({ jsonrpc: '2.0', id: 1, method: 'add', params: [1, null] })).json['result']).toBe(2);
  });

  it('tells its own bug from a refusal', async () => {
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'broken' });
    expect(answer.json['error']).toEqual({ code: -32603, message: 'internal error in broken: oops' });
    expect(bugs).toEqual(['broken: oops']);
  });

  it('writes amounts with eight decimals', async () => {
    const { text } = await http({ body: '{"id":1,"method":"dust"}' });
    expect(text).toBe('{"result":{"value":0.00000001,"most":21000000.00000000},"error":null,"id":1}\n');
  });

  it('has a help text for every method', () => {
    const registry = new RpcRegistry(methods);
    expect(registry.help()).toBe('== Test ==\nadd a ( b )\nbroken\ndust\necho "text"\nrefuse\nwait');
    expect(registry.help('add')).toContain(
      '1. a  (number, required) One.\n2. b  (number, optional, default=1)',
    );
  });
});

it('guesses what a slip of the finger meant', () => {
  const words = ['status', 'start', 'stop', 'alice', 'bob'];
  expect(
    ['statsu', 'alcie', 'STATUS', 'strat', 'sttaus', 'xyz', ''].map((word) => nearest(word, words)),
  ).toEqual(['status', 'alice', 'status', 'start', 'status', undefined, undefined]);
});

describe('the client', () => {
  const auth = () => ({ cookieFile: server.cookieFile });

  it('calls, and tells kinds of failure apart', async () => {
    expect(await rpcCall(server.url, auth(), 'add', [2, 3])).toBe(5);
    const kind = (call: Promise<unknown>) =>
      call.then(
        () => 'none',
        (e: unknown) => (e instanceof RpcFailure ? `${e.kind} ${e.code}` : `other ${String(e)}`),
      );
    expect(await kind(rpcCall(server.url, auth(), 'refuse'))).toBe('rpc -5');
    expect(await kind(rpcCall(server.url, { cookie: '__cookie__:no' }, 'dust'))).toBe('auth 0');
    expect(await kind(rpcCall(server.url, { cookieFile: join(dir, 'none') }, 'dust'))).toBe('down 0');
    expect(await kind(rpcCall(server.url, auth(), 'wait', [], { timeoutMs: 50 }))).toBe('timeout 0');
    const { url } = server;
    const cookie = readFileSync(server.cookieFile, 'latin1');
    await server.close();
    expect(await kind(rpcCall(url, { cookie }, 'dust'))).toBe('down 0');
  });

  it('reads amounts back exactly', async () => {
    const { value, most } = (await rpcCall(server.url, auth(), 'dust')) as JsonObject;
    expect([satsOf(value), satsOf(most)]).toEqual([1, 2_100_000_000_000_000]);
    for (const sats of [12345678, 2_099_999_999_999_999, 1_999_999_999_999_999, 10_000_000_1])
      expect(satsOf(JSON.parse(coins(sats).text) as number)).toBe(sats);
  });
});

describe('the event stream', () => {
  const auth = () => ({ cookieFile: server.cookieFile });

  it('replays from a sequence number and goes on live, without gap or double', async () => {
    for (let i = 0; i < 1200; i++) tell(`old ${i}`);
    const seen: number[] = [];
    const stop = new AbortController();
    const done = followEvents(server.url, auth(), { after: 10, signal: stop.signal }, (event) => {
      seen.push(event['seq'] as number);
      if (event['seq'] === 1200) tell('live');
      if (event['seq'] === 1201) stop.abort();
    });
    await done;
    expect(seen).toEqual(Array.from({ length: 1191 }, (_, i) => i + 11));
    await expect.poll(() => listeners.size).toBe(0);
  });

  it('passes on what a listener throws: that is a bug, not a broken connection', async () => {
    tell('one');
    const done = followEvents(server.url, auth(), { after: 0 }, () => {
      throw new TypeError('a bug in the listener');
    });
    await expect(done).rejects.toThrow(TypeError);
    await expect.poll(() => listeners.size).toBe(0);
  });

  it('starts now without a number, takes Last-Event-ID, refuses nonsense', async () => {
    tell('before');
    const seen: string[] = [];
    const stop = new AbortController();
    const done = followEvents(server.url, auth(), { signal: stop.signal }, (event) => {
      seen.push(event.kind === 'note' ? event.text : event.kind);
      stop.abort();
    });
    await expect.poll(() => listeners.size).toBe(1);
    tell('after');
    await done;
    expect(seen).toEqual(['after']);
    expect((await http({ method: 'GET', path: '/events?after=x' })).status).toBe(400);
    expect((await http({ method: 'GET', path: '/events', headers: { 'last-event-id': '-1' } })).status).toBe(
      400,
    );
  });

  it('says which events are gone', async () => {
    tell('one');
    tell('two');
    tell('three');
    log = log.slice(2);
    const text = await new Promise<string>((resolve) => {
      const request = httpRequest(new URL('/events', server.url), {
        headers: {
          authorization: `Basic ${Buffer.from(readFileSync(server.cookieFile)).toString('base64')}`,
          'last-event-id': '0',
        },
      });
      request.on('response', (response) => {
        let all = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          all += chunk;
          if (all.includes('three')) {
            request.destroy();
            resolve(all);
          }
        });
      });
      request.end();
    });
    expect(text).toContain('event: gap\ndata: {"after":0,"next":3}');
    expect(text).toContain('id: 3\ndata: {"v":1,"seq":3');
  });

  it('says which events have gone while a slow reader was served', () => {
    const written: string[] = [];
    const response = Object.assign(new EventEmitter(), {
      writableLength: 0,
      writeHead: () => undefined,
      // Every event fills the pipe.
      write: (text: string) => written.push(text) === 0,
      end: () => undefined,
    });
    for (let i = 0; i < 600; i++) tell(`${i}`);
    const since = (after: number, max: number) => log.filter(({ seq }) => seq > after).slice(0, max);
    const end = streamEvents(response as unknown as ServerResponse, { since, subscribe: () => () => {} }, 0);
    log = log.slice(590);
    response.emit('drain');
    end();
    const sent = written.filter((text) => /^(id|event): /.test(text));
    expect(sent.slice(499, 502)).toEqual([
      expect.stringMatching(/^id: 500\n/),
      'event: gap\ndata: {"after":500,"next":591}\n\n',
      expect.stringMatching(/^id: 591\n/),
    ]);
    expect(sent.filter((text) => text.startsWith('event: gap'))).toHaveLength(1);
  });

  it('cuts off a reader that does not read', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const cookie = Buffer.from(readFileSync(server.cookieFile)).toString('base64');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${cookie}\r\n\r\n`);
    await expect.poll(() => listeners.size).toBe(1);
    const big = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 40 && listeners.size > 0; i++) {
      tell(big);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(listeners.size).toBe(0);
    socket.destroy();
  });

  it('ends streams and waits when the server closes', async () => {
    const cookie = { cookie: readFileSync(server.cookieFile, 'latin1') };
    const stream = followEvents(server.url, cookie, {}, () => undefined);
    const before = waits;
    const waiting = rpcCall(server.url, cookie, 'wait');
    await expect.poll(() => listeners.size).toBe(1);
    await expect.poll(() => waits).toBe(before + 1);
    await server.close();
    await stream;
    expect(await waiting).toBe('gone');
  });
});
