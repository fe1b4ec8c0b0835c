import { headerWith } from '../../src/bitcoin/coinbase.ts';
import { encodeHeader, headerHash } from '../../src/bitcoin/header.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { createNetwork } from '../../src/host/net/network.ts';
import type { Network } from '../../src/host/net/types.ts';
import { limits } from '../../src/node/limits.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/node/wire/messages.ts';
import { keyOf } from '../../src/util/bytes.ts';
import { EASIEST_BITS, solved } from './blocks.ts';

/** A chain of headers without bodies, as 80 bytes each, and the hashes. */
export interface HeaderChain {
  readonly headers: readonly Uint8Array[];
  readonly hashes: readonly Uint8Array[];
}

export function headerChain(params: Params, length: number): HeaderChain {
  const headers: Uint8Array[] = [];
  const hashes: Uint8Array[] = [];
  let prev = params.genesisHash;
  let time = params.genesis.header.time;
  const merkleRoot = new Uint8Array(32);
  while (headers.length < length) {
    time++;
    const bytes = encodeHeader(solved(headerWith(merkleRoot, { prev, time, bits: EASIEST_BITS })));
    prev = headerHash(bytes);
    headers.push(bytes);
    hashes.push(prev);
  }
  return { headers, hashes };
}

/** A peer on the real network that has these headers, and no body of them: what it costs to serve bodies stays out. */
export async function serveHeaders(dir: string, params: Params, chain: HeaderChain): Promise<Network> {
  const places = new Map(chain.hashes.map((hash, i) => [keyOf(hash), i + 1]));
  const answer = (peer: string, message: Message): void => {
    if (message.kind !== 'getheaders') return;
    const known = message.locator.map((hash) => places.get(keyOf(hash))).find((place) => place !== undefined);
    const from = known ?? 0;
    const headers = chain.headers.slice(from, from + limits.maxHeadersPerMessage);
    network.send(peer, encodeMessage({ kind: 'headers', id: message.id, headers }));
  };
  const network = await createNetwork({
    dir,
    genesisId: params.genesisId,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    connect: [],
    maxGossip: limits.maxGossipBytes,
    maxFrame: limits.maxFrameBytes,
    asksForMuch: () => true,
    maxPeers: limits.maxPeers,
    note: (text) => process.stderr.write(`${text}\n`),
    events: {
      joined: (peer) =>
        network.send(
          peer,
          encodeMessage({
            kind: 'hello',
            version: limits.protocolVersion,
            genesis: params.genesisHash,
            name: 'source',
            height: chain.headers.length,
            work: 2n * BigInt(chain.headers.length + 1),
            tip: chain.hashes.at(-1)!,
          }),
        ),
      left: () => {},
      message: (peer, frame) => {
        const message = decodeMessage(frame, limits);
        if (!message.ok) throw new Error(message.error);
        answer(peer, message.value);
      },
      gossip: (_peer, _topic, _bytes, verdict) => verdict('ignore'),
    },
  });
  return network;
}
