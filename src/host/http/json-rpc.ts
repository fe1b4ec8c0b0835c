import { StoreDamage } from '../../consensus/store/damage.ts';
import { rpcLimits } from '../limits.ts';
import { RPC, RpcError } from './errors.ts';
import type { Json, JsonInput, JsonObject } from './json.ts';
import { stringify } from './json.ts';
import type { Call, RpcRegistry } from './methods.ts';
import { bindArguments } from './methods.ts';

/** What goes back over HTTP. Status 204 has no body (JSON-RPC 2.0 notifications). */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

interface Request {
  readonly v2: boolean;
  /** Undefined when the request has none; in 2.0 such a request is a notification. */
  readonly id: Json | undefined;
  readonly method: string;
  readonly params: readonly JsonInput[] | JsonObject;
}

/** What a malformed request still tells about how to answer it. */
interface Envelope {
  v2: boolean;
  id: Json | undefined;
}

export interface Dispatcher {
  readonly registry: RpcRegistry;
  /** Gets an exception that is no RpcError, from a damaged disk or a mistake here; the caller gets an error. */
  readonly bug: (method: string, error: unknown) => void;
}

/**
 * Answers one HTTP body: a request of JSON-RPC 1.0, 1.1 or 2.0, or a batch. As Core's httprpc.cpp: a legacy request that
 * fails gets an HTTP error (404 unknown method, 400 invalid request, else 500), a 2.0 request and a batch always 200.
 * `take` says whether there is room for so many more bytes of answers.
 */
export async function answer(
  body: string,
  to: Dispatcher,
  call: Call,
  take: (bytes: number) => boolean,
): Promise<HttpAnswer | 'no-room'> {
  const result = await answerBody(body, to, call, take);
  // A batch has taken room for its answers one by one.
  return body.trimStart().startsWith('[') || take(result.body.length) ? result : 'no-room';
}

async function answerBody(
  body: string,
  to: Dispatcher,
  call: Call,
  take: (bytes: number) => boolean,
): Promise<HttpAnswer> {
  let parsed: JsonInput;
  try {
    parsed = JSON.parse(body) as JsonInput;
  } catch {
    return failure(new RpcError(RPC.PARSE_ERROR, 'Parse error'), { v2: false, id: null });
  }
  if (Array.isArray(parsed)) return answerBatch(parsed, to, call, take);
  const envelope: Envelope = { v2: false, id: null };
  try {
    if (parsed === null || typeof parsed !== 'object')
      throw new RpcError(RPC.PARSE_ERROR, 'Top-level object parse error');
    const request = parseRequest(parsed, envelope);
    try {
      const result = await execute(request, to, call);
      if (isNotification(request)) return { status: 204, body: '' };
      return { status: 200, body: reply(envelope, result) };
    } catch (error) {
      if (!request.v2) throw error;
      if (isNotification(request)) return { status: 204, body: '' };
      return { status: 200, body: reply(envelope, null, asError(error)) };
    }
  } catch (error) {
    return failure(asError(error), envelope);
  }
}

const TOO_LARGE = new RpcError(
  RPC.OUT_OF_MEMORY,
  'the answers of this batch are too large together; ask in smaller batches',
);

async function answerBatch(
  batch: readonly JsonInput[],
  to: Dispatcher,
  call: Call,
  take: (bytes: number) => boolean,
): Promise<HttpAnswer> {
  if (batch.length > rpcLimits.batch)
    return failure(
      new RpcError(RPC.INVALID_REQUEST, `batch of ${batch.length} requests; at most ${rpcLimits.batch}`),
      {
        v2: false,
        id: null,
      },
    );
  const replies: string[] = [];
  let length = 0;
  let full = false;
  for (const item of batch) {
    const envelope: Envelope = { v2: false, id: null };
    let text: string;
    let silent = false;
    try {
      const request = parseRequest(item, envelope);
      silent = isNotification(request);
      if (full || length > rpcLimits.batchReply) throw TOO_LARGE;
      text = reply(envelope, await execute(request, to, call));
    } catch (error) {
      text = reply(envelope, null, asError(error));
    }
    if (silent) continue;
    // The texts of errors are short, and there are at most as many as requests.
    if (!full && !take(text.length)) {
      full = true;
      text = reply(envelope, null, TOO_LARGE);
    }
    length += text.length;
    replies.push(text.trimEnd());
    // Other callers, peers and the miner get their turn between two requests.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (replies.length === 0 && batch.length > 0) return { status: 204, body: '' };
  return { status: 200, body: `[${replies.join(',')}]\n` };
}

/** Core: JSONRPCRequest::parse. Fills the envelope as it goes, so that a refusal carries the id. */
function parseRequest(item: JsonInput, envelope: Envelope): Request {
  if (item === null || typeof item !== 'object' || Array.isArray(item))
    throw new RpcError(RPC.INVALID_REQUEST, 'Invalid Request object');
  const { id, jsonrpc, method, params } = item;
  if (id !== undefined && id !== null && typeof id === 'object')
    throw new RpcError(RPC.INVALID_REQUEST, 'id must be a string, a number or null');
  envelope.id = id;
  if (jsonrpc !== undefined && jsonrpc !== null) {
    if (typeof jsonrpc !== 'string')
      throw new RpcError(RPC.INVALID_REQUEST, 'jsonrpc field must be a string');
    // "1.0" and "1.1" are no versions that the 2.0 specification knows, but old clients send them.
    if (jsonrpc !== '1.0' && jsonrpc !== '1.1' && jsonrpc !== '2.0')
      throw new RpcError(RPC.INVALID_REQUEST, 'JSON-RPC version not supported');
    envelope.v2 = jsonrpc === '2.0';
  }
  if (method === undefined || method === null) throw new RpcError(RPC.INVALID_REQUEST, 'Missing method');
  if (typeof method !== 'string') throw new RpcError(RPC.INVALID_REQUEST, 'Method must be a string');
  if (params !== undefined && params !== null && typeof params !== 'object')
    throw new RpcError(RPC.INVALID_REQUEST, 'Params must be an array or object');
  return { v2: envelope.v2, id, method, params: params ?? [] };
}

function isNotification(request: Request): boolean {
  return request.v2 && request.id === undefined;
}

async function execute(request: Request, to: Dispatcher, call: Call): Promise<string> {
  const method = to.registry.find(request.method);
  const args = bindArguments(method, request.params);
  try {
    return stringify(await method.run(args, call));
  } catch (error) {
    if (error instanceof RpcError) throw error;
    to.bug(request.method, error);
    if (error instanceof StoreDamage)
      throw new RpcError(RPC.DATABASE_ERROR, `the database is damaged: ${error.message}`);
    const what = error instanceof Error ? error.message : String(error);
    throw new RpcError(RPC.INTERNAL_ERROR, `internal error in ${request.method}: ${what}`);
  }
}

function asError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  throw error;
}

/** Core: JSONRPCReplyObj. Both fields in legacy replies, one in 2.0; the id only if the request had one. */
function reply(envelope: Envelope, result: string | null, error?: RpcError): string {
  const members: string[] = [];
  if (envelope.v2) members.push('"jsonrpc":"2.0"');
  if (error === undefined || !envelope.v2) members.push(`"result":${result ?? 'null'}`);
  if (error !== undefined) members.push(`"error":${stringify({ code: error.code, message: error.message })}`);
  else if (!envelope.v2) members.push('"error":null');
  if (envelope.id !== undefined) members.push(`"id":${stringify(envelope.id)}`);
  return `{${members.join(',')}}\n`;
}

function failure(error: RpcError, envelope: Envelope): HttpAnswer {
  const status = error.code === RPC.INVALID_REQUEST ? 400 : error.code === RPC.METHOD_NOT_FOUND ? 404 : 500;
  return { status, body: reply(envelope, null, error) };
}
