import type { IncomingMessage } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import type { LogEvent } from '../../events/events.ts';
import { readOwnEventLine } from '../../events/read.ts';
import { defined } from '../../util/defined.ts';
import { basicAuth, readCookie } from './cookie.ts';
import type { JsonInput, JsonObject } from './json.ts';

/** The cookie file of the node that is asked, or its content. */
export type RpcAuth = { readonly cookieFile: string } | { readonly cookie: string };

export interface RpcCallOptions {
  /** Without an answer by then the call fails; 0 waits for ever. Default 60 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Why a call failed. */
export class RpcFailure extends Error {
  /**
   * `rpc`: the node answered with an error. `down`: nobody listens there or the connection broke. `auth`: the cookie is missing
   * or wrong. `timeout`: no answer in time. `protocol`: the answer is none of JSON-RPC.
   */
  readonly kind: 'rpc' | 'down' | 'auth' | 'timeout' | 'protocol';
  /** Bitcoin Core's code of the error; 0 for the other kinds. */
  readonly code: number;
  constructor(kind: RpcFailure['kind'], message: string, code = 0) {
    super(message);
    this.name = 'RpcFailure';
    this.kind = kind;
    this.code = code;
  }
}

/** More than any answer of ours; a server that sends more is not ours. */
const ANSWER_LIMIT = 256 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 60_000;
const agent = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 8 });

/** One JSON-RPC 2.0 call to a node on loopback; `params` positional or named. */
export async function rpcCall(
  url: string,
  auth: RpcAuth,
  method: string,
  params: readonly JsonInput[] | JsonObject = [],
  options: RpcCallOptions = {},
): Promise<JsonInput> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const { status, text } = await post(url, authorization(auth), body, options);
  if (status === 401)
    throw new RpcFailure('auth', `${url} refused the cookie; it may have been restarted just now`);
  if (status === 503 || status === 403 || status === 413)
    throw new RpcFailure('protocol', `${url}: ${text.trim()}`);
  const parsed = parse(text, url);
  const error = parsed['error'] as { code?: number; message?: string } | undefined | null;
  if (error !== undefined && error !== null)
    throw new RpcFailure('rpc', error.message ?? 'unnamed error', error.code ?? 0);
  if (!('result' in parsed))
    throw new RpcFailure('protocol', `${url} answered HTTP ${status} without a result`);
  return parsed['result']!;
}

/**
 * Follows a node's event stream; `event` gets each line of its log. Ends (resolves) when the server ends the stream or the
 * signal aborts; rejects with RpcFailure when the connection fails, and with whatever `event` throws. The caller resumes
 * with the last `seq` it saw.
 */
export function followEvents(
  url: string,
  auth: RpcAuth,
  options: { readonly after?: number; readonly signal?: AbortSignal },
  event: (event: LogEvent) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = options.after === undefined ? '/events' : `/events?after=${options.after}`;
    const request = httpRequest(
      new URL(path, url),
      { headers: { authorization: authorization(auth), accept: 'text/event-stream' } },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          const kind = response.statusCode === 401 ? 'auth' : 'protocol';
          reject(new RpcFailure(kind, `${url}/events answered HTTP ${response.statusCode}`));
          return;
        }
        let bug: unknown;
        const give = (given: LogEvent) => {
          try {
            event(given);
          } catch (error) {
            bug = error;
            throw error;
          }
        };
        readStream(response, url, give).then(resolve, (error: unknown) => {
          if (bug !== undefined) reject(bug);
          else if (options.signal?.aborted) resolve();
          else reject(error instanceof RpcFailure ? error : connectionFailure(url, error));
        });
      },
    );
    const stop = () => {
      request.destroy();
      resolve();
    };
    if (options.signal?.aborted) return stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    // A follower comes back for as long as its node is down, and must leave nothing behind each time.
    request.on('close', () => options.signal?.removeEventListener('abort', stop));
    request.on('error', (error) => reject(connectionFailure(url, error)));
    request.end();
  });
}

async function readStream(
  response: IncomingMessage,
  url: string,
  event: (event: LogEvent) => void,
): Promise<void> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    // Each of our events has one data line; ids are inside it, and comments only keep the connection alive.
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue;
      const read = readOwnEventLine(line.slice(6));
      if (read.ok) event(read.value);
      // Other objects are messages of the stream itself: a `gap`.
      else if (read.error.rule === 'bad-json')
        throw new RpcFailure('protocol', `${url}/events sent a line that is no event: ${read.error.detail}`);
    }
  }
}

/** Satoshis of an amount in a node's answer: its eight decimals are exact, because 21e14 < 2^53. */
export function satsOf(amount: JsonInput | undefined): number {
  if (typeof amount !== 'number') throw new RpcFailure('protocol', `not an amount: ${String(amount)}`);
  return Number(amount.toFixed(8).replace('.', ''));
}

function authorization(auth: RpcAuth): string {
  if ('cookie' in auth) return basicAuth(auth.cookie);
  const line = readCookie(auth.cookieFile);
  if (line === undefined)
    throw new RpcFailure('down', `no cookie at ${auth.cookieFile}: no node runs there, or it is starting`);
  return basicAuth(line);
}

/** `fresh`: instead of the shared agent, whose connections may have been idle. */
function post(
  url: string,
  authorizationHeader: string,
  body: string,
  options: RpcCallOptions,
  fresh?: Agent,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method: 'POST',
        agent: fresh ?? agent,
        headers: {
          authorization: authorizationHeader,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
        ...defined({ signal: options.signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > ANSWER_LIMIT) request.destroy(new RpcFailure('protocol', `${url} answers without end`));
          chunks.push(chunk);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', (error) => reject(connectionFailure(url, error)));
      },
    );
    const limit = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timer =
      limit === 0
        ? undefined
        : setTimeout(
            () =>
              request.destroy(new RpcFailure('timeout', `${url} did not answer within ${limit / 1000} s`)),
            limit,
          );
    request.on('error', (error) => {
      // The server may close an idle connection in the very moment in which it is used again: nothing was asked yet.
      const stale = request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (stale && fresh === undefined)
        resolve(post(url, authorizationHeader, body, options, new Agent({ keepAlive: false })));
      else reject(error instanceof RpcFailure ? error : connectionFailure(url, error));
    });
    request.on('close', () => clearTimeout(timer));
    request.end(body);
  });
}

function connectionFailure(url: string, error: unknown): RpcFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return new RpcFailure('down', `nothing listens at ${url}`);
  return new RpcFailure('down', `connection to ${url} failed: ${message}`);
}

function parse(text: string, url: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new RpcFailure(
      'protocol',
      `${url} is no Forkyard node: it answered ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
}
