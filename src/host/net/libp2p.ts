import { identify } from '@libp2p/identify';
import type { PrivateKey } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import type { PeerId } from '../../node/types.ts';
import type { Gate } from './gate.ts';
import { gossipService } from './gossip-router.ts';
import { netLimits } from './limits.ts';
import { type Links, linkTransport } from './link.ts';
import { type Allowance, boundedYamux, WindowPool } from './muxer.ts';
import { PeerRows } from './peer-rows.ts';

export interface Libp2pParts {
  readonly privateKey: PrivateKey;
  readonly genesisId: string;
  readonly listen: readonly string[];
  readonly maxGossip: number;
  readonly links: Links;
  readonly gate: Gate;
  /** The protocol whose streams net/frame-reader.ts bounds. */
  readonly syncProtocol: string;
  /** What we hold against a peer, in points. */
  readonly points: (peer: PeerId) => number;
}

/** libp2p over TCP, noise and yamux, with bounds of ours wherever it has none; not started. */
export async function createLibp2pNode(o: Libp2pParts) {
  const self = peerIdFromPrivateKey(o.privateKey);
  const rows = new PeerRows(`/peers/${self.toCID()}`, netLimits.peerRows, netLimits.peerRowBytes);
  const libp2p = await createLibp2p({
    start: false,
    privateKey: o.privateKey,
    // Its type is of a package that we do not depend on; what libp2p calls of it is there.
    datastore: rows as unknown as NonNullable<Libp2pOptions['datastore']>,
    addresses: { listen: [...o.listen] },
    transports: [linkTransport(o.links)],
    connectionEncrypters: [noise()],
    streamMuxers: [
      boundedYamux({
        windows: new WindowPool(netLimits.windowPoolBytes),
        allowance: (protocol, direction) => allowance(o.syncProtocol, protocol, direction),
      }),
    ],
    connectionGater: o.gate.gater,
    // It cuts connections when the event loop is busy for a second, which big blocks do; net/sessions.ts
    // watches instead.
    connectionMonitor: { enabled: false },
    connectionManager: {
      // Nodes of a yard share one address; net/pending.ts bounds what is under way, and the gate who has a place. libp2p
      // would refuse the newcomer, and prune connections of its own choice.
      inboundConnectionThreshold: 1e9,
      maxIncomingPendingConnections: 1e9,
      maxConnections: 1e9,
      inboundUpgradeTimeout: netLimits.handshakeMs,
      dialTimeout: netLimits.dialTimeoutMs,
      maxParallelDials: netLimits.parallelDials,
    },
    services: {
      identify: identify({ timeout: netLimits.dialTimeoutMs }),
      gossip: gossipService({
        genesisId: o.genesisId,
        maxGossip: o.maxGossip,
        appScore: (peer) => -o.points(peer),
      }),
    },
  });
  return { libp2p, self: self.toString(), rows };
}

/** The streams that somebody here reads bound themselves; on all others next to nothing comes. */
function allowance(sync: string, protocol: string, direction: 'inbound' | 'outbound'): Allowance {
  if (protocol === sync) return undefined;
  if (protocol.startsWith('/meshsub/') && direction === 'inbound') return undefined;
  if (protocol === '/ipfs/id/1.0.0' && direction === 'outbound')
    return { bytes: netLimits.identifyBytes, frames: netLimits.identifyFrames };
  return { bytes: netLimits.idleStreamBytes, frames: netLimits.idleStreamFrames };
}
