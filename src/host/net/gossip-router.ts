import { createHash } from 'node:crypto';
import { gossipsub, StrictNoSign, type TopicValidatorResult } from '@libp2p/gossipsub';
import { createTopicScoreParams } from '@libp2p/gossipsub/score';
import type { Connection, PeerId as Libp2pPeerId, Stream, TypedEventTarget } from '@libp2p/interface';
import type { PeerId, Topic } from '../../node/types.ts';
import type { GossipMemory } from './gossip-memory.ts';
import { netLimits } from './limits.ts';

/** A gossipsub frame, decoded. */
export interface Rpc {
  readonly subscriptions: readonly unknown[];
  readonly messages: { topic: string; data?: Uint8Array }[];
  readonly control?: {
    readonly ihave?: { messageIDs?: Uint8Array[] }[];
    readonly iwant?: { messageIDs?: Uint8Array[] }[];
    readonly idontwant?: { messageIDs?: Uint8Array[] }[];
    readonly graft?: unknown[];
    readonly prune?: { backoff?: number | bigint; peers?: unknown[] }[];
  };
}

/**
 * What we use of gossipsub 17. Its published type leaves most of this out, though a validating application
 * cannot do without; this interface is the one place where we cast. Internal are `createInboundStream`,
 * `decodeRpc`, `sendRpc`, `removePeer`, `createOutboundStream`, `outboundInflightQueue` and the fields of `GossipMemory`, through which we bound what peers cost, `streamsOutbound`,
 * with which we learn that a gossip stream has died (gossipsub only logs it), and `graftOnSubscribe` and `sendGraft`.
 */
export interface GossipRouter
  extends GossipMemory,
    TypedEventTarget<{
      'gossipsub:message': CustomEvent<{
        propagationSource: Libp2pPeerId;
        msgId: string;
        msg: { topic: string; data: Uint8Array };
      }>;
      'subscription-change': CustomEvent<{ peerId: Libp2pPeerId }>;
    }> {
  subscribe(topic: string): void;
  publish(topic: string, data: Uint8Array): Promise<unknown>;
  getSubscribers(topic: string): Libp2pPeerId[];
  getScore(peer: PeerId): number;
  reportMessageValidationResult(msgId: string, source: PeerId, result: TopicValidatorResult): void;
  readonly streamsOutbound: ReadonlyMap<
    PeerId,
    { readonly rawStream: { readonly writeBufferLength: number } }
  >;
  /** Takes the peer into the topic's mesh if it may be there and there is room; true if it was not and now is. */
  graftOnSubscribe(peer: PeerId, topic: string): boolean;
  sendGraft(peer: PeerId, topics: readonly string[]): void;
  createInboundStream(peer: Libp2pPeerId, stream: Stream): void;
  decodeRpc(bytes: Uint8Array): Rpc;
  handleReceivedRpc(from: Libp2pPeerId, rpc: Rpc): Promise<void>;
  sendRpc(peer: PeerId, rpc: Rpc): boolean;
  removePeer(peer: Libp2pPeerId): void;
  createOutboundStream(peer: Libp2pPeerId, connection: Connection): Promise<void>;
  outboundInflightQueue: {
    push(item: { readonly peerId: Libp2pPeerId; readonly connection: Connection }): void;
    end(): void;
  };
}

/**
 * gossipsub opens its streams to all peers one after another, and waits for each up to ten seconds: a peer that does not
 * answer would keep all others from gossip. Here those of one peer follow each other, and peers go side by side. After
 * gossipsub has started.
 */
export function openSideBySide(router: GossipRouter): void {
  const opening = new Map<PeerId, Promise<void>>();
  const { outboundInflightQueue: old } = router;
  router.outboundInflightQueue = {
    push: ({ peerId, connection }) => {
      const peer = peerId.toString();
      const open = () => router.createOutboundStream(peerId, connection);
      const turn = (opening.get(peer) ?? Promise.resolve()).then(open).finally(() => {
        if (opening.get(peer) === turn) opening.delete(peer);
      });
      opening.set(peer, turn);
    },
    end: () => old.end(),
  };
}

export const TOPICS: readonly Topic[] = ['block', 'tx'];
/** A peer with this score or less is not listened to; we then ban it (network.ts). */
export const GRAYLIST = -100;
/** gossipsub's frames carry protobuf around a message, and control messages beside it. */
export const RPC_OVERHEAD = 64 << 10;

export const topicName = (genesisId: string, topic: Topic): string =>
  `/forkyard/${genesisId.slice(0, 16)}/${topic}/1`;

/**
 * Messages are unsigned (a block proves itself), so the id is the content's: one message is one message,
 * whoever sends it.
 */
function messageId(message: { topic: string; data: Uint8Array }): Uint8Array {
  return createHash('sha256').update(message.topic).update('\0').update(message.data).digest();
}

const TOPIC_SCORE = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 300,
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 20,
  // Blocks and payments are rare in a yard: a quiet neighbour is no bad neighbour.
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -10,
  invalidMessageDeliveriesDecay: 0.98,
});

const SCORE_THRESHOLDS = {
  gossipThreshold: -40,
  publishThreshold: -60,
  graylistThreshold: GRAYLIST,
  acceptPXThreshold: 1_000,
  opportunisticGraftThreshold: 1,
};

function scoreParams(genesisId: string, appScore: (peer: PeerId) => number) {
  return {
    topics: Object.fromEntries(TOPICS.map((t) => [topicName(genesisId, t), TOPIC_SCORE])),
    topicScoreCap: 20,
    appSpecificScore: appScore,
    appSpecificWeight: 1,
    IPColocationFactorWeight: 0,
    behaviourPenaltyWeight: -1,
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyDecay: 0.9,
    // net/bans.ts remembers who did wrong; gossipsub would remember everybody who was ever here.
    retainScore: 1_000,
  };
}

/**
 * gossipsub set for a yard: up to eight neighbours are all in the mesh, as soon as they subscribe (it
 * grafts up to `Dlo` without waiting for a heartbeat), and our own messages go to every subscriber. One
 * rejected message costs 10 × 1², four in a row 10 × 4²: the peer is then below the graylist threshold. All
 * nodes share one IP address, so that factor is off.
 */
export function gossipService(o: {
  readonly genesisId: string;
  readonly maxGossip: number;
  /** Our own judgement of a peer, 0 or less. */
  readonly appScore: (peer: PeerId) => number;
}) {
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: messageId,
    asyncValidation: true,
    fallbackToFloodsub: false,
    floodPublish: true,
    emitSelf: false,
    doPX: false,
    tagMeshPeers: false,
    ignoreDuplicatePublishError: true,
    D: 8,
    Dlo: 8,
    Dhi: 12,
    Dscore: 6,
    Dout: 3,
    Dlazy: 8,
    heartbeatInterval: 500,
    // A message may be forwarded while it is in the cache: 20 heartbeats leave ten seconds for a verdict.
    mcacheLength: 20,
    mcacheGossip: 6,
    pruneBackoff: 10_000,
    allowedTopics: TOPICS.map((t) => topicName(o.genesisId, t)),
    decodeRpcLimits: {
      maxSubscriptions: 2 * TOPICS.length,
      maxMessages: netLimits.gossipMessagesPerFrame,
      // What gossipsub itself may send; how many of them we look at is another matter (gossip-inbound.ts).
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 1_000,
      maxPeerInfos: 16,
    },
    awaitRpcMessageHandler: true,
    idontwantMaxMessages: netLimits.idontwantPerBeat,
    maxOutboundBufferSize: netLimits.gossipBufferBytes,
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    scoreParams: scoreParams(o.genesisId, o.appScore),
    scoreThresholds: SCORE_THRESHOLDS,
  });
}
