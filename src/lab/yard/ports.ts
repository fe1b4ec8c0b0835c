import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { failed } from '../../yard/problem.ts';

export const FIRST_RPC_PORT = 18_543;
export const FIRST_P2P_PORT = 18_643;
export const FIRST_CONTROL_PORT = 18_443;

/** Can a server listen on this loopback port now? Asked by doing it. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => done(true)));
  });
}

/** Where a yard that nobody types addresses of looks for ports: away from the usual ones, and from others like it. */
export const anywhere = (): number => 20_000 + randomInt(10_000);

/** How often whoever listens looks for a port again. */
export const PORT_ATTEMPTS = 8;

/** Where to look again after a port was taken in front of us: two who look at once should not meet again. */
export const elsewhere = (first: number): number => first + randomInt(1_000);

/**
 * The first free loopback port from `from` up that is not in `taken`; the port found is added to `taken`. Another
 * program (such as a second yard that starts at this moment) may still take it before we do: whoever listens tries again.
 */
export async function freePort(from: number, taken: Set<number>): Promise<number> {
  const last = Math.min(from + 2_000, 65_535);
  for (let port = from; port <= last; port++) {
    if (taken.has(port)) continue;
    if (await isFree(port)) {
      taken.add(port);
      return port;
    }
  }
  throw failed(
    `no free port on 127.0.0.1 from ${from} to ${last}`,
    'Close some programs, or try: forkyard doctor',
  );
}

/**
 * Has `server` listen on the first free loopback port from `first` up, and returns the port. Looks again, elsewhere, when
 * another program takes the port between the look and the call.
 * @throws Problem after `PORT_ATTEMPTS`, and the system's error when the server cannot listen for any other reason.
 */
export async function listenFrom(server: Server, first: number, find = freePort): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await find(attempt === 1 ? first : elsewhere(first), new Set());
    const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
      server.once('error', done);
      server.listen({ port, host: '127.0.0.1' }, () => {
        server.off('error', done);
        done(undefined);
      });
    });
    if (error === undefined) return port;
    if (error.code !== 'EADDRINUSE') throw error;
    if (attempt === PORT_ATTEMPTS)
      throw failed(`other programs took ${attempt} ports on 127.0.0.1 before forkyard could`, 'Try again.');
  }
}

interface Ports {
  readonly rpcPort: number;
  readonly p2pPort: number;
}

/** Other ports for a node of which somebody took one; undefined when both are still free. */
export async function otherPorts(all: readonly Ports[], node: Ports): Promise<Ports | undefined> {
  if ((await isFree(node.rpcPort)) && (await isFree(node.p2pPort))) return undefined;
  const taken = new Set(all.flatMap(({ rpcPort, p2pPort }) => [rpcPort, p2pPort]));
  return {
    rpcPort: await freePort(elsewhere(FIRST_RPC_PORT), taken),
    p2pPort: await freePort(elsewhere(FIRST_P2P_PORT), taken),
  };
}
