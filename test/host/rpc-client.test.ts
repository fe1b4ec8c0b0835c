import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { rpcCall } from '../../src/host/http/client.ts';

const AUTH = { cookie: '__cookie__:x' };
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Answers `asked`, but for requests that `cut` says no to: there it closes the connection without a word. */
async function listen(cut: (nth: number, onSocket: number) => boolean): Promise<string> {
  const bySocket = new Map<Socket, number>();
  let nth = 0;
  server = createServer((request, response) => {
    const { socket } = request;
    const onSocket = (bySocket.get(socket) ?? 0) + 1;
    bySocket.set(socket, onSocket);
    nth++;
    request.resume();
    if (cut(nth, onSocket)) socket.resetAndDestroy();
    else response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: nth }));
  });
  await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a call to a node', () => {
  it('goes out once more when its idle connection turns out to be closed', async () => {
    const url = await listen((_nth, onSocket) => onSocket > 1);
    expect(await rpcCall(url, AUTH, 'asked')).toBe(1);
    // On the same connection, which the server has given up; then on another one.
    expect(await rpcCall(url, AUTH, 'asked')).toBe(3);
  });

  it('is not repeated when a new connection breaks: it may have been heard', async () => {
    let asked = 0;
    const url = await listen((nth) => {
      asked = nth;
      return true;
    });
    await expect(rpcCall(url, AUTH, 'asked')).rejects.toMatchObject({ kind: 'down' });
    expect(asked).toBe(1);
  });
});
