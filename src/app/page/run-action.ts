import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Launcher } from '../../lab/launcher/launcher.ts';
import { liveYard } from '../../lab/live/yard.ts';
import { type ActionRequest, performVerb, type Told } from '../../yard/perform.ts';
import { refuse } from './answer.ts';
import { fieldsFault } from './fields.ts';
import { pageLimits } from './limits.ts';

interface Context {
  readonly launcher: Launcher;
  readonly aborts: Set<AbortController>;
  readonly bug: (what: string, error: unknown) => void;
}

/** Runs one action and streams its sentences, a JSON object a line: `plan`, `step`…, then `done` or `problem`. */
export async function runAction(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context,
): Promise<void> {
  const body = await readBody(request);
  const asked = body === undefined ? undefined : parse(body);
  if (asked === undefined) {
    return refuse(response, 400, 'an action is {"verb": text, "fields": object, "dry": true or false}');
  }
  const fault = fieldsFault(asked.verb, asked.fields);
  if (fault !== undefined) return refuse(response, 400, fault);
  if (context.aborts.size >= pageLimits.actions) {
    return refuse(response, 503, `already ${pageLimits.actions} actions are at work`);
  }
  const abort = new AbortController();
  context.aborts.add(abort);
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const tell = (line: Told) => {
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`);
  };
  const { client } = context.launcher;
  client.refresh();
  try {
    const patience = { timeoutMs: pageLimits.actionMs, signal: abort.signal };
    await performVerb(liveYard(client), asked, patience, tell);
  } catch (error) {
    context.bug(`action ${asked.verb}`, error);
    tell({ problem: 'a bug in forkyard: see the terminal where the yard runs' });
  } finally {
    // A page that is closed does not undo what it began: the action goes on to its end.
    context.aborts.delete(abort);
    response.end();
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > pageLimits.bodyBytes) return undefined;
      chunks.push(chunk);
    }
  } catch (error) {
    // The client has gone before the end.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return undefined;
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(body: string): ActionRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { verb, fields, dry } = value as Record<string, unknown>;
  if (typeof verb !== 'string') return undefined;
  if (dry !== undefined && typeof dry !== 'boolean') return undefined;
  if (fields !== undefined && (typeof fields !== 'object' || fields === null || Array.isArray(fields))) {
    return undefined;
  }
  return { verb, fields: (fields ?? {}) as ActionRequest['fields'], dry: dry === true };
}
