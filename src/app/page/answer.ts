import type { ServerResponse } from 'node:http';
import { pageLimits } from './limits.ts';

/** Nothing but our own three files; no frame around us, no form to elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function refuse(response: ServerResponse, status: number, why: string): void {
  // What is left of the request is not read: the connection ends with this answer.
  response.setHeader('connection', 'close');
  answer(response, status, 'text/plain; charset=utf-8', `${why}\n`);
}

export function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  begin(response, status, type, Buffer.byteLength(body));
  response.end(body);
}

/** The head of an answer of so many bytes. A client that takes none of them for too long loses the connection. */
export function begin(response: ServerResponse, status: number, type: string, bytes: number): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes,
    'content-security-policy': POLICY,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
  response.setTimeout(pageLimits.replyMs, () => response.destroy());
}
