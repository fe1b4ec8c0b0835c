import { idOf } from '../util/bytes.ts';
import type { Core } from './core.ts';
import type { Peer } from './peers.ts';
import type { NodeView, PeerView } from './view.ts';

/** What FullNode alone knows. */
interface Own {
  readonly startedAt: () => number;
  readonly steps: () => number;
  readonly busy: () => boolean;
}

/** The read-only face of a node's state. Getters, so that a view taken once stays true. */
export function viewOf(core: Core, own: Own): NodeView {
  return {
    name: core.name,
    params: core.params,
    limits: core.limits,
    chain: core.chain,
    mempool: core.mempool,
    get now() {
      return core.now;
    },
    get offset() {
      return core.offset;
    },
    get wallS() {
      return core.wallS;
    },
    get startedAt() {
      return own.startedAt();
    },
    get orphanTxs() {
      return core.orphans.size;
    },
    get compact() {
      return core.parts.compact.counts;
    },
    get announcedBlocks() {
      return core.parts.compact.size;
    },
    get futureBlocks() {
      return core.parts.future.size;
    },
    get peers() {
      const present = core.peers.all().filter((peer) => !peer.dropped);
      present.sort((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1));
      return present.map((peer) => peerView(core, peer));
    },
    get mining() {
      return core.parts.mining.view;
    },
    get initialSync() {
      return core.initialSync;
    },
    get busy() {
      return own.busy();
    },
    get settling() {
      return core.chain.ahead || core.parts.connector.settling;
    },
    get steps() {
      return own.steps();
    },
  };
}

function peerView(core: Core, peer: Peer): PeerView {
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
    score: peer.scoreNow(core.now, core.limits),
    blocksRefused: peer.blocksRefused,
  };
}
