import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Random } from '../../src/util/random.ts';

/** Bytes over TCP to an HTTP server on loopback: what no HTTP client would send. */

/** What came back until the server closed: the status codes of the answers, in order. */
export function sendRaw(port: number, bytes: Uint8Array | string): Promise<number[]> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => {
      text += data;
    });
    // A server may reset what it does not want to read; the answer counts that came before.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.once('close', () => done([...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((m) => Number(m[1]))));
    socket.end(bytes);
  });
}

/** In a thread of its own: who floods has a processor of his own, and does not slow down the honest client. */
const IDLE_THREAD = `
const { connect } = require('node:net');
const { parentPort, workerData: { port, count, recycle } } = require('node:worker_threads');
let closed = 0;
function one() {
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    closed++;
    if (recycle) setTimeout(one, 1);
  });
}
for (let i = 0; i < count; i++) one();
setInterval(() => parentPort.postMessage(closed), 20);
`;

/** Sockets that send nothing. With `recycle`, each that the server closes is opened again at once. */
export class IdleSockets {
  readonly #thread: Worker;
  /** How many the server has closed. */
  closed = 0;

  constructor(port: number, count: number, recycle: boolean) {
    this.#thread = new Worker(IDLE_THREAD, { eval: true, workerData: { port, count, recycle } });
    this.#thread.on('message', (closed: number) => {
      this.closed = closed;
    });
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

const METHODS = 'GET GET GET POST POST HEAD OPTIONS PUT DELETE TRACE CONNECT PATCH PRI get G\u00e9T'.split(
  ' ',
);
const TARGETS =
  '/ // /// //evil.example/ //:// /\\ /% /%zz /%00 /%2f%2f /..// /./.. * http:// http://[ http://127.0.0.1// ? /? ' +
  '/?% /?&&=&== /events /events?after=% /events?after=-1 /events?after=9e9 /events?%61fter=x /metrics? /action ' +
  '/__proto__ /constructor /log/ /nodes# /# @ : /@:0 ;/ //@ //%00@[::1 http:/// ws://x /\u00ff\u00fe /ä';
const VERSIONS =
  'HTTP/1.1 HTTP/1.1 HTTP/1.1 HTTP/1.0 HTTP/0.9 HTTP/2.0 HTTP/9.9 HTTP/1.1x http/1.1 RTSP/1.0'.split(' ');
const HOSTS = [
  '127.0.0.1',
  '127.0.0.1',
  'localhost:1',
  '[::1]',
  '',
  ' ',
  '[::1',
  'evil.example',
  '127.0.0.1\r\nHost: b',
  '\u00e4',
];
const HEADERS = [
  'Authorization: ',
  'Authorization: Basic',
  'Authorization: Basic %%%%',
  'Authorization: Basic X19jb29raWVfXzow',
  'Content-Length: -1',
  'Content-Length: 5',
  'Content-Length: 1e3',
  'Content-Length: 99999999999999999999',
  'Content-Length: 3\r\nContent-Length: 4',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: chunked\r\nContent-Length: 4',
  'Expect: 100-continue',
  'Expect: the worst',
  'Upgrade: websocket\r\nConnection: Upgrade',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings',
  'Connection: close, keep-alive, x',
  'Last-Event-ID: x',
  'Last-Event-ID: 1\r\nLast-Event-ID: 2',
  'X-Forkyard-Token: ',
  'X-Forkyard-Token: \u00e4\u00f6',
  'Origin: null',
  'Cookie: =;=;',
  ': nameless',
  'no colon',
  ' folded: yes',
  'Nul: a\0b',
  `Long: ${'x'.repeat(20_000)}`,
  '__proto__: 1',
];
const BODIES = [
  '',
  'abcd',
  '{}',
  '[]',
  '[1,',
  '5\r\nhello\r\n0\r\n\r\n',
  'zz\r\n',
  'ffffffffffffffff\r\n',
  '\0\0\0\0\r\n\r\n',
];

/** One request, or what looks a little like one. None carries a cookie or a token. */
export function oddRequest(random: Random): Uint8Array {
  const pick = (list: readonly string[]) => list[random.below(list.length)]!;
  const noise = (most: number) =>
    String.fromCharCode(...Array.from({ length: random.below(most) }, () => random.below(256)));
  const target = random.below(8) === 0 ? `/${noise(40)}` : pick(TARGETS.split(' '));
  const long = random.below(40) === 0 ? 'a'.repeat(1 + random.below(30_000)) : '';
  const lines = [`${pick(METHODS)} ${target}${long} ${pick(VERSIONS)}`];
  if (random.below(6) > 0) lines.push(`Host: ${pick(HOSTS)}`);
  for (let i = random.below(4); i > 0; i--) lines.push(pick(HEADERS));
  const text = random.below(12) === 0 ? noise(300) : `${lines.join('\r\n')}\r\n\r\n${pick(BODIES)}`;
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff);
  // One in eight is changed in one place, one in eight breaks off.
  const how = random.below(8);
  if (how === 0 && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return how === 1 ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}
