import type { IncomingMessage, ServerResponse } from 'node:http';
import { Interrupted } from '../../lab/action.ts';
import type { Launcher } from '../../lab/launcher/launcher.ts';
import { Problem } from '../../lab/problem.ts';
import { actionFor } from './actions.ts';
import { refuse } from './answer.ts';
import { fieldsFault } from './fields.ts';
import { pageLimits } from './limits.ts';

interface Asked {
  readonly verb: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Only the sentence before. */
  readonly dry: boolean;
}

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
  const tell = (line: object) => {
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`);
  };
  try {
    const action = actionFor(context.launcher.client, asked.verb, asked.fields);
    tell({ plan: action.plan });
    if (asked.dry) return;
    const done = await action.run({
      step: (line) => tell({ step: line }),
      timeoutMs: pageLimits.actionMs,
      signal: abort.signal,
    });
    tell({ done: done.line, no: done.no === true });
  } catch (error) {
    if (error instanceof Problem) tell({ problem: error.message, hint: error.hint });
    else if (error instanceof Interrupted) tell({ problem: 'interrupted: the yard is stopping' });
    else {
      context.bug(`action ${asked.verb}`, error);
      tell({ problem: 'a bug in forkyard: see the terminal where the yard runs' });
    }
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

function parse(body: string): Asked | undefined {
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
  return { verb, fields: (fields ?? {}) as Asked['fields'], dry: dry === true };
}
