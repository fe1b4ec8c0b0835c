import { idOf } from '../util/bytes.ts';
import type { CompactRelay } from './blocks/compact-relay.ts';
import type { Mining } from './mining/mining.ts';
import type { Peer } from './peers/peers.ts';
import type { StepContext } from './step-context.ts';
import type { FutureBlocks } from './sync/future.ts';
import type { NodeView, PeerView } from './view.ts';

interface ViewedParts {
  readonly compact: CompactRelay;
  readonly future: FutureBlocks;
  readonly mining: Mining;
}

/** What FullNode alone knows. */
interface Own {
  readonly startedAt: () => number;
  readonly steps: () => number;
  readonly busy: () => boolean;
}

/** The read-only face of a node's state. Getters, so that a view taken once stays true. */
export function viewOf(context: StepContext, parts: ViewedParts, own: Own): NodeView {
  return {
    name: context.name,
    params: context.params,
    limits: context.limits,
    chain: context.chain,
    mempool: context.mempool,
    get now() {
      return context.now;
    },
    get offset() {
      return context.offset;
    },
    get wallS() {
      return context.wallS;
    },
    get startedAt() {
      return own.startedAt();
    },
    get orphanTxs() {
      return context.orphans.size;
    },
    get compact() {
      return parts.compact.counts;
    },
    get announcedBlocks() {
      return parts.compact.size;
    },
    get futureBlocks() {
      return parts.future.size;
    },
    get peers() {
      const present = context.peers.all().filter((peer) => !peer.dropped);
      present.sort((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1));
      return present.map((peer) => peerView(context, peer));
    },
    get mining() {
      return parts.mining.view;
    },
    get initialSync() {
      return context.initialSync;
    },
    get busy() {
      return own.busy();
    },
    get settling() {
      return context.chain.ahead || context.mempool.behind;
    },
    get steps() {
      return own.steps();
    },
  };
}

function peerView(context: StepContext, peer: Peer): PeerView {
  const { best } = peer;
  // Claims are shown only where they say more than what the peer has proved by headers.
  const proven = best !== undefined && best.work >= peer.work;
  return {
    peer: peer.id,
    inbound: peer.inbound,
    joinedAt: peer.joinedAt,
    ready: peer.ready,
    name: peer.name,
    version: peer.version,
    height: proven ? best.height : peer.height,
    tip: proven ? best.id : idOf(peer.tip),
    work: proven ? best.work : peer.work,
    syncedHeight: best?.height ?? -1,
    ping: peer.ping,
    lastHeard: peer.lastHeard,
    framesIn: peer.framesIn,
    framesOut: peer.framesOut,
    bytesIn: peer.bytesIn,
    bytesOut: peer.bytesOut,
    headersBuffered: peer.headers.buffer.length,
    inFlight: [...peer.bodies.inFlight.values()].map(({ entry }) => entry.height).sort((a, b) => a - b),
    score: peer.scoreNow(context.now, context.limits),
    blocksRefused: peer.blocksRefused,
  };
}
