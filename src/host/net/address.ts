import { peerIdFromString } from '@libp2p/peer-id';
import { CODE_P2P, CODE_TCP, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../node/types.ts';

export interface Address {
  readonly text: string;
  readonly multiaddr: Multiaddr;
  /** Undefined when the address does not name a peer: whoever answers there is taken. */
  readonly peer: PeerId | undefined;
}

/**
 * Reads a multiaddress that TCP can reach, such as `/ip4/127.0.0.1/tcp/9000/p2p/12D3Koo…`.
 * @throws Error with a sentence naming the address and what is wrong with it.
 */
export function parseAddress(text: string): Address {
  let ma: Multiaddr;
  try {
    ma = multiaddr(text.trim());
  } catch (e) {
    throw new Error(
      `"${text}" is not a multiaddress such as /ip4/127.0.0.1/tcp/9000/p2p/12D3Koo… (${(e as Error).message})`,
    );
  }
  const parts = ma.getComponents();
  const port = parts.find((p) => p.code === CODE_TCP)?.value;
  if (port === undefined) throw new Error(`"${text}" has no /tcp/PORT part, and only TCP is spoken here`);
  const beyond = parts.find((p, i) => i > parts.findIndex((q) => q.code === CODE_TCP) && p.code !== CODE_P2P);
  if (beyond !== undefined)
    throw new Error(
      `"${text}" has a /${beyond.name} part after its port, and only plain TCP is spoken here: leave it out`,
    );
  const peer = parts.findLast((p) => p.code === CODE_P2P)?.value;
  if (peer !== undefined) {
    try {
      peerIdFromString(peer);
    } catch (e) {
      throw new Error(`"${text}" names a peer id that is none (${(e as Error).message})`);
    }
  }
  return { text: ma.toString(), multiaddr: ma, peer };
}

/**
 * Reads an address to listen on, which must be of this machine alone: nodes trust whoever reaches them to be a fellow
 * experiment, and nothing here is meant for an open network.
 * @throws Error with a sentence naming the address and what is wrong with it.
 */
export function parseListenAddress(text: string): Address {
  const address = parseAddress(text);
  const [host] = address.multiaddr.getComponents();
  const isLoopback =
    (host?.name === 'ip4' && host.value?.startsWith('127.') === true) ||
    (host?.name === 'ip6' && host.value === '::1');
  if (!isLoopback) {
    throw new Error(
      `"${text}" is not an address of this machine alone: listen on /ip4/127.0.0.1/tcp/PORT or /ip6/::1/tcp/PORT`,
    );
  }
  return address;
}

/** libp2p's own text for this is four lines with advice for programmers. */
export function listenError(listen: readonly string[], error: Error): Error {
  const taken = /EADDRINUSE|already in use/.test(error.message);
  const denied = /EACCES/.test(error.message);
  const why = taken
    ? 'the port is taken'
    : denied
      ? 'not permitted'
      : error.message.trim().replace(/\s+/g, ' ');
  return new Error(`cannot listen on ${listen.join(', ')}: ${why}`, { cause: error });
}
